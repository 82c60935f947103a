package chain_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

func weight(tx *wire.MsgTx) int64 {
	return int64(3*tx.SerializeSizeStripped() + tx.SerializeSize())
}

func TestMempoolTellsWhatATransactionStandsOn(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)
	parent := p.spend(t, node, coinSize, 200)
	child := p.sign(t, wire.OutPoint{Hash: parent.TxHash()}, coinSize-200, 2000)
	wantVerdict(t, submit(t, c, parent), chain.Accepted)
	wantVerdict(t, submit(t, c, child), chain.Accepted)

	pool, err := c.Mempool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[chainhash.Hash]fee.Tx{}
	for _, tx := range pool {
		got[tx.TxID] = tx
	}
	want := map[chainhash.Hash]fee.Tx{
		parent.TxHash(): {TxID: parent.TxHash(), Weight: weight(parent), FeeSat: 200},
		child.TxHash():  {TxID: child.TxHash(), Weight: weight(child), FeeSat: 2000, Depends: []chainhash.Hash{parent.TxHash()}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	hash := node.Mine(1)[0]
	block, err := c.BlockTxs(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	wantTxs := []fee.BlockTx{{TxID: parent.TxHash(), Weight: weight(parent)}, {TxID: child.TxHash(), Weight: weight(child)}}
	if diff := cmp.Diff(wantTxs, block.Txs); diff != "" || block.Hash != hash {
		t.Errorf("block %s, (-want +got)\n%s", block.Hash, diff)
	}
	if before, err := c.HashAt(t.Context(), chaintest.Ready+1); err != nil || block.Previous != before {
		t.Errorf("stands on %s, %v, want %s", block.Previous, err, before)
	}
}

func TestFeesAreEstimatedFromARealNode(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	now := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	p := newPayee(t)
	tx := p.spend(t, node, coinSize, 5000)

	private, err := fee.New(fee.Config{Node: c, Clock: now, Private: true})
	if err != nil {
		t.Fatal(err)
	}
	public, err := fee.New(fee.Config{Node: c, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	var own, open fee.Estimate
	tick := func() {
		now.Advance(30 * time.Second)
		if own, err = private.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if open, err = public.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tick()
	wantVerdict(t, submit(t, c, tx), chain.Accepted)
	tick()
	old := node.Mine(2)
	tick()
	node.Invalidate(old[0])
	node.Mine(3)
	tick()

	// Blocks are nearly empty, so whoever pays the floor is in the next one.
	want := fee.Estimate{
		At: now.Now(), Height: chaintest.Ready + 4, FloorSatKVB: 1000, RelaySatKVB: 1000, Trusted: true,
		Targets: []fee.Target{{Blocks: 2, RateSatKVB: 1000}, {Blocks: 6, RateSatKVB: 1000}, {Blocks: 36, RateSatKVB: 1000}, {Blocks: 144, RateSatKVB: 1000}},
	}
	votes := own.Votes
	own.Votes = nil
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, v := range votes {
		if v.Used != (v.Name != fee.VoteEstimateFee) {
			t.Errorf("vote %+v", v)
		}
	}
	if open.Trusted || open.Why == "" {
		t.Errorf("without peers: %+v", open)
	}

	node.Stop()
	if _, err := private.Tick(t.Context()); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("without a node: %v", err)
	}
}
