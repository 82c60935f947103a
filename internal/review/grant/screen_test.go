package grant_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// unlike makes the n-th proposal share nothing with another.
func unlike(n int) func(*grant.Proposal) {
	return func(p *grant.Proposal) {
		words := make([]string, 40)
		for i := range words {
			words[i] = fmt.Sprintf("word%d", n*1000+i*i)
		}
		p.Narrative = strings.Join(words, " ")
		p.Endpoints = []claim.Endpoint{{Protocol: "socks5", Host: fmt.Sprintf("198.51.%d.7", n), Port: 1080}}
	}
}

// finding returns what check says of an application.
func (w *world) finding(t testing.TB, id uuid.UUID, check screen.Check) screen.Finding {
	t.Helper()
	list := w.show(t, id).Findings
	i := slices.IndexFunc(list, func(f screen.Finding) bool { return f.Check == check })
	if i < 0 {
		t.Fatalf("no finding %s in %+v", check, list)
	}
	return list[i]
}

// level wants check to have come to level for an application.
func (w *world) level(t testing.TB, id uuid.UUID, check screen.Check, want screen.Level) screen.Finding {
	t.Helper()
	f := w.finding(t, id, check)
	if f.Level != want {
		t.Errorf("%s is %s, want %s: %s", check, f.Level, want, f.Reason)
	}
	return f
}

// TestAddressAndTextOfOthersAreFound takes a twin through every way to end.
func TestAddressAndTextOfOthersAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 10_000_000)
	first := w.file(t, 1, unlike(1))
	for _, check := range []screen.Check{screen.Address, screen.Text, screen.Links, screen.Burst} {
		w.level(t, first.id, check, screen.Pass)
	}
	other := w.file(t, 2, unlike(2))
	for _, check := range []screen.Check{screen.Address, screen.Text, screen.Links} {
		w.level(t, first.id, check, screen.Pass)
		w.level(t, other.id, check, screen.Pass)
	}
	twin := w.file(t, 3, unlike(1), func(p *grant.Proposal) { p.PayoutAddress = payee(t, 1) })

	for _, check := range []screen.Check{screen.Address, screen.Text, screen.Links} {
		f := w.level(t, first.id, check, screen.High)
		want := []screen.Other{{ID: twin.id, Reference: w.show(t, twin.id).Application.Reference}}
		if diff := cmp.Diff(want, f.Others); diff != "" {
			t.Errorf("%s: %s", check, diff)
		}
		w.level(t, twin.id, check, screen.High)
		w.level(t, other.id, check, screen.Pass)
	}
	if f := w.finding(t, first.id, screen.Text); !strings.Contains(f.Reason, "1 other application has a statement like this one (1 open or approved, 0 declined or withdrawn). The closest differs in 0 of 64 bits") {
		t.Error(f.Reason)
	}

	_, err := w.Withdraw(t.Context(), twin.code)
	noError(t, err)

	for _, check := range []screen.Check{screen.Address, screen.Text, screen.Links} {
		w.level(t, first.id, check, screen.Med)
	}
	if n := len(w.show(t, twin.id).Findings); n != len(screen.Checks())-2 {
		t.Errorf("what was withdrawn has %d findings", n)
	}
}

// TestARevisionIsComparedAnew holds that the fingerprint is of the revision that
// people vote on.
func TestARevisionIsComparedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.file(t, 1, unlike(1)), w.file(t, 2, unlike(2))
	noError(t, w.vote(t.Context(), w.reviewers[0], second.id, question))
	p := proposal(t, 2)
	unlike(1)(&p)
	p.Narrative = strings.Replace(p.Narrative, "word1004", "another", 1)
	p.Endpoints = append(p.Endpoints, claim.Endpoint{Protocol: "socks5", Host: "203.0.113.9", Port: 1080})

	_, err := w.Revise(t.Context(), second.code, p)

	noError(t, err)
	for _, id := range []uuid.UUID{first.id, second.id} {
		f := w.finding(t, id, screen.Text)
		if f.Level == screen.Pass || len(f.Others) != 1 {
			t.Errorf("a text with one word changed: %s: %s", f.Level, f.Reason)
		}
	}
	if f := w.finding(t, second.id, screen.Servers); !strings.Contains(f.Reason, "of 2 servers") {
		t.Errorf("the servers of the revision were not counted: %s", f.Reason)
	}
}

func TestSharedNetworksAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := func(host string) func(*grant.Proposal) {
		return func(p *grant.Proposal) {
			p.Endpoints = []claim.Endpoint{{Protocol: "socks5", Host: host, Port: 1080}}
		}
	}
	first := w.file(t, 100, unlike(100), at("192.0.2.1"))
	w.file(t, 101, unlike(101), at("192.0.3.1"))
	w.level(t, first.id, screen.Links, screen.Pass)
	for n := 1; n <= 10; n++ {
		w.file(t, n, unlike(n), at(fmt.Sprintf("192.0.2.%d", n+1)))
		want := screen.Low
		switch {
		case n == 10:
			want = screen.High
		case n >= 3:
			want = screen.Med
		}
		w.level(t, first.id, screen.Links, want)
	}
	if f := w.finding(t, first.id, screen.Links); !strings.Contains(f.Reason, "10 other applications have a server in the same network (/24 or /48): 10 open or approved") || len(f.Others) != 3 {
		t.Errorf("%s %v", f.Reason, f.Others)
	}
}

func TestABurstIsFoundAndEndsWithItsHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 25 { // one every five hours
		w.file(t, n, unlike(n))
		w.clock.Advance(5 * time.Hour)
	}
	calm := w.file(t, 30, unlike(30))
	f := w.level(t, calm.id, screen.Burst, screen.Pass)
	if !strings.HasPrefix(f.Reason, "No other application came") {
		t.Error(f.Reason)
	}
	w.clock.Advance(30 * time.Minute)
	for n := range 4 {
		w.file(t, 40+n, unlike(40+n))
	}
	w.level(t, calm.id, screen.Burst, screen.Pass)
	last := w.file(t, 50, unlike(50))
	f = w.level(t, calm.id, screen.Burst, screen.Low)
	if !strings.Contains(f.Reason, "5 other applications came within 30 minutes of this one (usually 1.0 an hour)") {
		t.Error(f.Reason)
	}
	w.level(t, last.id, screen.Burst, screen.Low)
	w.clock.Advance(time.Microsecond)
	w.file(t, 51, unlike(51))
	if f := w.finding(t, calm.id, screen.Burst); !strings.HasPrefix(f.Reason, "5 other") {
		t.Errorf("what came later than 30 minutes counts: %s", f.Reason)
	}
}

// TestTheAmountIsComparedWithTheMedianOfGrants makes five grants, of which one was
// ended again.
func TestTheAmountIsComparedWithTheMedianOfGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 40_000_000)
	asking := func(sat int64) func(*grant.Proposal) { return func(p *grant.Proposal) { p.AmountSat = sat } }
	app := w.file(t, 90, unlike(90), asking(450_000))
	if f := w.level(t, app.id, screen.Amount, screen.Pass); !strings.Contains(f.Reason, "There is no median yet: 0 other grants.") {
		t.Error(f.Reason)
	}
	for n, sat := range []int64{100_000, 100_000, 4_000_000, 50_000, 200_000} {
		f := w.file(t, n, unlike(n), asking(sat))
		for _, by := range w.reviewers[:2] {
			noError(t, w.vote(t.Context(), by, f.id, grant.VerdictApprove))
		}
		_, err := w.Decide(t.Context(), w.reviewers[0], w.decision(t, f.id, grant.VerdictApprove))
		noError(t, err)
	}
	if f := w.level(t, app.id, screen.Amount, screen.High); !strings.Contains(f.Reason, "450 000 sat is 450 % of the median of the newest 5 grants, 100 000 sat. The fund pays 10 000 to 5 000 000 sat.") {
		t.Error(f.Reason)
	}
	w.exec(t, "UPDATE grants SET state = 'terminated' WHERE amount_sat = 50000")
	if f := w.level(t, app.id, screen.Amount, screen.Pass); !strings.Contains(f.Reason, "There is no median yet: 4 other grants.") {
		t.Error(f.Reason)
	}
}

// TestWhatChecksOfTheServersFoundIsTold sets what the probers would have written.
func TestWhatChecksOfTheServersFoundIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.file(t, 1, func(p *grant.Proposal) {
		p.Endpoints = []claim.Endpoint{{Protocol: "socks5", Host: "192.0.2.1", Port: 1080}, {Protocol: "socks5", Host: "192.0.2.2", Port: 1080}}
	})
	set := func(columns string) { w.exec(t, "UPDATE endpoint SET "+columns+" WHERE application_id = $1", app.id) }
	for _, test := range []struct {
		columns          string
		servers, control screen.Level
		says             string
	}{
		{"last_verdict = NULL", screen.Low, screen.Med, "0 of 2 servers were up at the latest check; 2 not checked yet, 0 without a clear result."},
		{"last_verdict = 'up'", screen.Pass, screen.Med, "2 of 2 servers were up at the latest check."},
		{"last_verdict = CASE position WHEN 0 THEN 'down' ELSE 'up' END", screen.Med, screen.Med, "1 of 2 servers were down at the latest check; 1 up."},
		{"last_verdict = 'down'", screen.High, screen.Med, "2 of 2 servers were down at the latest check, and none is up."},
		{"control = 'dns', proven_at = '2026-11-01', proven_until = CASE position WHEN 0 THEN '2026-11-22 09:30:00.123456Z'::timestamptz ELSE '2027-01-01' END", screen.High, screen.Low, "2 of 2"},
		{"proven_until = '2026-11-22 09:30:00.123457Z'", screen.High, screen.Pass, "2 of 2"},
	} {
		set(test.columns)
		if f := w.level(t, app.id, screen.Servers, test.servers); !strings.Contains(f.Reason, test.says) {
			t.Errorf("%s: %s", test.columns, f.Reason)
		}
		w.level(t, app.id, screen.Control, test.control)
	}
	named := w.file(t, 2, unlike(2), func(p *grant.Proposal) {
		p.Endpoints = []claim.Endpoint{{Protocol: "wireguard", Host: "203.0.113.3", Port: 51820}}
	})
	if f := w.level(t, named.id, screen.Servers, screen.Med); f.Reason != "None of 1 server can be measured: the configuration is missing." {
		t.Error(f.Reason)
	}
	w.level(t, named.id, screen.Links, screen.Low)
}

// TestAHighFindingAsksForANoteAndDeclinesNothing holds the rule for those who vote
// and for who decides.
func TestAHighFindingAsksForANoteAndDeclinesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	app := w.file(t, 1, unlike(1))
	cast := func(by int, note string) error {
		d := w.show(t, app.id)
		_, err := w.Vote(t.Context(), w.reviewers[by], grant.CastVote{ID: app.id, Verdict: grant.VerdictApprove, Digest: d.Decision.Digest, Note: note})
		return err
	}
	noError(t, cast(0, "")) // nothing is high yet
	w.file(t, 2, unlike(2), func(p *grant.Proposal) { p.PayoutAddress = payee(t, 1) })

	w.nothingWritten(t, func() {
		refusesWithoutNote(t, cast(1, " \n"), "payout address")
	})
	if s := w.show(t, app.id).Application.State; s != grant.InReview {
		t.Errorf("a high finding made it %s", s)
	}
	noError(t, cast(1, "They share a wallet, and told us so."))
	d := w.show(t, app.id)
	if d.Application.State != grant.Ready || d.Outcome != grant.VerdictApprove {
		t.Errorf("state %s, outcome %q", d.Application.State, d.Outcome)
	}
	if got := w.text(t, "SELECT string_agg(coalesce(detail ->> 'high', '-'), '|' ORDER BY id) FROM event WHERE event = 'application.voted_approve'"); got != "-|payout address" {
		t.Errorf("the history says of what was high at each vote: %s", got)
	}
	_, err := w.Decide(t.Context(), w.reviewers[2], grant.Decide{ID: app.id, Version: d.Application.Version, Outcome: grant.VerdictApprove, Digest: d.Decision.Digest})
	noError(t, err)
}

// TestWhatBecomesHighAfterTheVotesIsForTheDecisionToExplain holds that no order of
// events leads past the note.
func TestWhatBecomesHighAfterTheVotesIsForTheDecisionToExplain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	app := w.file(t, 1, unlike(1))
	shown := w.show(t, app.id)
	for _, by := range w.reviewers[:2] {
		_, err := w.Vote(t.Context(), by, grant.CastVote{ID: app.id, Verdict: grant.VerdictApprove, Digest: shown.Decision.Digest})
		noError(t, err)
	}
	w.file(t, 2, unlike(1))
	cmd := w.decision(t, app.id, grant.VerdictApprove)
	cmd.Message = ""

	w.nothingWritten(t, func() {
		_, err := w.Decide(t.Context(), w.reviewers[2], cmd)
		refusesWithoutNote(t, err, "statement, shared servers")
		cmd.Note = strings.Repeat("й", 4001)
		_, err = w.Decide(t.Context(), w.reviewers[2], cmd)
		if e := told(t, err); len(e.Fields) != 1 || e.Fields[0].Field != "note" || e.Fields[0].Code != "too_long" {
			t.Error(err)
		}
	})
	cmd.Note = "The other one copied it."
	_, err := w.Decide(t.Context(), w.reviewers[2], cmd)

	noError(t, err)
	d := w.show(t, app.id)
	if d.Application.State != grant.Approved || len(d.Messages) != 1 || d.Messages[0].Audience != grant.ToTeam || d.Messages[0].Text != "The other one copied it." {
		t.Errorf("%s, %+v", d.Application.State, d.Messages)
	}
	if n := w.number(t, "SELECT count(*) FROM audit_leaf WHERE action = 'application.internal_note' AND object_id = $1", app.id.String()); n != 1 {
		t.Errorf("%d leaves tell of the note", n)
	}
	if s := w.status(t, app.code); len(s.Messages) != 0 {
		t.Errorf("the operator reads %+v", s.Messages)
	}
}

// TestDecliningNeedsNoWordOnFindings holds that findings are no hurdle but to pay.
func TestDecliningNeedsNoWordOnFindings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, _ := w.file(t, 1), w.file(t, 2)
	if screen.Worst(w.show(t, app.id).Findings) != screen.High {
		t.Fatal("nothing is high")
	}
	for _, by := range w.reviewers[:2] {
		noError(t, w.say(t.Context(), by, app.id, grant.VerdictDecline, w.show(t, app.id).Decision.Digest, "No."))
	}
	_, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, app.id, grant.VerdictDecline))
	noError(t, err)
}

// TestAFloodIsCountedUpToABound writes more applications with one address, one
// text and one server than are counted.
func TestAFloodIsCountedUpToABound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.file(t, 1)
	w.exec(t, `WITH a AS (
		INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index,
			data_key, key_id, submitted_at, changed_at)
		SELECT gen_random_uuid(), fund_id, 'X' || n, 'x ' || n, state, 1, 1, protocols, region, language, amount_sat, payee_index,
			data_key, key_id, submitted_at, changed_at FROM application, generate_series(1, 600) n WHERE id = $1 RETURNING id
	), p AS (
		INSERT INTO application_print SELECT a.id, p.text_hash, p.servers FROM a, application_print p WHERE p.application_id = $1
	), e AS (
		INSERT INTO endpoint (id, application_id, label, position, protocol, spec, spec_index, checks_from, created_at)
		SELECT a.id, a.id, 'EP-' || a.id, 0, e.protocol, e.spec, e.spec_index, e.checks_from, e.created_at FROM a, endpoint e WHERE e.application_id = $1 RETURNING id
	) SELECT`, app.id)
	w.exec(t, `INSERT INTO endpoint_link SELECT e.id, l.kind, l.index, l.seen_at FROM endpoint e, endpoint_link l JOIN endpoint m ON m.id = l.endpoint_id
		WHERE m.application_id = $1 AND e.application_id <> $1`, app.id)

	for check, want := range map[screen.Check]string{
		screen.Address: "More than 500 other applications have the same payout address", screen.Text: "More than 500 other applications have a statement like this one",
		screen.Links: "More than 100 other applications have a server with the same configuration", screen.Burst: "More than 500 other applications came",
	} {
		if f := w.level(t, app.id, check, screen.High); !strings.HasPrefix(f.Reason, want) || len(f.Others) != 3 && check != screen.Burst {
			t.Errorf("%s %v", f.Reason, f.Others)
		}
	}
}

// text returns the one text that sql selects.
func (w *world) text(t testing.TB, sql string, args ...any) string {
	t.Helper()
	var s string
	if err := w.owner.Pool().QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func refusesWithoutNote(t testing.TB, err error, checks string) {
	t.Helper()
	e := told(t, err)
	if e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Field != "note" || e.Fields[0].Code != "high_needs_note" || e.Fields[0].Params["checks"] != checks {
		t.Errorf("%v: %+v, want a note asked for on %s", err, e.Fields, checks)
	}
}

// TestWhatIsStaleIsSaidBeforeTheNoteIsAskedFor holds that nobody writes a note in
// vain.
func TestWhatIsStaleIsSaidBeforeTheNoteIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.file(t, 1)
	for _, by := range w.reviewers[:2] {
		_, err := w.Vote(t.Context(), by, grant.CastVote{ID: app.id, Verdict: grant.VerdictApprove, Digest: w.show(t, app.id).Decision.Digest})
		noError(t, err)
	}
	w.file(t, 2)
	cmd := w.decision(t, app.id, grant.VerdictApprove)
	cmd.Digest = decision.Digest{}
	_, err := w.Decide(t.Context(), w.reviewers[2], cmd)
	wantCode(t, err, "stale_digest")
	_, err = w.Vote(t.Context(), w.reviewers[2], grant.CastVote{ID: uuid.New(), Verdict: grant.VerdictApprove})
	wantCode(t, err, "application_not_found")
}
