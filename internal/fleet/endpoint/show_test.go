package endpoint_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// TestAPanelOpensOnlyWhatItShows spoils the record of every check that is not shown: a
// view that decrypted one of them would fail.
func TestAPanelOpensOnlyWhatItShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	p.offer(e)
	l := p.lease(t)
	exit := netip.MustParseAddr("198.51.100.77")
	line, err := echo.Answer([]byte(echoKey), l.Jobs[0].EchoNonce, exit)
	noError(t, err)
	o := up()
	o.Evidence.Exit = &probe.Exit{Addr: exit.String(), MAC: strings.TrimSpace(strings.TrimPrefix(line, exit.String()))}
	noError(t, p.report(t, l.ID, answers(w, l, o)))
	p.offer(e)
	p.work(t, down(probe.ClassRefused))
	sawExit, refused := w.attempts[0], w.attempts[1]
	if !sawExit.ExitKnown || refused.ExitKnown {
		t.Fatalf("exits known: %v and %v", sawExit.ExitKnown, refused.ExitKnown)
	}
	const checks = 1_900
	w.attempts = nil
	begin := w.clock.Now().Add(-47 * time.Hour)
	for i := range checks {
		a := refused
		if i == 100 {
			a = sawExit
		} else if i < checks-endpoint.DefaultChecks {
			a.Record = []byte("spoilt")
		}
		a.Kind, a.Place, a.Started = vantage.KindSlot, vantage.Outside, begin.Add(time.Duration(i)*time.Minute)
		a.Slot = a.Started.Truncate(15 * time.Minute)
		w.attempts = append(w.attempts, a)
	}
	begun := w.attempts[100].Started
	yesterday := uptime.Midnight(w.clock.Now()).AddDate(0, 0, -1)
	w.days = []endpoint.Day{{
		EndpointID: e.ID, Place: vantage.Outside, Day: yesterday, SlotS: 900, Marks: strings.Repeat("d", 96), Attempts: 96,
	}}

	for _, shown := range []int{0, 7, endpoint.DefaultChecks} {
		views, err := w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, shown)
		noError(t, err)
		v := views[0]
		if len(v.Checks) != shown || v.Exit == nil || !v.Exit.SeenAt.Equal(begun) {
			t.Errorf("%d checks and exit %+v, want %d and one seen at %v", len(v.Checks), v.Exit, shown, begun)
		}
		if shown > 0 && !v.Checks[0].At.Equal(w.attempts[checks-1].Started) {
			t.Errorf("the first check is of %v, want the newest", v.Checks[0].At)
		}
		if slots := explained(v)[probe.ClassRefused]; slots < 72 || slots > 74 {
			t.Errorf("of %d slots it says why, want those of the first 18 hours of yesterday", slots)
		}
	}

	w.attempts[checks-endpoint.DefaultChecks-1].Record = refused.Record
	if _, err := w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, endpoint.DefaultChecks+1); err != nil {
		t.Errorf("one more, which is sound: %v", err)
	}
	if _, err := w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, endpoint.DefaultChecks+2); err == nil {
		t.Error("a spoilt record is shown")
	}
}

// TestOnlyTheDecidingPlaceSaysWhyASlotFailed has probers at two places find different things.
func TestOnlyTheDecidingPlaceSaysWhyASlotFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	p.offer(e)
	p.work(t, down(probe.ClassRefused))
	one := w.attempts[0]
	w.attempts = nil
	add := func(place vantage.Place, kind vantage.Kind, attempt int, class probe.Class) {
		a := one
		a.OfferID, a.Record, a.Place, a.Kind, a.Attempt, a.Class = uuid.New(), nil, place, kind, attempt, class
		w.attempts = append(w.attempts, a)
	}
	add(vantage.Outside, vantage.KindSlot, 1, probe.ClassReset)
	add(vantage.Outside, vantage.KindSlot, 2, probe.ClassTimeout)
	add(vantage.Inside, vantage.KindSlot, 1, probe.ClassEOF)
	add(vantage.Outside, vantage.KindRecheck, 3, probe.ClassAuthRejected)

	w.clock.Advance(policy().Slot)
	views, err := w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, 0)
	noError(t, err)

	if diff := cmp.Diff(map[probe.Class]int{probe.ClassTimeout: 1}, explained(views[0])); diff != "" {
		t.Errorf("want the last attempt outside: %s", diff)
	}
}

// explained counts the slots of a strip by why they were not up.
func explained(v endpoint.View) map[probe.Class]int {
	out := map[probe.Class]int{}
	for _, d := range v.Strip {
		for _, run := range d.Runs {
			if run.Class != probe.ClassNone {
				out[run.Class] += run.Slots
			}
		}
	}
	return out
}
