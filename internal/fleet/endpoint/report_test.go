package endpoint_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

func TestSlotIsCheckedConfirmedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	p.offer(e)

	p.work(t, down(probe.ClassRefused))
	if got := w.endpoint(t, e.ID); got.FailedSlots != 0 || got.LastVerdict != probe.Down || got.LastStage != probe.StageTCP || len(w.asked) != 1 {
		t.Fatalf("after a failure: %+v, %d asked", got.Endpoint, len(w.asked))
	}
	c := w.asked[0]
	if wait := c.Due.Sub(w.clock.Now()); wait < 20*time.Second || wait > time.Minute || c.Attempt != 2 || c.Mode != probe.Full || c.Kind != vantage.KindSlot || !c.Slot.Equal(epoch.Truncate(15*time.Minute)) {
		t.Errorf("the confirmation is %+v", c)
	}
	w.clock.Advance(time.Minute)
	p.work(t, down(probe.ClassRefused))
	w.clock.Advance(time.Minute)
	p.work(t, down(probe.ClassRefused))
	if got := w.endpoint(t, e.ID); got.FailedSlots != 1 || len(w.asked) != 0 {
		t.Errorf("after two confirmations: %d failed slots, %d asked", got.FailedSlots, len(w.asked))
	}
	w.clock.Advance(15 * time.Minute)
	p.offer(e)
	p.work(t, up())
	if got := w.endpoint(t, e.ID); got.FailedSlots != 0 || got.LastVerdict != probe.Up || got.LastClass != probe.ClassNone {
		t.Errorf("after it came back: %+v", got.Endpoint)
	}
}

func TestTroubleOfOurOwnIsNotHeldAgainstAnEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	for _, class := range []probe.Class{probe.ClassControlFailed, probe.ClassLocalResources, probe.ClassCanceled, probe.ClassRateLimited} {
		p.offer(e)
		p.work(t, down(class))
	}
	// A full check that says it passed, and proves nothing, is none.
	p.offer(e)
	lie := up()
	lie.Evidence = nil
	p.work(t, lie)

	for _, a := range w.attempts {
		if a.Verdict != probe.Unknown {
			t.Errorf("%s counts as %s", a.Class, a.Verdict)
		}
	}
	if got := w.endpoint(t, e.ID); got.FailedSlots != 0 || len(w.asked) != 0 || len(w.attempts) != 5 {
		t.Errorf("%+v, %d asked, %d attempts", got.Endpoint, len(w.asked), len(w.attempts))
	}
}

func TestFailureThatNobodyCanConfirmAnyMoreIsNotHeldAgainstAnEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	w.clock.Advance(15*time.Minute + 50*time.Second) // 50 s into the time after the slot
	p.offer(e, func(o *endpoint.Offer) { o.Slot = epoch.Truncate(15 * time.Minute) })
	w.clock.Advance(time.Minute)

	p.work(t, down(probe.ClassTimeout))

	if got := w.endpoint(t, e.ID); got.FailedSlots != 0 || len(w.asked) != 0 {
		t.Errorf("%d failed slots, %d asked", got.FailedSlots, len(w.asked))
	}
}

func TestRecordIsSealedAndSaysWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	o := p.offer(e)
	l := p.lease(t)
	exit := netip.MustParseAddr("198.51.100.77")
	line, err := echo.Answer([]byte(echoKey), l.Jobs[0].EchoNonce, exit)
	noError(t, err)
	good := up()
	good.Evidence.ServerKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	good.Evidence.Exit = &probe.Exit{Addr: exit.String(), MAC: line[len(exit.String())+1 : len(line)-1]}

	noError(t, p.report(t, l.ID, answers(w, l, good)))

	a := w.attempts[0]
	if contains(a.Record, "203.0.113.9") || contains(a.Record, "198.51") {
		t.Error("the record is readable")
	}
	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)
	v := views[0]
	if v.Exit == nil || v.Exit.Address != "198.51.100.77" || !v.Checks[0].Proven || v.Checks[0].Vantage != "" || a.OfferID != o.ID {
		t.Errorf("%+v", v)
	}
	kinds := map[endpoint.LinkKind]int{}
	for _, k := range w.links {
		kinds[k.Kind]++
	}
	want := map[endpoint.LinkKind]int{
		endpoint.LinkListenIP: 1, endpoint.LinkListenNet: 1, endpoint.LinkExitIP: 1, endpoint.LinkExitNet: 1, endpoint.LinkServerKey: 1,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	state, err := json.Marshal([]any{w.endpoints, w.links, w.hits, w.proofs, w.entries})
	noError(t, err)
	if contains(state, "203.0.113") || contains(state, "198.51.100") {
		t.Errorf("an address is kept in clear: %s", state)
	}
}

func TestExitThatTheEchoServerDidNotSayIsDropped(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(nonce string, e *probe.Exit) string{
		"another address":  func(n string, e *probe.Exit) string { e.Addr = "198.51.100.78"; return n },
		"of another check": func(string, *probe.Exit) string { return "00000000000000000000000000000000" },
	} {
		w := newWorld(t)
		e, p := w.claim(t, socks), w.enrol(t, "fi-1")
		p.offer(e)
		l := p.lease(t)
		o := up()
		o.Evidence.Exit = &probe.Exit{Addr: "198.51.100.77"}
		line, err := echo.Answer([]byte(echoKey), change(l.Jobs[0].EchoNonce, o.Evidence.Exit), netip.MustParseAddr("198.51.100.77"))
		noError(t, err)
		o.Evidence.Exit.MAC = line[len("198.51.100.77 ") : len(line)-1]

		noError(t, p.report(t, l.ID, answers(w, l, o)))

		views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
		noError(t, err)
		record, err := w.data.Open(seal.AAD{Table: "check_result", Column: "record", Row: w.attempts[0].OfferID.String()}, w.attempts[0].Record)
		noError(t, err)
		if views[0].Exit != nil || len(w.links) != 2 || contains(record, "198.51.100") {
			t.Errorf("%s: %+v, %d links", name, views[0].Exit, len(w.links))
		}
	}
}

func TestAddressThatCannotHaveBeenDialledSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	p.offer(e)
	o := up()
	o.Addr = "192.0.2.1:1080"
	p.work(t, o)
	if len(w.links) != 0 {
		t.Errorf("%+v", w.links)
	}
}

func TestRefusedReportsWriteNothing(t *testing.T) {
	t.Parallel()
	type scene struct {
		w        *world
		p, other *prober
		l        vantage.Lease
	}
	list := func(s scene) []vantage.Answer { return answers(s.w, s.l, up()) }
	for name, test := range map[string]struct {
		send func(t *testing.T, s scene) error
		want string
	}{
		"repeated": {func(t *testing.T, s scene) error {
			e := s.p.sign(t, s.l.ID, list(s))
			noError(t, s.w.Report(t.Context(), e, nil))
			s.w.writes = 0
			return s.w.Report(t.Context(), e, nil)
		}, "report_repeated"},
		"number left out": {func(t *testing.T, s scene) error { s.p.seq++; return s.p.report(t, s.l.ID, list(s)) }, "report_out_of_order"},
		"other history":   {func(t *testing.T, s scene) error { s.p.prev[0]++; return s.p.report(t, s.l.ID, list(s)) }, "report_out_of_order"},
		"forged": {func(t *testing.T, s scene) error {
			s.p.key = s.other.key
			return s.p.report(t, s.l.ID, list(s))
		}, "signature_wrong"},
		"changed on the way": {func(t *testing.T, s scene) error {
			e := s.p.sign(t, s.l.ID, list(s))
			e.Signature[0] ^= 1
			return s.w.Report(t.Context(), e, nil)
		}, "signature_wrong"},
		"a lease of somebody else": {func(t *testing.T, s scene) error { return s.other.report(t, s.l.ID, list(s)) }, "lease_unknown"},
		"a lease that never was":   {func(t *testing.T, s scene) error { return s.p.report(t, uuid.New(), list(s)) }, "lease_unknown"},
		"a job of another lease": {func(t *testing.T, s scene) error {
			s.p.offer(s.w.endpoints[0])
			second := s.p.lease(t)
			return s.p.report(t, second.ID, list(s))
		}, "job_unknown"},
		"too late": {func(t *testing.T, s scene) error {
			a := list(s)
			s.w.clock.Advance(15*time.Minute + time.Second)
			return s.p.report(t, s.l.ID, a)
		}, "report_late"},
		"a clock that is slow": {func(t *testing.T, s scene) error {
			a := list(s)
			a[0].Started = a[0].Started.Add(-5*time.Minute - time.Second)
			return s.p.report(t, s.l.ID, a)
		}, "report_times"},
		"a report of the past": {func(t *testing.T, s scene) error {
			s.p.off = -5*time.Minute - time.Second
			return s.p.report(t, s.l.ID, list(s))
		}, "report_times"},
		"a report of the future": {func(t *testing.T, s scene) error {
			s.p.off = 5*time.Minute + time.Second
			return s.p.report(t, s.l.ID, list(s))
		}, "report_times"},
		"a check of the future": {func(t *testing.T, s scene) error {
			a := list(s)
			a[0].Started = a[0].Started.Add(5*time.Minute + time.Second)
			return s.p.report(t, s.l.ID, a)
		}, "report_times"},
		"a prober that was disabled": {func(t *testing.T, s scene) error {
			now := s.w.clock.Now()
			s.w.vantage(s.p.id).DisabledAt = &now
			return s.p.report(t, s.l.ID, list(s))
		}, "vantage_disabled"},
		"a prober that never was": {func(t *testing.T, s scene) error {
			s.p.id = uuid.New()
			return s.p.report(t, s.l.ID, list(s))
		}, "vantage_unknown"},
	} {
		w := newWorld(t)
		s := scene{w: w, p: w.enrol(t, "fi-1"), other: w.enrol(t, "se-1")}
		s.p.offer(w.claim(t, socks))
		s.l = s.p.lease(t)
		w.writes = 0

		err := test.send(t, s)

		if code := test.want; err == nil || w.writes != 0 {
			t.Errorf("%s: %v, want %s; %d writes", name, err, code, w.writes)
		}
		wantCode(t, err, test.want)
	}
}
