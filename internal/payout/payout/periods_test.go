package payout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// TestThreePeriodsOfADecision pays a decision of three weeks by three batches, each when it is
// due, and none of them twice: the service does not compose it, the database does not store it,
// and the signer does not sign it.
func TestThreePeriodsOfADecision(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin, coin)
	ids := r.oweEvery(payeeScript(r.payees), owed, 3, decision.EveryWeek)
	var batches []uuid.UUID
	for i, id := range ids {
		due, err := r.service.Payable(t.Context(), r.treasurer)
		if err != nil || len(due) != 1 || due[0].InstalmentID != id || due[0].Period != i+1 {
			t.Fatalf("week %d: %+v may be paid, %v", i+1, due, err)
		}
		for _, later := range ids[i+1:] {
			if _, err := r.service.Compose(t.Context(), r.treasurer, order([]uuid.UUID{later})); codeOf(err) != "not_payable" {
				t.Errorf("week %d: a period that is not due: %v", i+1, err)
			}
		}
		b := r.compose([]uuid.UUID{id})
		r.approve(b)
		r.step()
		r.mine(1)
		r.wantState(b.ID, payout.Mined)
		batches = append(batches, b.ID)
		for _, again := range ids[:i+1] {
			if _, err := r.service.Compose(t.Context(), r.treasurer, order([]uuid.UUID{again})); codeOf(err) != "not_payable" {
				t.Errorf("week %d: a period again: %v", i+1, err)
			}
		}
		r.clock.Advance(7 * 24 * time.Hour)
	}
	r.mine(int(r.fund.FinalDepth))
	var digest decision.Digest
	for i, id := range batches {
		rec := r.wantState(id, payout.Final)
		if it := rec.Items[0]; it.Period != i+1 || i > 0 && it.Digest != digest {
			t.Errorf("batch %d pays period %d of %s", i+1, it.Period, it.Digest)
		}
		digest = rec.Items[0].Digest
		certified, err := r.service.Certificate(t.Context(), r.treasurer, ids[i])
		if err != nil || certified.Period != i+1 || certified.DecisionDigest != digest.String() {
			t.Errorf("certificate %d is for period %d, %v", i+1, certified.Period, err)
		}
	}
	paid, err := r.service.Payments(t.Context(), r.treasurer, time.Unix(0, 0), r.clock.Now().AddDate(1, 0, 0))
	if err != nil || len(paid) != 3 {
		t.Fatalf("%d payments, %v", len(paid), err)
	}
	for i, p := range paid {
		if p.Period != i+1 || p.DecisionDigest != digest.String() {
			t.Errorf("line %d of the books is period %d of %s", i+1, p.Period, p.DecisionDigest)
		}
	}
}

// TestAPeriodIsStoredOnce writes what no program writes: one period in two rows.
func TestAPeriodIsStoredOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	ids := r.oweEvery(payeeScript(r.payees), owed, 2, decision.EveryMonth)
	for name, change := range map[string]string{
		"the same period":    "period",
		"a period too many":  "37",
		"no period":          "0",
		"a period before it": "-1",
	} {
		_, err := r.owner.Pool().Exec(t.Context(), `INSERT INTO instalment SELECT gen_random_uuid(), grant_id, `+change+`, decision_id, digest, note, payee_script,
			payee_address, amount_sat, due_at, until_at, state, held_reason, version, created_at, changed_at FROM instalment WHERE id = $1`, ids[1])
		if err == nil {
			t.Errorf("%s was stored", name)
		}
	}
}

// TestAPeriodInAnotherRowGetsNoSignature has a thief who owns the database turn an instalment
// that is not due yet into one that was paid, and one that was paid into one that is owed.
func TestAPeriodInAnotherRowGetsNoSignature(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	ids := r.oweEvery(payeeScript(r.payees), owed, 2, decision.EveryWeek)
	b := r.compose(ids[:1])
	r.approve(b)
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	lines := r.signer.signatures()
	r.exec("ALTER TABLE instalment DROP CONSTRAINT instalment_decision_id_period_key, DROP CONSTRAINT instalment_digest_period_key")
	r.exec("UPDATE instalment SET period = 1, due_at = p.due_at, until_at = p.until_at FROM instalment p WHERE instalment.id = $1 AND p.id = $2", ids[1], ids[0])
	again := r.compose(ids[1:])
	r.approve(again)
	for range 3 {
		r.step()
		r.clock.Advance(time.Hour)
	}
	rec, err := r.service.Batch(t.Context(), r.treasurer, again.ID)
	if err != nil || slices.ContainsFunc(rec.Attempts, func(a payout.Attempt) bool { return len(a.Raw) > 0 }) {
		t.Errorf("the period was signed again: %v", err)
	}
	if got := r.signer.signatures(); got != lines {
		t.Errorf("the signer has %d lines, had %d", got, lines)
	}
	if !strings.Contains(rec.Batch.LastError, "would_pay_twice") {
		t.Errorf("last error %q", rec.Batch.LastError)
	}
}
