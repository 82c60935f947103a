package payout_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
)

// TestABumpKeepsToTheApprovedLimits asks for bumps that the batch's own limits and
// the fund forbid, and lets the deadline pass: the feerate ends at the limit that was
// approved, never above, after eight bumps at most.
func TestABumpKeepsToTheApprovedLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	o := order(r.owe(1, owed))
	o.FeeRateSatKVB, o.MaxFeeRateSatKVB, o.DeadlineBlocks = 1_000, 12_000, 24
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	r.approve(b)
	silent := r.conductorWith(r.signer.client(), lostBroadcaster{broadcaster{r.chain}, false}) // so that no block takes it
	round := func() {
		r.mustSync()
		r.clock.Advance(time.Minute)
		if err := silent.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	round()
	rec := r.wantState(b.ID, payout.Broadcast)
	for _, rate := range []int64{1_000, 13_000} {
		if _, err := r.service.Bump(t.Context(), r.treasurer, b.ID, rec.Batch.Version, rate); codeOf(err) != "invalid_fields" {
			t.Errorf("bump to %d: %v, want invalid_fields", rate, err)
		}
	}
	for range 30 {
		r.node.Mine(1)
		round()
		if len(r.record(b.ID).Attempts) > 9 {
			t.Fatal("more than eight bumps")
		}
	}
	rec = r.wantState(b.ID, payout.Broadcast)
	newest := rec.Attempts[len(rec.Attempts)-1]
	if newest.FeeRateSatKVB() != 12_000 || len(rec.Attempts) < 3 {
		t.Errorf("%d attempts, the newest pays %d sat/kvB, want 12000", len(rec.Attempts), newest.FeeRateSatKVB())
	}
	for i, a := range rec.Attempts[1:] {
		if a.Fee <= rec.Attempts[i].Fee || !spendsAll(a, rec.Attempts[0]) {
			t.Errorf("attempt %d: fee %d after %d", a.No, a.Fee, rec.Attempts[i].Fee)
		}
	}
	r.step()
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
	r.wantWinner(b.ID, newest.No)
}

func spendsAll(a, first payout.Attempt) bool {
	have := map[string]bool{}
	for _, in := range a.Inputs {
		have[in.OutPoint.String()] = true
	}
	for _, in := range first.Inputs {
		if !have[in.OutPoint.String()] {
			return false
		}
	}
	return true
}

// TestWhatIsSignedIsToldWhileABumpIsNot has the signer go away between a bump and its
// signature, and the node forget.
func TestWhatIsSignedIsToldWhileABumpIsNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	r.askBump(b.ID, 20_000)
	alone := r.conductorOf(deaf{r.signer.client()})
	if err := alone.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantBroadcastStill(b.ID, 2, "deaf")
	r.restartNode()
	r.node.Mine(1)
	r.mustSync()
	r.clock.Advance(time.Minute)
	alone = r.conductorOf(deaf{r.signer.client()})
	if err := alone.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantBroadcastStill(b.ID, 2, "deaf")
	r.node.Mine(1)
	r.mustSync()
	r.wantState(b.ID, payout.Mined)
	r.wantWinner(b.ID, 0)
	if n := r.signer.signatures(); n != 1 {
		t.Errorf("%d signatures, want 1", n)
	}
}

func TestWhatAReplacementPushesOut(t *testing.T) {
	t.Parallel()
	id := func(n byte) chainhash.Hash { return chainhash.Hash{n} }
	pool := []fee.Tx{ // 5 spends both 2 and 3, which spend 1; 9 is a stranger
		{TxID: id(5), Weight: 400, FeeSat: 300, Depends: []chainhash.Hash{id(2), id(3)}},
		{TxID: id(2), Weight: 400, FeeSat: 100, Depends: []chainhash.Hash{id(1)}},
		{TxID: id(3), Weight: 800, FeeSat: 200, Depends: []chainhash.Hash{id(1)}},
		{TxID: id(1), Weight: 400, FeeSat: 5000},
		{TxID: id(9), Weight: 400, FeeSat: 9000},
	}
	for _, tc := range []struct {
		what  string
		txids []chainhash.Hash
		want  payout.Evicted
	}{
		{"nothing waits", []chainhash.Hash{id(7)}, payout.Evicted{}},
		{"no descendants", []chainhash.Hash{id(5)}, payout.Evicted{Count: 1}},
		{"a family, each once", []chainhash.Hash{id(1)}, payout.Evicted{Count: 4, Fees: 600, TopSatKVB: 3000}},
		{"one that does not wait, and one that does", []chainhash.Hash{id(7), id(2)}, payout.Evicted{Count: 2, Fees: 300, TopSatKVB: 3000}},
	} {
		if diff := cmp.Diff(tc.want, plan.EvictedBy(tc.txids, pool)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.what, diff)
		}
	}
}
