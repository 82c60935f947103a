package endpoint_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/ctl"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestResultsAreThoseOfSlotsAtThePlaceThatDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, p := w.claim(t, socks), w.enrol(t, "fi-1")
	add := func(change func(*endpoint.Offer)) {
		p.offer(e, change)
		p.work(t, up())
	}
	add(func(*endpoint.Offer) {})
	add(func(o *endpoint.Offer) { o.Kind = vantage.KindRecheck })
	add(func(o *endpoint.Offer) { o.Place = vantage.Inside })
	add(func(o *endpoint.Offer) { o.Slot = o.Slot.AddDate(0, 0, -1) })

	got, err := w.Results(t.Context(), receipt, e.Label, epoch.Add(5*time.Hour))
	noError(t, err)

	days, err := uptime.ParseResults(got.Text)
	noError(t, err)
	if list := days[uptime.Checked{Endpoint: e.Label, Day: "2026-11-23"}]; len(list) != 1 || len(days) != 1 || !list[0].Slot.Equal(epoch.Add(-time.Minute)) || got.Label != e.Label {
		t.Errorf("got %+v", days)
	}
	_, err = w.StaffResults(t.Context(), staff(identity.RoleAuditor), w.app, "EP-0", epoch)
	wantCode(t, err, "endpoint_not_found")
}

func TestDaysWithoutResultsSayWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.claim(t, socks)
	today := uptime.Midnight(epoch)
	w.days = []endpoint.Day{
		{EndpointID: e.ID, Place: vantage.Outside, Day: today.AddDate(0, 0, -2), SlotS: 900, Attempts: 3},
		{EndpointID: e.ID, Place: vantage.Outside, Day: today.AddDate(0, 0, -3), SlotS: 900},
	}
	for ago, code := range map[int]string{-1: "results_none", 0: "results_none", 1: "results_none", 2: "results_gone", 3: "", 34: "results_none", 36: "results_gone"} {
		got, err := w.Results(t.Context(), receipt, e.Label, today.AddDate(0, 0, -ago))
		wantCode(t, err, code)
		if len(got.Text) > 0 {
			t.Errorf("%d days ago: %s", ago, got.Text)
		}
	}
}

// TestUptimeIsHeldAgainstItsResults takes a day from its checks to files that
// causewayctl verifies off-line, on a real database.
func TestUptimeIsHeldAgainstItsResults(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handed, err := h.grants.Submit(t.Context(), "idempotency-key-000001", grant.Proposal{
		Title: "One way out", Narrative: "A server that students read the news through.", Endpoints: []claim.Endpoint{{Link: named}},
		Region: "IR", Language: "en", AmountSat: 100_000, PayoutAddress: h.payee,
	})
	noError(t, err)
	views, err := h.Mine(t.Context(), handed.Code, endpoint.DefaultChecks)
	noError(t, err)
	e := views[0].Endpoint
	_, token, err := h.AddVantage(t.Context(), staff(identity.RoleAdmin), endpoint.NewVantage{Name: "fi-1", Place: vantage.Outside, Country: "FI", ASN: 64500})
	noError(t, err)
	p := newProber(t, h.Service, h.clock, token)
	h.clock.Advance(61 * time.Minute)
	for range 4 {
		now := h.clock.Now()
		for attempt, o := range []probe.Outcome{down(probe.ClassTimeout), up()} {
			stored, err := h.worker.Offer(t.Context(), endpoint.Offer{
				ID: uuid.New(), EndpointID: e.ID, Kind: vantage.KindSlot, Mode: probe.Full, Place: vantage.Outside, Slot: now.Truncate(15 * time.Minute),
				Attempt: attempt + 1, VantageID: p.id, Due: now, Until: now.Add(time.Minute),
			})
			if err != nil || !stored {
				t.Fatalf("offer: %t, %v", stored, err)
			}
			l := p.lease(t)
			noError(t, p.report(t, l.ID, []vantage.Answer{{Job: l.Jobs[0].ID, Started: now, Outcome: o}}))
		}
		h.clock.Advance(15 * time.Minute)
	}
	h.clock.Advance(24 * time.Hour)
	if n, err := h.worker.RollUp(t.Context(), epoch, 10); err != nil || n != 1 {
		t.Fatalf("%d days, %v", n, err)
	}

	snapshot, err := h.MySnapshot(t.Context(), handed.Code, e.Label)
	noError(t, err)
	mine, err := h.Results(t.Context(), handed.Code, e.Label, epoch)
	noError(t, err)
	theirs, err := h.StaffResults(t.Context(), staff(identity.RoleReviewer), e.ApplicationID, e.Label, epoch)
	noError(t, err)

	if !bytes.Equal(mine.Text, theirs.Text) || bytes.Count(mine.Text, []byte("\n")) != 8 {
		t.Errorf("the operator is given\n%s, and staff\n%s", mine.Text, theirs.Text)
	}
	good := string(mine.Text)
	first, rest, _ := strings.Cut(good, "\n")
	i := strings.Index(first, `"sha256":"`) + len(`"sha256":"`)
	other := map[bool]string{true: "1", false: "0"}[first[i] == '0']
	for name, tc := range map[string]struct {
		results string
		says    string // "" for what holds
	}{
		"as they are":         {good, ""},
		"a verdict changed":   {strings.Replace(good, `"verdict":"up"`, `"verdict":"down"`, 1), "2026-11-23T10:30:00Z"},
		"a record changed":    {first[:i] + other + first[i+1:] + "\n" + rest, "2026-11-23"},
		"a result is missing": {rest, "2026-11-23"},
	} {
		said, err := verify(t, snapshot.Text, tc.results)
		if (err == nil) != (tc.says == "") || err != nil && (cli.Code(err) != 1 || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %v", name, err)
		}
		if tc.says == "" && !strings.Contains(said, "1 of 1 days were compared") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// verify runs causewayctl uptime verify and returns what it says.
func verify(t *testing.T, snapshot []byte, results string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "uptime.json"), filepath.Join(dir, "results.ndjson")}
	for i, text := range []string{string(snapshot), results} {
		noError(t, os.WriteFile(files[i], []byte(text), 0o600))
	}
	root := ctl.Root(ctl.Config{})
	root.SilenceUsage, root.SilenceErrors = true, true
	var out, said bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&said)
	root.SetArgs([]string{"uptime", "verify", files[0], "--results", files[1]})
	err := root.ExecuteContext(t.Context())
	return said.String(), err
}
