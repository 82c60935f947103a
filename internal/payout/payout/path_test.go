package payout_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
)

func TestBatchGoesFromComposedToFinal(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	ids := r.owe(3, owed)
	b := r.compose(ids)
	r.wantState(b.ID, payout.Composed)
	b = r.approve(b)
	r.wantState(b.ID, payout.Approved)

	r.step()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
	r.mine(paidDepth - 2)
	r.wantState(b.ID, payout.Mined)
	r.mine(1)
	r.wantState(b.ID, payout.Paid)
	r.mine(finalDepth - paidDepth - 1)
	r.wantState(b.ID, payout.Paid)
	r.mine(1)
	rec := r.wantState(b.ID, payout.Final)

	want := []string{"built", "signing", "signed", "broadcast", "mined", "paid", "final"}
	if diff := cmp.Diff(want, events(rec)); diff != "" {
		t.Error(diff)
	}
	if r.signer.signatures() != 1 || len(rec.Attempts) != 1 {
		t.Errorf("%d signatures and %d attempts, want 1 and 1", r.signer.signatures(), len(rec.Attempts))
	}
	treasury, err := r.service.Treasury(t.Context(), r.treasurer)
	if err != nil {
		t.Fatal(err)
	}
	fee := rec.Attempts[0].Fee
	wantBalances := ledger.Balances{
		ledger.Outside: -2 * coin, ledger.Available: 2*coin - 3*owed - fee, ledger.Committed: 0, ledger.InFlight: 0,
		ledger.Confirming: 0, ledger.Paid: 3 * owed, ledger.Fees: fee,
	}
	if diff := cmp.Diff(wantBalances, treasury.Balances); diff != "" {
		t.Error(diff)
	}
	if grants := r.number("SELECT count(*) FROM grants WHERE state = 'completed'"); grants != 3 {
		t.Errorf("%d grants are completed, want 3", grants)
	}
}

func TestBatchesOfAnySize(t *testing.T) {
	t.Parallel()
	for _, payees := range []int{1, 2, fund.DefaultMaxPayees} {
		t.Run(fmt.Sprint(payees), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 10*coin, 10*coin, 10*coin)
			b := r.broadcast(payees)
			r.mine(paidDepth)
			rec := r.wantState(b.ID, payout.Paid)
			if len(rec.Items) != payees || len(rec.Attempts[0].Outputs) > payees+1 {
				t.Errorf("%d payments, %d outputs, want %d payments and at most one more output", len(rec.Items), len(rec.Attempts[0].Outputs), payees)
			}
		})
	}
}

// TestChangeIsSpentNext has a second batch that can only be paid from the change
// of the first.
func TestChangeIsSpentNext(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	first := r.broadcast(2)
	second := r.approved(3)
	r.step()
	if rec := r.wantState(second.ID, payout.Approved); rec.Batch.LastError == "" {
		t.Error("nothing says why the second batch waits")
	}

	r.mine(1)
	r.wantState(first.ID, payout.Mined)
	rec := r.wantState(second.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(second.ID, payout.Mined)

	if parent := r.record(first.ID).Attempts[0].TxID; rec.Attempts[0].Inputs[0].OutPoint.Hash != parent {
		t.Errorf("the second batch spends %s, want the change of %s", rec.Attempts[0].Inputs[0].OutPoint, parent)
	}
	r.mine(finalDepth)
	r.wantState(first.ID, payout.Final)
	r.wantState(second.ID, payout.Final)
}
