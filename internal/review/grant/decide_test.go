package grant_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func TestApprovalMakesOneInstalmentAndCommitsItsSatoshi(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 250_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	before := w.show(t, f.id)

	a, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictApprove))

	noError(t, err)
	if a.State != grant.Approved || a.Version != before.Application.Version+1 {
		t.Errorf("application %s, version %d", a.State, a.Version)
	}
	g, err := w.Grant(t.Context(), w.treasurer, before.Decision.GrantID)
	noError(t, err)
	if len(g.Instalments) != 1 {
		t.Fatalf("instalments %+v", g.Instalments)
	}
	got := g.Instalments[0]
	want := grant.Instalment{
		ID: got.ID, GrantID: before.Decision.GrantID, Period: 1, DecisionID: before.Decision.ID, Digest: before.Decision.Digest, Note: before.Note,
		PayeeScript: scriptOf(t, payee(t, 1)), PayeeAddress: payee(t, 1), Amount: 100_000, State: grant.Payable, Version: 1,
		DueAt: epoch.Truncate(24 * time.Hour), UntilAt: epoch.Truncate(24 * time.Hour).Add(w.fund.PayWindow), CreatedAt: epoch, ChangedAt: epoch,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if g.Grant.State != grant.GrantActive || g.Grant.Amount != 100_000 || g.Grant.ApplicationID != f.id || g.Grant.Reference != a.Reference {
		t.Errorf("grant %+v", g.Grant)
	}
	for account, want := range map[string]btcutil.Amount{"outside": -250_000, "available": 150_000, "committed": 100_000} {
		if got := w.balance(t, account); got != want {
			t.Errorf("%s holds %d, want %d", account, got, want)
		}
	}
	if n := w.number(t, "SELECT count(*) FROM ledger_transfer WHERE kind = 'commit' AND ref = $1", got.ID.String()); n != 1 {
		t.Errorf("%d transfers name the instalment", n)
	}
	if s := w.status(t, f.code); len(s.Payments) != 1 || s.Payments[0].State != grant.Payable || s.Payments[0].Amount != 100_000 {
		t.Errorf("the operator sees %+v", s.Payments)
	}
}

// TestApprovalIsOneTransaction compares the transaction that wrote each row.
func TestApprovalIsOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 250_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	_, err := w.Decide(t.Context(), w.reviewers[0], w.decision(t, f.id, grant.VerdictApprove))
	noError(t, err)

	rows := []string{
		"application", "grants", "instalment", "ledger_transfer WHERE kind = 'commit'", "ledger_posting WHERE account = 'committed'",
		"event WHERE event = 'application.approved'", "event WHERE event = 'grant.created'", "event WHERE event = 'instalment.created'",
		"audit_leaf WHERE action = 'application.approved'", "audit_leaf WHERE action = 'instalment.created'", "message",
	}
	want := w.number(t, "SELECT xmin::text::bigint FROM "+rows[0])
	for _, row := range rows[1:] {
		if got := w.number(t, "SELECT xmin::text::bigint FROM "+row); got != want {
			t.Errorf("%s was written by transaction %d, the application by %d", row, got, want)
		}
	}
}

// TestApprovalHappensWholeOrNotAtAll lets the database refuse one write at a time.
func TestApprovalHappensWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 250_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	cmd := w.decision(t, f.id, grant.VerdictApprove)
	w.exec(t, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$")

	for _, table := range []string{"application", "grants", "instalment", "ledger_transfer", "ledger_posting", "message", "event", "audit_leaf", "audit_hash"} {
		w.exec(t, "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON "+table+" FOR EACH ROW EXECUTE FUNCTION refuse()")
		w.nothingWritten(t, func() {
			if _, err := w.Decide(t.Context(), w.reviewers[0], cmd); err == nil {
				t.Errorf("decided without %s", table)
			}
		})
		w.exec(t, "DROP TRIGGER refuse ON "+table)
	}

	_, err := w.Decide(t.Context(), w.reviewers[0], cmd)
	wantCode(t, err, "")
}

func TestADeclineMovesNoMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictDecline)

	a, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictDecline))

	if err != nil || a.State != grant.Declined {
		t.Fatalf("%s, %v", a.State, err)
	}
	rows := w.rows(t)
	for _, table := range []string{"grants", "instalment", "ledger_transfer"} {
		if rows[table] != 0 {
			t.Errorf("%d rows in %s", rows[table], table)
		}
	}
	s := w.status(t, f.code)
	if last := s.Messages[len(s.Messages)-1]; last.Text != "That is what we decided." || last.FromOperator {
		t.Errorf("the operator reads %+v", last)
	}
}

func TestDecisionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fund.Fund) { f.Budget = 99_999 })
	poor := newWorld(t)
	w.deposit(t, 1_000_000)
	poor.deposit(t, 99_999)
	same := func(*grant.Decide) {}
	tests := []struct {
		name   string
		w      *world
		votes  grant.Verdict
		change func(*grant.Decide)
		want   string
	}{
		{"more than the treasury has", poor, grant.VerdictApprove, same, "treasury_short"},
		{"more than the budget has", w, grant.VerdictApprove, same, "budget_spent"},
		{"another digest", w, grant.VerdictApprove, func(d *grant.Decide) { d.Digest[0]++ }, "stale_digest"},
		{"no digest", w, grant.VerdictApprove, func(d *grant.Decide) { d.Digest = decision.Digest{} }, "stale_digest"},
		{"an old version", w, grant.VerdictApprove, func(d *grant.Decide) { d.Version-- }, "stale_version"},
		{"no version", w, grant.VerdictApprove, func(d *grant.Decide) { d.Version = 0 }, "stale_version"},
		{"against the votes", w, grant.VerdictApprove, func(d *grant.Decide) { d.Outcome = grant.VerdictDecline }, "no_quorum"},
		{"in favour against the votes", w, grant.VerdictDecline, func(d *grant.Decide) { d.Outcome = grant.VerdictApprove }, "no_quorum"},
	}
	for n, test := range tests {
		f := test.w.ready(t, n, test.votes)
		cmd := test.w.decision(t, f.id, test.votes)
		test.change(&cmd)

		test.w.nothingWritten(t, func() {
			_, err := test.w.Decide(t.Context(), test.w.reviewers[2], cmd)
			if e := told(t, err); e.Kind != errs.Conflict || string(e.Code) != test.want {
				t.Errorf("%s: %v, want %s", test.name, err, test.want)
			}
		})
	}
}

func TestAStaleDecisionIsToldBothVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	cmd := w.decision(t, f.id, grant.VerdictApprove)
	a, err := w.Reply(t.Context(), f.code, "One more thing: the address is for the first month only.")
	noError(t, err)

	_, err = w.Decide(t.Context(), w.reviewers[2], cmd)

	wantCode(t, err, "stale_version")
	if got := told(t, err).Params["current_version"]; got != strconv.FormatInt(a.Version, 10) || a.Version != cmd.Version+1 {
		t.Errorf("told %q, the version is %d and was %d", got, a.Version, cmd.Version)
	}
}

func TestOneVoteDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.file(t, 1)
	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove))

	w.nothingWritten(t, func() {
		_, err := w.Decide(t.Context(), w.reviewers[0], w.decision(t, f.id, grant.VerdictApprove))
		wantCode(t, err, "wrong_state")
	})
}

func TestVotesForTheOldRevisionDoNotCarryTheNewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, question))
	p := proposal(t, 1)
	p.PayoutAddress = payee(t, 2)
	_, err := w.Revise(t.Context(), f.code, p)
	noError(t, err)
	w.exec(t, "ALTER TABLE application DISABLE TRIGGER USER")
	w.exec(t, "UPDATE application SET state = 'ready'") // a state that lies

	w.nothingWritten(t, func() {
		_, err := w.Decide(t.Context(), w.reviewers[0], w.decision(t, f.id, grant.VerdictApprove))
		wantCode(t, err, "no_quorum")
	})
}

func TestAFundWithAnotherQuorum(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fund.Fund) { f.Quorum = 3 })
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	if s := w.show(t, f.id).Application.State; s != grant.InReview {
		t.Errorf("two votes make it %s", s)
	}
	noError(t, w.vote(t.Context(), w.reviewers[2], f.id, grant.VerdictApprove))

	_, err := w.Decide(t.Context(), w.reviewers[0], w.decision(t, f.id, grant.VerdictApprove))

	wantCode(t, err, "")
}

// TestTheWindowOfADecisionEnds holds that nothing is promised that no signer
// would pay; a revision opens a new window.
func TestTheWindowOfADecisionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	late, last := w.ready(t, 1, grant.VerdictApprove), w.ready(t, 2, grant.VerdictApprove)
	note, err := decision.Parse([]byte(w.show(t, late.id).Note))
	noError(t, err)
	if from, to := epoch.UTC().Truncate(24*time.Hour), note.Until(1); note.Due(1) != from || to != from.Add(w.fund.PayWindow) {
		t.Errorf("the window is %s to %s", note.Due(1), to)
	}
	w.clock.Advance(note.Until(1).Sub(epoch))
	_, err = w.Decide(t.Context(), w.reviewers[2], w.decision(t, last.id, grant.VerdictApprove))
	wantCode(t, err, "")
	w.clock.Advance(time.Microsecond)

	w.nothingWritten(t, func() {
		_, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, late.id, grant.VerdictApprove))
		if e := told(t, err); e.Kind != errs.Conflict || e.Code != "window_over" {
			t.Error(err)
		}
	})
	noError(t, w.vote(t.Context(), w.reviewers[0], late.id, question))
	_, err = w.Revise(t.Context(), late.code, proposal(t, 1))
	noError(t, err)
	for _, by := range w.reviewers[:2] {
		noError(t, w.vote(t.Context(), by, late.id, grant.VerdictApprove))
	}
	_, err = w.Decide(t.Context(), w.reviewers[2], w.decision(t, late.id, grant.VerdictApprove))
	wantCode(t, err, "")
}

func TestParallelDecisionsMakeOneGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	cmd := w.decision(t, f.id, grant.VerdictApprove)

	codes := together(12, func(i int) error {
		_, err := w.Decide(t.Context(), w.reviewers[i%3], cmd)
		return err
	})

	if diff := cmp.Diff(map[string]int{"": 1, "stale_version": 11}, tally(codes)); diff != "" {
		t.Error(diff)
	}
	for _, table := range []string{"grants", "instalment", "ledger_transfer WHERE kind = 'commit'"} {
		if n := w.number(t, "SELECT count(*) FROM "+table); n != 1 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if got := w.balance(t, "committed"); got != 100_000 {
		t.Errorf("%d committed", got)
	}
}

// TestParallelGrantsShareWhatThereIs decides twelve applications at once with
// money, or budget, for five.
func TestParallelGrantsShareWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		deposit, budget int64
		want            string
	}{
		{name: "treasury", deposit: 599_999, budget: 50_000_000, want: "treasury_short"},
		{name: "budget", deposit: 50_000_000, budget: 599_999, want: "budget_spent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(f *fund.Fund) { f.Budget = btcutil.Amount(test.budget) })
			w.deposit(t, test.deposit)
			cmds := make([]grant.Decide, 12)
			for n := range cmds {
				cmds[n] = w.decision(t, w.ready(t, n, grant.VerdictApprove).id, grant.VerdictApprove)
			}

			codes := together(len(cmds), func(i int) error {
				_, err := w.Decide(t.Context(), w.reviewers[0], cmds[i])
				return err
			})

			if diff := cmp.Diff(map[string]int{"": 5, test.want: 7}, tally(codes)); diff != "" {
				t.Error(diff)
			}
			if got := w.balance(t, "committed"); got != 500_000 {
				t.Errorf("%d committed", got)
			}
		})
	}
}

func TestAnInstalmentExistsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 1_000_000)
	f := w.ready(t, 1, grant.VerdictApprove)
	_, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictApprove))
	noError(t, err)

	_, err = w.app.Pool().Exec(t.Context(), `INSERT INTO instalment (id, grant_id, period, decision_id, digest, note, payee_script, payee_address, amount_sat, due_at, until_at, state, version, created_at, changed_at)
		SELECT gen_random_uuid(), i.grant_id, i.period, i.decision_id, i.digest, i.note, i.payee_script, i.payee_address, i.amount_sat, i.due_at, i.until_at, i.state, 1, i.created_at, i.changed_at
		FROM instalment i`)

	if err == nil || !strings.Contains(err.Error(), "instalment_decision_id_period_key") {
		t.Errorf("a second instalment of the same period: %v", err)
	}
}

func TestWhatADecisionMustSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.ready(t, 1, grant.VerdictDecline)
	tests := []struct {
		name string
		cmd  grant.Decide
		want string
	}{
		{"no outcome", grant.Decide{}, "outcome unknown_outcome"},
		{"question as outcome", grant.Decide{Outcome: question}, "outcome unknown_outcome"},
		{"decline without a word", grant.Decide{Outcome: grant.VerdictDecline, Message: "\t"}, "message required"},
		{"long message", grant.Decide{Outcome: grant.VerdictApprove, Message: strings.Repeat("m", 4001)}, "message too_long"},
	}
	for _, test := range tests {
		as := w.decision(t, f.id, grant.VerdictDecline)
		test.cmd.ID, test.cmd.Version, test.cmd.Digest = as.ID, as.Version, as.Digest
		w.nothingWritten(t, func() {
			_, err := w.Decide(t.Context(), w.reviewers[0], test.cmd)
			if got := fieldsOf(t, err); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
		})
	}
}

// TestAnAlteredRowIsNotPaid holds that the note, which only the seal can have
// kept, has the last word on what is owed.
func TestAnAlteredRowIsNotPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 10_000_000)
	lies := []string{
		"UPDATE application SET amount_sat = amount_sat * 10 WHERE id = $1",
		"UPDATE decision SET grant_id = gen_random_uuid() WHERE application_id = $1",
		"UPDATE decision SET note = set_byte(note, 40, get_byte(note, 40) # 1) WHERE application_id = $1",
		"UPDATE decision SET id = gen_random_uuid() WHERE application_id = $1",
	}
	files, orders := make([]filed, len(lies)), make([]grant.Decide, len(lies))
	for n := range lies {
		files[n] = w.ready(t, n, grant.VerdictApprove)
		orders[n] = w.decision(t, files[n].id, grant.VerdictApprove)
	}
	w.readAll(t)
	for n, sql := range lies {
		f, cmd := files[n], orders[n]
		w.exec(t, "ALTER TABLE decision DISABLE TRIGGER USER")
		w.exec(t, sql, f.id)

		w.unchanged(t, func() {
			if a, err := w.Decide(t.Context(), w.reviewers[2], cmd); err == nil {
				t.Errorf("after %s: %s", sql, a.State)
			}
		})
	}
}

func TestGrantsArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposit(t, 10_000_000)
	var want []string
	for n := range 5 {
		f := w.ready(t, n, grant.VerdictApprove)
		if n%2 == 0 { // two of one moment
			w.clock.Advance(time.Second)
		}
		a, err := w.Decide(t.Context(), w.reviewers[2], w.decision(t, f.id, grant.VerdictApprove))
		noError(t, err)
		want = append(want, a.Reference)
	}

	seen := map[string]int{}
	var last grant.Grant
	pages := 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		records, next, err := w.Grants(t.Context(), w.auditor, cursor, 2)
		noError(t, err)
		for _, r := range records {
			seen[r.Grant.Reference]++
			if last.Reference != "" && r.Grant.CreatedAt.After(last.CreatedAt) {
				t.Errorf("%s comes after %s", r.Grant.CreatedAt, last.CreatedAt)
			}
			last = r.Grant
			if len(r.Instalments) != 1 || len(r.Payments) != 1 || r.Payments[0].InstalmentID != r.Instalments[0].ID {
				t.Errorf("grant %s has instalments %v, payments %v", r.Grant.Reference, r.Instalments, r.Payments)
			}
		}
		cursor = next
	}

	if diff := cmp.Diff(fmt.Sprint(tally(want)), fmt.Sprint(seen)); diff != "" || pages != 3 {
		t.Errorf("%d pages\n%s", pages, diff)
	}
	_, _, err := w.Grants(t.Context(), w.auditor, "rubbish", 2)
	wantCode(t, err, "bad_cursor")
}
