package payout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// TestABumpReplacesAndOneIsPaid asks for a higher fee of a waiting batch: the second
// attempt spends all that the first one spends, and one of them is mined.
func TestABumpReplacesAndOneIsPaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(2)
	rec := r.record(b.ID)
	if _, err := r.service.Bump(t.Context(), r.treasurer, b.ID, rec.Batch.Version, rec.Attempts[0].FeeRateSatKVB()); codeOf(err) != "invalid_fields" {
		t.Errorf("the same feerate again: %v, want invalid_fields", err)
	}
	if _, err := r.service.Bump(t.Context(), r.treasurer, b.ID, rec.Batch.Version, 20_000); err != nil {
		t.Fatal(err)
	}
	r.step()
	rec = r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || rec.Attempts[1].Fee <= rec.Attempts[0].Fee || rec.Attempts[1].FeeRateSatKVB() < 19_000 {
		t.Fatalf("attempts after a bump to 20 sat/vB: %+v", rec.Attempts)
	}
	if _, told := rec.Attempts[1].Broadcast(); !told {
		t.Error("the replacement was not broadcast")
	}
	r.mine(1)
	rec = r.wantState(b.ID, payout.Mined)
	if rec.Attempts[0].Height != 0 || rec.Attempts[1].Height == 0 {
		t.Errorf("heights %d and %d, want the replacement in the block", rec.Attempts[0].Height, rec.Attempts[1].Height)
	}
	r.mine(finalDepth - 1)
	r.wantState(b.ID, payout.Final)
}

// TestAVoidReleasesOnlyWhenItIsFinal takes a batch back: two people ask for it, the
// payments stay "may be paid" until the void is as deep as final, and one that is
// not cancelled can then be paid by another batch, which the signer agrees to.
func TestAVoidReleasesOnlyWhenItIsFinal(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(2)
	rec := r.record(b.ID)
	cancel, again := rec.Items[0].InstalmentID, rec.Items[1].InstalmentID
	voided, err := r.service.AskVoid(t.Context(), r.treasurer, b.ID, rec.Batch.Version, payout.VoidOrder{Reason: "the operator asked us to", CancelIDs: []uuid.UUID{cancel}})
	if err != nil {
		t.Fatal(err)
	}
	r.step()
	rec = r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts) != 1 {
		t.Fatal("a void was built that nobody approved")
	}
	if _, err := r.service.ApproveVoid(t.Context(), r.treasurer, b.ID, voided.Version, rec.Void.Digest); codeOf(err) != "second_person" {
		t.Errorf("the same person: %v, want second_person", err)
	}
	if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, voided.Version, rec.Void.Digest); err != nil {
		t.Fatal(err)
	}
	r.step()
	rec = r.wantState(b.ID, payout.Voiding)
	if len(rec.Attempts) != 2 || rec.Attempts[1].Kind != payout.Voids {
		t.Fatalf("attempts %+v, want a void", rec.Attempts)
	}
	r.mine(finalDepth - 1)
	r.wantState(b.ID, payout.Voiding)
	r.wantInstalment(again, grant.MaybePaid)
	r.mine(1)
	r.wantState(b.ID, payout.Voided)
	r.wantInstalment(cancel, grant.Cancelled)
	r.wantInstalment(again, grant.Payable)

	next, err := r.service.Compose(t.Context(), r.treasurer, treasurer.Order{InstalmentIDs: []uuid.UUID{again}, FeeRateSatKVB: 5_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.Approve(t.Context(), r.second, next.ID, next.Version, next.Digest); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.wantState(next.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(next.ID, payout.Mined)
	r.wantInstalment(again, grant.Mined)
}

func (r *rig) wantInstalment(id uuid.UUID, want grant.InstalmentState) {
	r.t.Helper()
	var got string
	if err := r.owner.Pool().QueryRow(r.background(), "SELECT state FROM instalment WHERE id = $1", id).Scan(&got); err != nil {
		r.t.Fatal(err)
	}
	if got != string(want) {
		r.t.Errorf("payment %s is %s, want %s", id, got, want)
	}
}

// TestADryRunIsWhatIsBuilt compares the transaction of the dry run with the one that
// the worker then builds: the same coins, and outputs in the same order.
func TestADryRunIsWhatIsBuilt(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin/2, coin/3, coin/4, coin/5, coin/6)
	o := order(r.owe(4, owed))
	preview, err := r.service.DryRun(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	r.approve(b)
	r.step()
	built := r.wantState(b.ID, payout.Broadcast).Attempts[0]
	summary, err := r.service.Describe(t.Context(), built)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(preview.Summary, summary); diff != "" {
		t.Errorf("(-dry run +built):\n%s", diff)
	}
}
