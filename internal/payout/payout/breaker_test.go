package payout_test

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// open returns the open breakers by their code, as "code state findings consents".
func (r *rig) openBreakers() []string {
	r.t.Helper()
	list, err := r.service.Breakers(r.t.Context(), r.treasurer)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, b := range list {
		out = append(out, strings.Join([]string{string(b.Code), string(b.State), string(rune('0' + len(b.Findings))), string(rune('0' + len(b.Consents)))}, " "))
	}
	return out
}

func (r *rig) wantBreakers(want ...string) {
	r.t.Helper()
	if got := r.openBreakers(); !slices.Equal(got, want) {
		r.t.Errorf("open breakers %q, want %q", got, want)
	}
}

// TestEveryBreakerTripsAgainAfterItsReset takes each code through trip, reset and
// trip again, and looks at the books of it.
func TestEveryBreakerTripsAgainAfterItsReset(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	// What stands as it was accepted is no news; an event is, each time.
	again := map[payout.BreakerCode]bool{
		payout.ForeignSpend: false, payout.DeepReorg: true, payout.UnexpectedPayment: false, payout.LedgerMismatch: false,
		payout.InvariantBroken: false, payout.RecoveryFailed: false, payout.AuditBroken: false,
	}
	if len(again) != len(payout.BreakerCodes()) {
		t.Fatalf("%d codes, this test knows %d", len(payout.BreakerCodes()), len(again))
	}
	for _, code := range payout.BreakerCodes() {
		figure, other := btcutil.Amount(1000), btcutil.Amount(2000)
		first := payout.Finding{Code: code, Subject: "a", Detail: "first", Amount: &figure}
		r.trip(first)
		r.wantBreakers(string(code) + " open 1 0")
		r.trip(first)
		r.wantBreakers(string(code) + " open 1 0") // the same again is no news

		id := r.treasury().Breakers[0].ID
		consent := func(who identity.Actor, version int64) string {
			if _, err := r.service.ResetBreaker(t.Context(), who, id, version); err != nil {
				return codeOf(err)
			}
			return ""
		}
		if got := consent(r.treasurer, 1); got != "" {
			t.Errorf("%s: %s", code, got)
		}
		r.wantBreakers(string(code) + " half_reset 1 1")
		if got := consent(r.treasurer, 1); got != "already_reset" {
			t.Errorf("%s: the same person again: %q", code, got)
		}
		// Another figure while one has consented: both have to look again.
		moved := first
		moved.Amount, moved.Detail = &other, "moved"
		r.trip(moved)
		r.wantBreakers(string(code) + " open 2 0")
		if got := consent(r.second, 1); got != "stale_version" {
			t.Errorf("%s: a consent to half of what was found: %q", code, got)
		}
		if a, b := consent(r.second, 2), consent(r.treasurer, 2); a+b != "" {
			t.Errorf("%s: %s %s", code, a, b)
		}
		r.wantBreakers()
		if got := consent(r.second, 2); got != "breaker_reset" {
			t.Errorf("%s: after the reset: %q", code, got)
		}

		r.trip(moved)
		if want := again[code]; want != (len(r.openBreakers()) == 1) {
			t.Errorf("%s: what was accepted trips again: %v", code, !want)
		}
		r.resetBreakers()
		r.trip(first) // the figure of before is not the one that was accepted
		r.wantBreakers(string(code) + " open 1 0")
		r.resetBreakers()
		r.trip(payout.Finding{Code: code, Subject: "b", Detail: "another", Amount: &other})
		r.wantBreakers(string(code) + " open 1 0")
		r.resetBreakers()
	}
	for _, x := range []struct{ action, want string }{{"breaker.tripped", "worker"}, {"breaker.consented", "staff"}, {"breaker.reset", "staff"}} {
		trips := r.number("SELECT count(*) FROM breaker")
		if n := r.number("SELECT count(*) FROM audit_leaf WHERE action = $1 AND object_kind = 'breaker' AND actor LIKE '%' || $2 || '%'", x.action, x.want); n < trips {
			t.Errorf("%d leaves of %s for %d breakers", n, x.action, trips)
		}
	}
	// A leaf holds the digest of all that was consented to, the figure with it.
	b := payout.Breaker{Findings: []payout.Finding{}}
	for _, x := range []struct {
		amount btcutil.Amount
		detail string
	}{{1000, "first"}, {2000, "moved"}} {
		b.Findings = append(b.Findings, payout.Finding{Code: payout.BreakerCodes()[0], Subject: "a", Detail: x.detail, Amount: &x.amount})
	}
	text := r.texts("SELECT convert_from(leaf, 'UTF8') FROM audit_leaf WHERE action = 'breaker.reset' ORDER BY seq LIMIT 1")[0]
	if !strings.Contains(text, `"digest":"`+hex.EncodeToString(b.Digest())+`"`) {
		t.Errorf("the leaf of a reset is %s, want digest %x", text, b.Digest())
	}
}

// TestABreakerIsWhatItSays holds who may reset, and what is answered for none.
func TestABreakerIsWhatItSays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.trip(payout.Finding{Code: payout.DeepReorg, Subject: "a", Detail: "a test"})
	id := r.treasury().Breakers[0].ID
	auditor, admin := r.hire("au", identity.RoleAuditor), r.hire("ad", identity.RoleAdmin)
	token := r.treasurer
	token.TokenID, token.Scopes = uuid.New(), identity.Permissions()
	for name, x := range map[string]struct {
		who  identity.Actor
		id   int64
		want string
	}{
		"an auditor":          {auditor, id, "not_permitted"},
		"a token":             {token, id, "not_permitted"},
		"the system":          {identity.System("worker"), id, "not_permitted"},
		"no such number":      {admin, id + 1, "breaker_not_found"},
		"no number at all":    {admin, 0, "breaker_not_found"},
		"a number below zero": {admin, -1, "breaker_not_found"},
	} {
		if _, err := r.service.ResetBreaker(t.Context(), x.who, x.id, 1); codeOf(err) != x.want {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
	r.wantBreakers("deep_reorg open 1 0")
	if _, err := r.service.ResetBreaker(t.Context(), admin, id, 1); err != nil {
		t.Error(err)
	}
	r.wantBreakers("deep_reorg half_reset 1 1")

	// The database holds the same against whoever writes to it.
	for _, x := range []struct{ rule, sql string }{
		{"has the consent of 1 people", "UPDATE breaker SET state = 'reset'"},
		{"breaker_open", "INSERT INTO breaker (code, tripped_at, changed_at) VALUES ('deep_reorg', now(), now())"},
		{"begins open", "INSERT INTO breaker (code, state, tripped_at, changed_at) VALUES ('invariant', 'reset', now(), now())"},
		{"breaker_has_findings", "INSERT INTO breaker (code, tripped_at, changed_at) VALUES ('invariant', now(), now())"},
		{"keeps what it is", "UPDATE breaker SET code = 'invariant'"},
	} {
		if _, err := r.owner.Pool().Exec(t.Context(), x.sql); err == nil || !strings.Contains(err.Error(), x.rule) {
			t.Errorf("%s: %v, want %s", x.sql, err, x.rule)
		}
	}
	r.trip(payout.Finding{Code: payout.DeepReorg, Subject: "b", Detail: "more"})
	if _, err := r.owner.Pool().Exec(t.Context(), "UPDATE breaker SET state = 'reset'"); err == nil || !strings.Contains(err.Error(), "consent of 0 people") {
		t.Errorf("from open to reset: %v", err)
	}
	r.wantBreakers("deep_reorg open 2 0")
}

// skew books money that is not there: the ledger then differs from the chain.
func (r *rig) skew(sat int64) {
	r.t.Helper()
	id := r.number("INSERT INTO ledger_transfer (kind, ref, at) VALUES ('deposit', 'a test', now()) RETURNING id")
	r.exec(`INSERT INTO ledger_posting VALUES ($1, 'outside', $2), ($1, 'available', $3)`, id, -sat, sat)
}

// TestALedgerMismatchIsAcceptedByItsFigure: what two people accepted does not stop
// signing again, another difference does, and so does the same one once it had gone.
func TestALedgerMismatchIsAcceptedByItsFigure(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	store := postgres.PayoutStore{DB: r.open(r.base.WorkerURL)}
	look := func() btcutil.Amount {
		t.Helper()
		h, err := store.Holdings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		difference, err := breaker.CheckLedger(t.Context(), store, h, r.epoch, r.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return difference
	}
	if look() != 0 {
		t.Fatal("a fresh fund differs")
	}
	r.skew(500)
	defer r.skew(0 - 500) // checkInvariants looks at the end
	if got := look(); got != -500 {
		t.Fatalf("difference %d, want -500", got)
	}
	r.wantBreakers("ledger_mismatch open 1 0")
	if detail := r.treasury().Breakers[0].Detail(); !strings.Contains(detail, "20000000 sat") || !strings.Contains(detail, "20000500 sat") || !strings.Contains(detail, "-500 sat") {
		t.Errorf("the figures are not in %q", detail)
	}
	b := r.approved(1)
	r.step()
	r.wantState(b.ID, payout.Approved)
	r.resetBreakers()
	look()
	r.wantBreakers()
	if a := r.treasury().Accepted; a == nil || a.Amount != -500 || !slices.Equal(a.By, []string{"t1", "t2"}) {
		t.Errorf("accepted %+v", a)
	}
	r.step()
	r.wantState(b.ID, payout.Broadcast)

	r.skew(7)
	look()
	r.wantBreakers("ledger_mismatch open 1 0")
	next := r.approved(1)
	r.step()
	r.wantState(next.ID, payout.Approved)
	r.skew(-7) // it is as it was accepted; the breaker waits for people all the same
	look()
	r.wantBreakers("ledger_mismatch open 1 0")
	r.resetBreakers() // they accept a difference that is not there any more
	look()
	r.wantBreakers("ledger_mismatch open 1 0")
	r.resetBreakers()

	r.skew(-500)
	if look() != 0 {
		t.Error("coins and ledger still differ")
	}
	if r.treasury().Accepted != nil {
		t.Error("what was accepted stands although it has gone")
	}
	r.skew(500)
	look()
	r.wantBreakers("ledger_mismatch open 1 0")
}

// TestAnAcceptedBreachLapsesWhenItIsGone runs the nightly check on a breach that
// two people accept, that goes, and that comes back.
func TestAnAcceptedBreachLapsesWhenItIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := &breaches{workerStore: postgres.PayoutStore{DB: r.open(r.base.WorkerURL)}}
	night := func(found ...payout.Breach) {
		t.Helper()
		s.found = found
		if _, err := breaker.CheckInvariants(t.Context(), s, r.epoch, r.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	one, two := payout.Breach{Invariant: "i07_coins", What: "one"}, payout.Breach{Invariant: "i12_view", What: "two"}
	night(one, two)
	r.wantBreakers("invariant open 2 0")
	r.resetBreakers()
	night(one, two)
	r.wantBreakers()
	night(two)
	night(one, two)
	r.wantBreakers("invariant open 1 0")
	if got := r.treasury().Breakers[0].Findings[0].Subject; got != "i07_coins: one" {
		t.Errorf("found %q", got)
	}
}

// breaches is a store whose views show what a test says.
type breaches struct {
	workerStore
	found []payout.Breach
}

func (b *breaches) Breaches(context.Context, int) ([]payout.Breach, error) { return b.found, nil }

// TestAForgottenBatchFreesItsPayments has a fund forget a composed batch, and one that was
// approved and did not get to a signer by its last moment. What a signer was asked for stays.
func TestAForgottenBatchFreesItsPayments(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	kept := r.broadcast(1)
	forgotten, late := r.compose(r.owe(2, owed)), r.approved(1)
	until := func(d time.Duration) []payout.Batch {
		t.Helper()
		list, err := treasurer.CancelForgotten(t.Context(), r.store, r.epoch, r.clock.Now().Add(d))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := until(treasurer.ForgottenAfter - 2*time.Hour); len(list) != 0 {
		t.Fatalf("%d batches were cancelled too early", len(list))
	}
	if list := until(treasurer.ForgottenAfter + time.Hour); len(list) != 2 || list[0].ID != forgotten.ID || list[1].ID != late.ID {
		t.Fatalf("cancelled %v, want batches %d and %d", list, forgotten.Number, late.Number)
	}
	r.clock.Advance(treasurer.ForgottenAfter + 2*time.Hour)
	rec := r.wantState(forgotten.ID, payout.Cancelled)
	r.wantState(late.ID, payout.Cancelled)
	r.wantState(kept.ID, payout.Broadcast)
	last := rec.History[len(rec.History)-1]
	if last.Action != "batch.lapsed" {
		t.Errorf("history ends with %+v", last)
	}
	if n := r.number("SELECT count(*) FROM audit_leaf WHERE action = 'batch.lapsed' AND object_id = $1 AND actor = 'system:worker'", forgotten.ID.String()); n != 1 {
		t.Errorf("%d leaves", n)
	}
	lapsed := r.treasury().Lapsed
	if len(lapsed) != 2 || lapsed[1].Number != forgotten.Number || lapsed[1].ComposedBy != "t1" || lapsed[1].Payees != 2 {
		t.Errorf("the treasury page tells of %+v", lapsed)
	}
	free, err := r.service.Payable(t.Context(), r.treasurer)
	if err != nil || len(free) != 3 {
		t.Errorf("%d payments are free again, %v", len(free), err)
	}
	if list := until(0); len(list) != 0 {
		t.Errorf("cancelled twice: %v", list)
	}
}
