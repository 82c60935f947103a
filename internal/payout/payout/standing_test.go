package payout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

func TestNextIsWhatMovesABatchOn(t *testing.T) {
	t.Parallel()
	paying := []payout.Attempt{{No: 0, Kind: payout.Pays, Raw: []byte{1}}}
	voids := func(raw []byte, height int32) []payout.Attempt {
		return append(slices.Clone(paying), payout.Attempt{No: 1, Kind: payout.Voids, Raw: raw, Height: height})
	}
	second := uuid.New()
	asked, agreed := &payout.Void{}, &payout.Void{ApprovedBy: &second}
	nobody := &payout.SignatureStatus{Needed: 2, Missing: 2}
	somebody := &payout.SignatureStatus{Needed: 2, Missing: 1, Signed: []string{"d34db33f"}}
	for name, c := range map[string]struct {
		batch    payout.Batch
		attempts []payout.Attempt
		void     *payout.Void
		status   *payout.SignatureStatus
		want     payout.Next
	}{
		"composed":                 {batch: payout.Batch{State: payout.Composed}, want: payout.NextApprove},
		"approved":                 {batch: payout.Batch{State: payout.Approved}, want: payout.NextBuild},
		"built":                    {batch: payout.Batch{State: payout.Built}, want: payout.NextBuild},
		"a signer is asked":        {batch: payout.Batch{State: payout.Signing}, status: nobody, want: payout.NextSigner},
		"one signed":               {batch: payout.Batch{State: payout.Signing}, status: somebody, want: payout.NextSign},
		"no signer answers":        {batch: payout.Batch{State: payout.Signing, LastError: "x"}, status: nobody, want: payout.NextSign},
		"signed":                   {batch: payout.Batch{State: payout.Signed}, want: payout.NextBroadcast},
		"broadcast":                {batch: payout.Batch{State: payout.Broadcast}, want: payout.NextBlock},
		"two tries in vain":        {batch: payout.Batch{State: payout.Broadcast, LastError: "x", Tries: 2}, want: payout.NextBlock},
		"three tries in vain":      {batch: payout.Batch{State: payout.Broadcast, LastError: "x", Tries: 3}, want: payout.NextInvestigate},
		"past its deadline":        {batch: payout.Batch{State: payout.Broadcast, Alarm: payout.AlarmPastDeadline}, want: payout.NextInvestigate},
		"a void is asked for":      {batch: payout.Batch{State: payout.Broadcast}, void: asked, status: somebody, want: payout.NextApproveVoid},
		"a void is agreed to":      {batch: payout.Batch{State: payout.Voiding}, attempts: paying, void: agreed, want: payout.NextBuild},
		"a void without attempts":  {batch: payout.Batch{State: payout.Voiding}, void: agreed, want: payout.NextBuild},
		"a void is half signed":    {batch: payout.Batch{State: payout.Voiding}, attempts: voids(nil, 0), void: agreed, status: somebody, want: payout.NextSign},
		"a void is not signed":     {batch: payout.Batch{State: payout.Voiding}, attempts: voids(nil, 0), void: agreed, want: payout.NextBuild},
		"a void waits for a block": {batch: payout.Batch{State: payout.Voiding}, attempts: voids([]byte{1}, 0), void: agreed, want: payout.NextBlock},
		"a newer void waits":       {batch: payout.Batch{State: payout.Voiding}, attempts: append(voids([]byte{1}, 7), payout.Attempt{No: 2, Kind: payout.Voids}), void: agreed, status: nobody, want: payout.NextDepth},
		"a payment beat the void":  {batch: payout.Batch{State: payout.Voiding}, attempts: append([]payout.Attempt{{Height: 7}}, voids([]byte{1}, 0)[1:]...), void: agreed, want: payout.NextBlock},
		"a void is in a block":     {batch: payout.Batch{State: payout.Voiding}, attempts: voids([]byte{1}, 7), void: agreed, want: payout.NextDepth},
		"mined":                    {batch: payout.Batch{State: payout.Mined}, want: payout.NextDepth},
		"paid":                     {batch: payout.Batch{State: payout.Paid}, want: payout.NextDepth},
		"final":                    {batch: payout.Batch{State: payout.Final}, want: payout.NextNone},
		"cancelled":                {batch: payout.Batch{State: payout.Cancelled}, want: payout.NextNone},
		"voided":                   {batch: payout.Batch{State: payout.Voided}, want: payout.NextNone},
		"conflicted":               {batch: payout.Batch{State: payout.Conflicted}, want: payout.NextInvestigate},
		"a state of later":         {batch: payout.Batch{State: "later"}, want: payout.NextInvestigate},
	} {
		r := payout.Record{Batch: c.batch, Attempts: c.attempts, Void: c.void}
		if got := r.Next(c.status); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestFateOfAnAttempt(t *testing.T) {
	t.Parallel()
	const out = "built signing signed broadcast"
	for name, c := range map[string]struct {
		first, second string
		mined         int // number of the attempt that a block holds, plus one; 0: none
		want          [2]payout.Fate
	}{
		"nothing happened yet":        {"", "", 0, [2]payout.Fate{payout.FateReplaced, payout.FateBuilt}},
		"both are out":                {out, out, 0, [2]payout.Fate{payout.FateReplaced, payout.FateBroadcast}},
		"the first is in a block":     {out + " mined", out, 1, [2]payout.Fate{payout.FateMined, payout.FateReplaced}},
		"its block was replaced":      {out + " mined reorged", out, 0, [2]payout.Fate{payout.FateReplaced, payout.FateBroadcast}},
		"so was the second's":         {out, out + " mined paid reorged", 0, [2]payout.Fate{payout.FateReplaced, payout.FateBroadcast}},
		"a coin was spent, then not":  {out + " conflicted", out + " conflicted reorged", 0, [2]payout.Fate{payout.FateConflicted, payout.FateBroadcast}},
		"one is final and one is not": {out + " dead", out + " mined paid final", 2, [2]payout.Fate{payout.FateDead, payout.FateFinal}},
	} {
		var r payout.Record
		for no, events := range []string{c.first, c.second} {
			a := payout.Attempt{No: no}
			if c.mined == no+1 {
				a.Height = 7
			}
			for _, e := range strings.Fields(events) {
				a.Events = append(a.Events, payout.AttemptEvent{Event: e})
			}
			r.Attempts = append(r.Attempts, a)
		}
		if got := [2]payout.Fate{r.Fate(0), r.Fate(1)}; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestPaidAfterCancel has one rule, whichever way a payment was cancelled.
func TestPaidAfterCancel(t *testing.T) {
	t.Parallel()
	id, second := uuid.New(), uuid.New()
	agreed := &payout.Void{ApprovedBy: &second, CancelIDs: []uuid.UUID{id}}
	for name, c := range map[string]struct {
		state payout.State
		item  grant.InstalmentState
		void  *payout.Void
		want  bool
	}{
		"nobody cancelled it":         {payout.Mined, grant.Mined, nil, false},
		"a void that lost":            {payout.Mined, grant.Mined, agreed, true},
		"a void that keeps it":        {payout.Mined, grant.Mined, &payout.Void{ApprovedBy: &second}, false},
		"a void nobody agreed to":     {payout.Mined, grant.Mined, &payout.Void{CancelIDs: []uuid.UUID{id}}, false},
		"the payment was cancelled":   {payout.Paid, grant.Cancelled, nil, true},
		"the batch was cancelled":     {payout.Cancelled, grant.Payable, nil, true},
		"the batch was voided before": {payout.Voided, grant.Payable, nil, true},
	} {
		pays := payout.Attempt{Height: 7, Outputs: []payout.AttemptOutput{{InstalmentID: &id}}}
		r := payout.Record{Batch: payout.Batch{State: c.state}, Void: c.void, Attempts: []payout.Attempt{pays, {No: 1, Kind: payout.Voids}}}
		it := payout.Item{InstalmentID: id, State: c.item}
		if got := r.PaidAfterCancel(it); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		r.Attempts[0].Height, r.Attempts[1].Height = 0, 7
		if r.PaidAfterCancel(it) {
			t.Errorf("%s: the void is in the block, and not the payment", name)
		}
	}
}

func TestConfirmationsNeededAreThoseOfTheNextState(t *testing.T) {
	t.Parallel()
	f := fund.Fund{PaidDepth: 6, FinalDepth: 100}
	want := map[payout.State]int32{
		payout.Built: 6, payout.Signing: 6, payout.Signed: 6, payout.Broadcast: 6, payout.Mined: 6, payout.Paid: 100, payout.Voiding: 100,
	}
	for _, s := range payout.States() {
		if got := s.ConfirmationsNeeded(f); got != want[s] {
			t.Errorf("%s: %d, want %d", s, got, want[s])
		}
	}
}

func TestConfirmationsCountFromTheBlock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ height, tip, want int32 }{{0, 9, 0}, {9, 8, 0}, {9, 9, 1}, {7, 9, 3}} {
		if got := (payout.Attempt{Height: c.height}).Confirmations(payout.Tip{Height: c.tip}); got != c.want {
			t.Errorf("in block %d at %d: %d confirmations, want %d", c.height, c.tip, got, c.want)
		}
	}
	if got := (payout.Record{}).Current(); got != nil {
		t.Errorf("a batch without attempts has %+v", got)
	}
}
