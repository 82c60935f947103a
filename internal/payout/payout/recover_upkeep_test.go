package payout_test

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TestUpkeepIsRebuilt loses a batch that pays nobody, and the child of a batch that
// waits for its block.
func TestUpkeepIsRebuilt(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin, coin)
	b := r.broadcast(1)
	dump := r.dump()
	join, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Consolidate, FeeRateSatKVB: 2_000})
	if err != nil {
		t.Fatal(err)
	}
	r.approveUpkeep(join)
	child, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Child, Parent: b.ID, FeeRateSatKVB: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	r.approveUpkeep(child)
	r.step()
	r.wantState(join.ID, payout.Broadcast)
	r.wantState(child.ID, payout.Broadcast)
	before := r.released()

	r.restore(dump)
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []payout.Batch{join, child} {
		got := r.wantState(want.ID, payout.Signing)
		if got.Batch.Kind != want.Kind || got.Batch.Note != want.Note || len(got.Batch.Chosen) != len(want.Chosen) {
			t.Errorf("got %+v, want %+v", got.Batch, want)
		}
	}
	r.allFinal(before)
	r.wantState(join.ID, payout.Final)
	r.wantState(child.ID, payout.Final)
}

// approveUpkeep approves a batch that may pay nobody.
func (r *restorable) approveUpkeep(b payout.Batch) {
	r.t.Helper()
	if _, err := r.service.Approve(r.t.Context(), r.second, b.ID, b.Version, b.Digest); err != nil {
		r.t.Fatal(err)
	}
}
