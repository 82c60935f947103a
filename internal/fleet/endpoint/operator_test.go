package endpoint_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestUnderstoodTextShowsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for text, ways := range map[string][]control.Kind{
		socks:     {control.KindCredential, control.KindPort},
		named:     {control.KindCredential, control.KindPort, control.KindDNS},
		mtproto:   {control.KindCredential, control.KindPort},
		wireguard: {control.KindCredential, control.KindPort},
		"ss://YWVzLTI1Ni1nY206c3dvcmRmaXNo@192.0.2.1:8388": {control.KindPort},
	} {
		u, err := w.Understand(text)
		noError(t, err)
		if diff := cmp.Diff(ways, u.Control); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		for _, f := range u.Fields {
			if f.Secret && f.Value != "set" || strings.Contains(f.Value, "swordfish") {
				t.Errorf("%s shows %+v", text, f)
			}
		}
	}
	if _, err := w.Understand("tg://proxy?server=x"); !errs.Is(err, "endpoint_refused") {
		t.Error(err)
	}
}

func TestOperatorSeesTheirOwnEndpointsAndNobodyElses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.claim(t, socks)
	foreign := w.claim(t, mtproto)
	w.endpoints[1].ApplicationID = uuid.New()

	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)

	if len(views) != 1 || views[0].Endpoint.ID != e.ID || views[0].Endpoint.Spec != nil || views[0].Endpoint.SpecIndex != nil {
		t.Fatalf("%+v", views)
	}
	want := []link.Field{{Name: "server", Value: "203.0.113.9:1080"}, {Name: "user", Value: "mira"}, {Name: "password", Value: "set", Secret: true}}
	if diff := cmp.Diff(want, views[0].Fields); diff != "" {
		t.Error(diff)
	}
	for name, call := range map[string]func(code, label string) error{
		"recheck":      func(c, l string) error { _, err := w.Recheck(t.Context(), c, l); return err },
		"instructions": func(c, l string) error { _, err := w.Instructions(t.Context(), c, l); return err },
		"prove":        func(c, l string) error { _, err := w.Prove(t.Context(), c, l, control.KindPort); return err },
		"rotate":       func(c, l string) error { _, err := w.RotateCredential(t.Context(), c, l); return err },
		"results": func(c, l string) error {
			if _, err := w.Results(t.Context(), c, l, epoch); !errs.Is(err, "results_none") {
				return err
			}
			return nil
		},
		"snapshot": func(c, l string) error { _, err := w.MySnapshot(t.Context(), c, l); return err },
		"maintenance": func(c, l string) error {
			_, err := w.DeclareMaintenance(t.Context(), c, l, epoch.AddDate(0, 0, 2), epoch.AddDate(0, 0, 2).Add(time.Hour))
			return err
		},
	} {
		if err := call(receipt, foreign.Label); !errs.Is(err, "endpoint_not_found") {
			t.Errorf("%s of another's: %v", name, err)
		}
		if err := call("guessed", e.Label); !errs.Is(err, "receipt_unknown") {
			t.Errorf("%s by another: %v", name, err)
		}
		if err := call(receipt, " "+strings.ToLower(e.Label)); err != nil {
			t.Errorf("%s of one's own: %v", name, err)
		}
		w.asked = nil
	}
}

func TestRechecksAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	recheck := func() error { _, err := w.Recheck(t.Context(), receipt, e.Label); return err }

	v, err := w.Recheck(t.Context(), receipt, e.Label)
	noError(t, err)
	if !v.Pending || !v.RecheckAt.Equal(epoch.Add(10*time.Minute)) || len(w.asked) != 1 {
		t.Errorf("%+v", v)
	}
	if o := w.asked[0]; o.Kind != vantage.KindRecheck || o.Due.Before(epoch.Add(5*time.Second)) || o.Due.After(epoch.Add(time.Minute)) || o.Attempt != 1 {
		t.Errorf("%+v", o)
	}
	wantCode(t, recheck(), "recheck_too_soon")
	w.clock.Advance(10 * time.Minute)
	wantCode(t, recheck(), "check_pending")
	p.work(t, down(probe.ClassTimeout))
	if got := w.endpoint(t, e.ID); got.FailedSlots != 0 || len(w.asked) != 0 || got.LastVerdict != probe.Down {
		t.Errorf("a recheck counted for a slot: %+v", got)
	}
	for range 5 {
		noError(t, recheck())
		p.work(t, up())
		for _, o := range w.offers { // all within an hour
			o.Slot = w.clock.Now()
		}
		w.clock.Advance(10 * time.Minute)
	}
	wantCode(t, recheck(), "checks_exhausted")
	proven := w.clock.Now().Add(time.Hour)
	w.endpoints[0].ProvenAt, w.endpoints[0].ProvenUntil = &proven, &proven
	wantCode(t, recheck(), "")
}

func TestApplicationAndNetworkAreLimitedTogether(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]endpoint.Asked{"application": {Application: 20}, "network": {Network: 20}, "endpoint": {Endpoint: 6}} {
		w := newWorld(t, func(c *endpoint.Config) { c.Store = counted{c.Store, asked} })
		e := w.claim(t, socks)
		_, err := w.Recheck(t.Context(), receipt, e.Label)
		if !errs.Is(err, "checks_exhausted") || len(w.asked) != 0 {
			t.Errorf("%s: %v", name, err)
		}
		_, err = w.Prove(t.Context(), receipt, e.Label, control.KindPort)
		if !errs.Is(err, "checks_exhausted") {
			t.Errorf("proof, %s: %v", name, err)
		}
		if _, err := w.StaffRecheck(t.Context(), staff(identity.RoleReviewer), e.ID); !errs.Is(err, "checks_exhausted") {
			t.Errorf("staff, %s: %v", name, err)
		}
	}
}

func TestNothingIsCheckedBeforeTheHourAfterASubmission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.claim(t, socks)
	w.endpoints[0].ChecksFrom = epoch.Add(20 * time.Minute)

	_, err := w.Recheck(t.Context(), receipt, e.Label)
	wantCode(t, err, "checks_not_begun")
	_, err = w.Prove(t.Context(), receipt, e.Label, control.KindCredential)
	wantCode(t, err, "checks_not_begun")
	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)
	if !views[0].RecheckAt.Equal(epoch.Add(20*time.Minute)) || len(w.asked) != 0 {
		t.Errorf("%+v", views[0])
	}
}

func TestChecksAreShownStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	p.offer(e)
	p.work(t, down(probe.ClassRefused))
	w.asked = nil
	w.clock.Advance(time.Second)
	p.offer(e)
	p.work(t, up())
	w.clock.Advance(time.Second)
	p.offer(e, func(o *endpoint.Offer) { o.Mode = probe.Light })
	p.work(t, probe.Outcome{OK: true, Stage: probe.StageAuth, MS: map[probe.Stage]int64{probe.StageTCP: 1, probe.StageHandshake: 2, probe.StageAuth: 3}, Addr: "203.0.113.9:1080"})

	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)

	shown := func(c endpoint.Check) string {
		words := []string{string(c.Verdict)}
		for _, s := range c.Stages {
			words = append(words, string(s.Stage)+" "+string(s.State))
		}
		return strings.Join(words, ", ")
	}
	want := []string{
		"up, parse skipped, guard skipped, dns skipped, tcp passed, handshake passed, auth passed, relay left_out, target left_out",
		"up, parse skipped, guard skipped, dns skipped, tcp passed, handshake passed, auth passed, relay passed, target passed",
		"down, parse skipped, guard passed, dns skipped, tcp failed, handshake not_reached, auth not_reached, relay not_reached, target not_reached",
	}
	var got []string
	for _, c := range views[0].Checks {
		got = append(got, shown(c))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	last := views[0].Checks[2]
	if last.Advice == "" || last.Detail == "" || views[0].Checks[0].Advice != "" || last.Class != probe.ClassRefused {
		t.Errorf("%+v", last)
	}
}

func TestUptimeThatIsShownIsTheOneThatDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	today := uptime.Midnight(epoch)
	w.endpoints[0].ChecksFrom = today.AddDate(0, 0, -40)
	for i := 1; i <= 31; i++ {
		marks := strings.Repeat("u", 90) + strings.Repeat("d", 6)
		w.days = append(w.days, endpoint.Day{EndpointID: e.ID, Place: vantage.Outside, Day: today.AddDate(0, 0, -i), SlotS: 900, Marks: marks, Attempts: 96})
	}
	p.offer(e)
	p.work(t, up())
	p.offer(e, func(o *endpoint.Offer) { o.Kind, o.Slot = vantage.KindRecheck, today.Add(time.Hour) })
	p.work(t, up())
	foreign := uuid.New()
	others := []endpoint.Day{{EndpointID: e.ID, Place: vantage.Inside, Day: today.AddDate(0, 0, -2), SlotS: 900}, {EndpointID: foreign, Place: vantage.Outside, Day: today.AddDate(0, 0, -2), SlotS: 900}}
	w.maintenance = []endpoint.Maintenance{{EndpointID: e.ID, From: today.Add(-90 * time.Minute), To: today, DeclaredAt: today.AddDate(0, 0, -3)}}

	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)
	mine, err := w.MySnapshot(t.Context(), receipt, e.Label)
	noError(t, err)
	theirs, err := w.Snapshot(t.Context(), staff(identity.RoleAuditor), w.app)
	noError(t, err)
	gate, decision, err := endpoint.DecideGate(endpoint.GateWork{
		InstalmentID: uuid.New(), ApplicationID: w.app, Reference: "GR-7K3FQ2X9", Endpoints: []endpoint.Endpoint{w.endpoints[0].Endpoint},
		Days:        append(slices.Clone(w.days), others...),
		Maintenance: append([]endpoint.Maintenance{{EndpointID: foreign, From: today.AddDate(0, 0, -9), To: today.AddDate(0, 0, -8)}}, w.maintenance...),
	}, w.policy, uuid.New(), epoch)
	noError(t, err)

	snap, err := uptime.Verify(mine.Text)
	noError(t, err)
	u := views[0].Uptime[vantage.Outside]
	if snap.Total != uptime.Figures(u) || u.Slots != 2880 || u.Maintenance != 6 || u.Down != 29*6 {
		t.Errorf("shown %+v, decided by %+v", u, snap.Total)
	}
	if string(theirs.Text) != string(mine.Text) || string(gate.Text) != string(mine.Text) || decision != uptime.HoldUnproven || gate.SHA256 != mine.SHA256 {
		t.Errorf("%s\n%s\n%s\n%s", mine.Text, theirs.Text, gate.Text, decision)
	}
	if strings.Contains(string(mine.Text), "203.0.113") || strings.Contains(string(mine.Text), "relay") {
		t.Error("the snapshot says where the endpoint is")
	}
	strip := views[0].Strip
	if len(strip) != 30 || !strip[29].Day.Equal(today) || !strings.HasSuffix(strip[28].Marks, "mmmmmm") || strip[0].Up != 90 || strip[0].Down != 6 {
		t.Errorf("%d days, %+v", len(strip), strip[28:])
	}
	if marks := strip[29].Marks; len(marks) != 38 || strings.Trim(marks, "-") != "" {
		t.Errorf("today so far %q", marks) // the slot that was checked is not over
	}
	if _, inside := views[0].Uptime[vantage.Inside]; inside {
		t.Error("there is no prober inside")
	}
}

func TestMaintenanceIsDeclaredInTimeAndNotTooMuchOfIt(t *testing.T) {
	t.Parallel()
	day, hour := 24*time.Hour, time.Hour
	for _, test := range []struct {
		name     string
		from, to time.Duration // after now
		want     string
	}{
		{"in time", day, day + 8*hour, ""},
		{"too soon", day - time.Second, day + hour, "from too_soon"},
		{"too far", 91 * day, 91*day + hour, "from too_far"},
		{"backwards", 2 * day, 2*day - hour, "to not_after"},
		{"no time at all", 2 * day, 2 * day, "to not_after"},
		{"longer than a month has", 2 * day, 2*day + 8*hour + time.Second, "to too_long"},
	} {
		w := newWorld(t)
		e := w.claim(t, socks)

		m, err := w.DeclareMaintenance(t.Context(), receipt, e.Label, epoch.Add(test.from), epoch.Add(test.to))

		got := ""
		var told *errs.Error
		if err != nil {
			told, _ = err.(*errs.Error) //nolint:errorlint // it is made here
			got = told.Fields[0].Field + " " + string(told.Fields[0].Code)
		}
		if got != test.want || (err == nil) != (len(w.maintenance) == 1) || err == nil && (w.maintenance[0] != m || len(w.entries) != 1) {
			t.Errorf("%s: %q, want %q; %+v", test.name, got, test.want, w.maintenance)
		}
	}
	w := newWorld(t)
	e := w.claim(t, socks)
	declare := func(d time.Duration) error {
		_, err := w.DeclareMaintenance(t.Context(), receipt, e.Label, epoch.Add(2*day), epoch.Add(2*day+d))
		return err
	}
	noError(t, declare(5*hour))
	wantCode(t, declare(3*hour+time.Second), "maintenance_exhausted")
	noError(t, declare(3*hour))
}

func TestBlockedTakesTwoNetworksInside(t *testing.T) {
	t.Parallel()
	type word struct {
		prober int // 0 outside, from 1 inside
		o      probe.Outcome
	}
	dead := down(probe.ClassTimeout)
	for name, test := range map[string]struct {
		asn  []uint32 // of the probers
		said []word
		want bool
	}{
		"two networks":                {[]uint32{1, 2, 3}, []word{{0, up()}, {1, dead}, {2, dead}}, true},
		"two probers of one network":  {[]uint32{1, 2, 2}, []word{{0, up()}, {1, dead}, {2, dead}}, false},
		"networks that nobody knows":  {[]uint32{1, 0, 0}, []word{{0, up()}, {1, dead}, {2, dead}}, false},
		"one prober twice":            {[]uint32{1, 2, 3}, []word{{0, up()}, {1, dead}, {1, dead}}, false},
		"one inside reaches it":       {[]uint32{1, 2, 3}, []word{{0, up()}, {1, dead}, {2, dead}, {1, up()}}, false},
		"it is down for everybody":    {[]uint32{1, 2, 3}, []word{{0, dead}, {1, dead}, {2, dead}}, false},
		"our own side failed outside": {[]uint32{1, 2, 3}, []word{{0, up()}, {1, dead}, {2, dead}, {0, down(probe.ClassControlFailed)}}, true},
	} {
		w := newWorld(t)
		e := w.claim(t, socks)
		var all []*prober
		for i, asn := range test.asn {
			p := w.enrol(t, "p-"+string(rune('a'+i)))
			w.vantage(p.id).ASN = asn
			all = append(all, p)
		}
		for _, said := range test.said {
			w.clock.Advance(time.Second)
			p := all[said.prober]
			p.offer(e, func(o *endpoint.Offer) {
				if said.prober > 0 {
					o.Place = vantage.Inside
				}
			})
			p.work(t, said.o)
			w.asked = nil
		}
		views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
		noError(t, err)
		if views[0].Blocked != test.want {
			t.Errorf("%s: %t", name, views[0].Blocked)
		}
		if e := w.endpoint(t, e.ID); e.LastVerdict == probe.Down && test.want {
			t.Errorf("%s: what is found inside counts outside", name)
		}
	}
}
