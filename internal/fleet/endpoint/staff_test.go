package endpoint_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

func TestPanelIsBlindUntilItIsUnsealed(t *testing.T) {
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
	w.linkages = []endpoint.Linkage{{Kind: endpoint.LinkExitNet, EndpointID: e.ID, Applications: 3}}
	w.hits = append(w.hits, endpoint.Hit{EndpointID: e.ID, What: "exit", List: "ru", Version: "1", FoundAt: epoch}, endpoint.Hit{EndpointID: e.ID, What: "exit", List: "old", FoundAt: epoch.AddDate(0, 0, -2)})
	says := func(v []endpoint.View) string {
		text, err := json.Marshal(v)
		noError(t, err)
		return string(text)
	}

	views, err := w.Panel(t.Context(), staff(identity.RoleAuditor), w.app, false, endpoint.DefaultChecks)
	noError(t, err)
	for _, secret := range []string{"203.0.113", "198.51.100", "mira", "swordfish"} {
		if strings.Contains(says(views), secret) {
			t.Errorf("blind, and it says %s", secret)
		}
	}
	v := views[0]
	if v.Exit == nil || v.Fields != nil || v.Checks[0].Vantage != "fi-1" || len(v.Linkages) != 1 || len(v.Hits) != 1 || v.Hits[0].List != "ru" || len(w.entries) != 1 {
		t.Errorf("%+v", v)
	}

	_, err = w.Panel(t.Context(), staff(identity.RoleAuditor), w.app, true, endpoint.DefaultChecks)
	wantCode(t, err, "not_permitted")
	reviewer := staff(identity.RoleReviewer)
	views, err = w.Panel(t.Context(), reviewer, w.app, true, endpoint.DefaultChecks)
	noError(t, err)
	leaf := w.entries[len(w.entries)-1]
	if views[0].Fields == nil || views[0].Exit.Address != exit.String() || leaf.Action != "application.endpoints_unsealed" || leaf.Actor.StaffID != reviewer.StaffID || leaf.ObjectID != w.app.String() {
		t.Errorf("%+v, %+v", views[0], leaf)
	}
	written := len(w.entries)
	_, err = w.Panel(t.Context(), reviewer, w.app, true, endpoint.DefaultChecks)
	noError(t, err)
	if len(w.entries) != written {
		t.Errorf("opening it again wrote %+v", w.entries[written:])
	}
	if strings.Contains(says(views), "swordfish") {
		t.Error("unsealed, and it says the password")
	}
	mine, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)
	if mine[0].Linkages != nil || mine[0].Hits != nil || strings.Contains(says(mine), "fi-1") {
		t.Errorf("the operator is shown %+v", mine[0])
	}
}

func TestStaffNeedTheirPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.claim(t, socks)
	p := w.enrol(t, "fi-1")
	reads := func(a identity.Actor) []error {
		_, panel := w.Panel(t.Context(), a, w.app, false, endpoint.DefaultChecks)
		_, snapshot := w.Snapshot(t.Context(), a, w.app)
		_, _, fleet := w.Fleet(t.Context(), a)
		_, results := w.StaffResults(t.Context(), a, w.app, e.Label, epoch)
		if errs.Is(results, "results_none") {
			results = nil
		}
		return []error{panel, snapshot, fleet, results}
	}
	for _, a := range []identity.Actor{staff(identity.RoleReviewer), staff(identity.RoleTreasurer), staff(identity.RoleAdmin), staff(identity.RoleAuditor)} {
		for _, err := range reads(a) {
			wantCode(t, err, "")
		}
	}
	for _, err := range append(reads(identity.Operator(w.app)), failure(w.StaffRecheck(t.Context(), staff(identity.RoleAdmin), e.ID)), failure(w.DisableVantage(t.Context(), staff(identity.RoleReviewer), p.id))) {
		wantCode(t, err, "not_permitted")
	}
	_, _, err := w.AddVantage(t.Context(), staff(identity.RoleReviewer), endpoint.NewVantage{Name: "fi-2", Place: vantage.Outside})
	wantCode(t, err, "not_permitted")
	wantCode(t, failure(w.StaffRecheck(t.Context(), staff(identity.RoleReviewer), e.ID)), "")
	if len(w.asked) != 1 || w.endpoints[0].RecheckedAt != nil || w.entries[len(w.entries)-1].Action != "endpoint.check_asked" {
		t.Errorf("%+v", w.asked)
	}
}

// TestChainHoldsWhateverAProberDoes sends reports in order, again, out of order,
// with the links broken and of other leases: the store's chain only ever grows by
// reports that follow, each answer is written once, and nothing else is.
func TestChainHoldsWhateverAProberDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		e, p := w.claim(t, socks), w.enrol(t, "fi-1")
		var sent []vantage.Envelope
		taken, answered := 0, 0
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			before := w.writes
			switch act := rapid.SampledFrom([]string{"next", "again", "skip", "break", "twice"}).Draw(r, "act"); act {
			case "next", "twice":
				p.offer(e)
				l := p.lease(t)
				env := p.sign(t, l.ID, answers(w, l, up()))
				noError(t, w.Report(t.Context(), env, nil))
				p.seq, p.prev = p.seq+1, env.Hash()
				sent, taken, answered, before = append(sent, env), taken+1, answered+1, before+1
				if act == "twice" { // the same answers under the next number
					again := p.sign(t, l.ID, answers(w, l, down(probe.ClassRefused)))
					noError(t, w.Report(t.Context(), again, nil))
					p.seq, p.prev = p.seq+1, again.Hash()
					sent, taken, before = append(sent, again), taken+1, before+1
				}
			case "again":
				if len(sent) == 0 {
					continue
				}
				err := w.Report(t.Context(), rapid.SampledFrom(sent).Draw(r, "which"), nil)
				if !errs.Is(err, "report_repeated") && !errs.Is(err, "report_out_of_order") {
					r.Fatalf("taken again: %v", err)
				}
			default:
				p.offer(e)
				l := p.lease(t)
				forged := *p.agent
				if act == "skip" {
					forged.seq += uint64(rapid.IntRange(1, 3).Draw(r, "gap"))
				} else {
					forged.prev[rapid.IntRange(0, 31).Draw(r, "byte")] ^= 1
				}
				if err := forged.report(t, l.ID, answers(w, l, up())); !errs.Is(err, "report_out_of_order") {
					r.Fatalf("%s: %v", act, err)
				}
			}
			if v := w.vantage(p.id); w.writes != before || v.Seq != uint64(taken) || v.Prev != p.prev {
				r.Fatalf("%d writes, want %d; chain %d, want %d", w.writes, before, v.Seq, taken)
			}
		}
		if len(w.attempts) != answered {
			r.Fatalf("%d results of %d answers", len(w.attempts), answered)
		}
	})
}

func TestListsAreAskedAndKeptWithoutWhatLeadsToAnAddress(t *testing.T) {
	t.Parallel()
	dump := "Updated: 2026-11-22 00:00:00 +0000\n203.0.113.8/31;;;Court;2-76;2026-01-02\n203.0.113.9;;;Court;2-77;2026-01-02\n203.0.113.16/28;;;Court;2-78;2026-01-02\n192.0.2.5;relay.example.org;;Court;2-79;2026-01-02\n"
	set, report, err := blocklist.Load(t.Context(), fstest.MapFS{"ru.csv": {Data: []byte(dump)}}, nil)
	noError(t, err)
	if len(set.Lists()) != 1 {
		t.Fatalf("%+v", report)
	}
	var lists blocklist.Holder
	lists.Swap(set)
	w := newWorld(t, func(c *endpoint.Config) { c.Blocklist = &lists })
	e, p := w.claim(t, named), w.enrol(t, "fi-1")
	p.offer(e)

	p.work(t, up())
	if len(w.hits) != 3 {
		t.Errorf("%d hits", len(w.hits))
	}

	kept := map[string]endpoint.Hit{}
	for _, h := range w.hits {
		kept[h.What] = h
	}
	if len(kept) != 3 || kept["net"].Permille != 100 || kept["listen"].List != "ru" || kept["listen"].Version == "" || !kept["host"].FoundAt.Equal(epoch) {
		t.Errorf("%+v", w.hits)
	}
	for _, h := range w.hits {
		if h.Order != "" || h.Permille%100 != 0 {
			t.Errorf("kept in clear: %+v", h)
		}
	}
	views, err := w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, endpoint.DefaultChecks)
	noError(t, err)
	said := map[string]endpoint.Hit{}
	for _, h := range views[0].Hits {
		said[h.What] = h
	}
	if said["listen"].Order != "2-77" || said["net"].Permille != 71 || said["host"].Order != "2-79" {
		t.Errorf("%+v", views[0].Hits)
	}
	lists.Swap(&blocklist.Set{})
	views, err = w.Panel(t.Context(), staff(identity.RoleReviewer), w.app, false, endpoint.DefaultChecks)
	noError(t, err)
	if len(views[0].Hits) != 3 || views[0].Hits[0].Order != "" {
		t.Errorf("without the list: %+v", views[0].Hits)
	}
}

func TestErasedAndOutdatedEndpointsDoNotKeepOthersFromBeingChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.enrol(t, "fi-1")
	good, erased, old := w.claim(t, socks), w.claim(t, mtproto), w.claim(t, wireguard)
	outdated, err := w.data.Seal(endpoint.SpecAAD(old.ID), []byte("gopher://203.0.113.9"))
	noError(t, err)
	for _, e := range []endpoint.Opened{erased, good, old} {
		p.offer(e)
	}
	spoil := func() { w.endpoints[1].DataKey, w.endpoints[2].Spec = seal.Wrapped{}, outdated }

	l := p.lease(t)
	spoil()
	noError(t, p.report(t, l.ID, answers(w, l, up())))
	for _, e := range []endpoint.Opened{erased, good, old} {
		p.offer(e)
	}
	second := p.lease(t)

	if len(l.Jobs) != 3 || len(w.attempts) != 1 || len(second.Jobs) != 1 || second.Jobs[0].Spec != socks {
		t.Errorf("%d jobs, %d results, then %d jobs", len(l.Jobs), len(w.attempts), len(second.Jobs))
	}
	views, err := w.Mine(t.Context(), receipt, endpoint.DefaultChecks)
	noError(t, err)
	if len(views) != 2 || views[1].Fields != nil {
		t.Errorf("%+v", views)
	}
	if _, err := w.Instructions(t.Context(), receipt, old.Label); !errs.Is(err, "endpoint_outdated") {
		t.Error(err)
	}
}

// failure drops what a call returns beside its error.
func failure[T any](_ T, err error) error { return err }
