package web

import (
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// TestPaidAfterItWasCancelled: a block beats what people wanted, and the page says so.
func TestPaidAfterItWasCancelled(t *testing.T) {
	t.Parallel()
	kept, unwanted, second := uuid.New(), uuid.New(), uuid.New()
	r := payout.Record{
		Batch: payout.Batch{State: payout.Mined}, Items: []payout.Item{{InstalmentID: kept, State: grant.Mined}, {InstalmentID: unwanted, State: grant.Mined}},
		Attempts: []payout.Attempt{{Kind: payout.Pays, Height: 7, Outputs: []payout.AttemptOutput{{InstalmentID: &kept}, {InstalmentID: &unwanted}}}, {No: 1, Kind: payout.Voids}},
		Void:     &payout.Void{CancelIDs: []uuid.UUID{unwanted}, ApprovedBy: &second},
	}
	if got := paidAnyway(r); len(got) != 1 || got[0].ID != unwanted.String() {
		t.Errorf("paid after it was cancelled: %+v", got)
	}
	list := attempts(r)
	if list[0].Fate.Key != "fate.mined" || list[1].Fate.Key != "fate.lost" || list[1].State != "replaced" || !list[0].Now || list[1].Now {
		t.Errorf("attempts: %+v", list)
	}
	r.Void.ApprovedBy = nil
	if got := paidAnyway(r); len(got) != 0 {
		t.Errorf("nobody agreed to cancel anything, and %+v is called paid all the same", got)
	}
	r.Void.ApprovedBy = &second
	r.Attempts[0].Height = 0
	if got := paidAnyway(r); len(got) != 0 {
		t.Errorf("nothing is in a block, and %+v is called paid", got)
	}
}
