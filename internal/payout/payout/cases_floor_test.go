package payout_test

import (
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

// TestABatchAtATenthOfASatoshi has a node that relays from 0.1 sat/vB on take a batch at
// exactly that, what replaces it at 0.2, and its void: each pays no more for its own
// relay than the node asks, and nothing below the node's floor can be composed.
func TestABatchAtATenthOfASatoshi(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t, "--minrelaytxfee=0.000001")
	key := singleKey(t, wallet.KindWPKH)
	r := newRigOn(t, node, key, []*signer.Key{key}, coin, coin)
	status, err := r.chain.FeeStatus(t.Context())
	if err != nil || status.RelayFeeSatKVB != 100 {
		t.Fatalf("the node relays from %d sat/kvB on, %v", status.RelayFeeSatKVB, err)
	}
	r.estimate(fee.Estimate{At: r.clock.Now(), FloorSatKVB: status.RelayFeeSatKVB, RelaySatKVB: status.RelayFeeSatKVB})

	below := order(r.owe(1, owed))
	below.FeeRateSatKVB = 99
	if _, err := r.service.Compose(t.Context(), r.treasurer, below); codeOf(err) != "invalid_fields" || !strings.Contains(err.Error(), "from 0.1 sat/vB, from which on the node relays") {
		t.Errorf("below the floor: %v", err)
	}

	rec := r.paysAt(2, 100)
	first := rec.Attempts[0]
	if want := money.FeeAt(txbuild.VSize(first.Weight), 100); first.Fee != want || rec.Batch.LastError != "" {
		t.Errorf("pays %d sat, want %d; last error %q", first.Fee, want, rec.Batch.LastError)
	}
	r.node.WaitMempool(first.TxID)
	rec = r.record(rec.Batch.ID)
	if rec.Raise.CurrentSatKVB/10 != 10 || rec.Raise.LeastSatKVB/10 != 20 {
		t.Errorf("%+v, want from about 100 to 200 sat/kvB", rec.Raise)
	}
	r.askBump(rec.Batch.ID, rec.Raise.LeastSatKVB)
	r.step()
	rec = r.record(rec.Batch.ID)
	if len(rec.Attempts) != 2 || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.node.WaitMempool(rec.Attempts[1].TxID)

	r.void(rec.Batch.ID)
	r.step()
	rec = r.wantState(rec.Batch.ID, payout.Voiding)
	if len(rec.Attempts) != 3 || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	if void, before := rec.Attempts[2], rec.Attempts[1]; void.Fee > 2*before.Fee {
		t.Errorf("the void pays %d sat to replace %d", void.Fee, before.Fee)
	}
	r.node.WaitMempool(rec.Attempts[2].TxID)
	r.mine(finalDepth)
	r.wantState(rec.Batch.ID, payout.Voided)
}

// TestNothingIsBuiltWithoutTheNodesFloor has no word of the worker about its node: no
// constant stands in for it.
func TestNothingIsBuiltWithoutTheNodesFloor(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	out := r.broadcast(1)
	ids := r.owe(1, owed)
	r.exec("DELETE FROM fee_estimate")

	if _, err := r.service.Compose(t.Context(), r.treasurer, order(ids)); codeOf(err) != "no_relay_feerate" {
		t.Errorf("compose: %v", err)
	}
	if _, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Split, Outputs: 2, FeeRateSatKVB: 1_000}); codeOf(err) != "no_relay_feerate" {
		t.Errorf("upkeep: %v", err)
	}
	rec := r.record(out.ID)
	if rec.Raise == nil || codeOf(rec.Raise.Refused) != "no_relay_feerate" {
		t.Errorf("raise: %+v", rec.Raise)
	}
	if _, err := r.service.AskVoid(t.Context(), r.treasurer, out.ID, rec.Batch.Version, payout.VoidOrder{Reason: "a test"}); codeOf(err) != "no_relay_feerate" {
		t.Errorf("void: %v", err)
	}
}
