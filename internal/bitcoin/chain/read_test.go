package chain_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

func TestReorgIsReadable(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	tx := newPayee(t).spend(t, node, coinSize, 1000)
	wantVerdict(t, submit(t, c, tx), chain.Accepted)
	old := node.Mine(2)

	node.Invalidate(old[0])
	height, _, err := c.Tip(t.Context())
	if err != nil || height != chaintest.Ready+1 {
		t.Errorf("tip at %d, %v, want %d", height, err, chaintest.Ready+1)
	}
	if !holds(t, node, tx) {
		t.Error("the transaction did not go back to the mempool")
	}
	fresh := node.Mine(3)
	now, err := c.HashAt(t.Context(), chaintest.Ready+2)
	if err != nil || now != fresh[0] {
		t.Errorf("hash %s, %v, want the new branch's %s", now, err, fresh[0])
	}

	// The follower walks back over blocks that have left the chain.
	header, height, err := c.Header(t.Context(), old[1])
	if err != nil || header.PrevBlock != old[0] || height != -1 {
		t.Errorf("old header at %d on %s, %v", height, header.PrevBlock, err)
	}
	if _, err := c.Block(t.Context(), old[0]); err != nil {
		t.Errorf("old block: %v", err)
	}
}

func TestReconsideredLongerBranchWins(t *testing.T) {
	t.Parallel()
	node := chaintest.NewEmpty(t)
	c := node.Client()
	long := node.Mine(3)
	node.Invalidate(long[0])
	node.Mine(1)

	node.Reconsider(long[0])

	_, tip, err := c.Tip(t.Context())
	if err != nil || tip != long[2] {
		t.Errorf("tip %s, %v, want %s", tip, err, long[2])
	}
}

func TestBlocksOfEverySizeHashToTheirRoot(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	p := newPayee(t)

	for sent := range 6 { // odd and even levels of the tree
		for range sent {
			node.Send(p.script, coinSize)
		}
		block, err := c.Block(t.Context(), node.Mine(1)[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := len(block.Transactions); got != sent+1 {
			t.Errorf("%d transactions, want %d", got, sent+1)
		}
	}
}

func TestUnknownBlocksAreNotFound(t *testing.T) {
	t.Parallel()
	c := chaintest.NewEmpty(t).Client()
	nobody := chainhash.Hash{1}

	_, heightErr := c.HashAt(t.Context(), 1)
	_, _, headerErr := c.Header(t.Context(), nobody)
	_, blockErr := c.Block(t.Context(), nobody)

	for name, err := range map[string]error{"HashAt": heightErr, "Header": headerErr, "Block": blockErr} {
		if errs.KindOf(err) != errs.NotFound || !errs.Is(err, "no_block") {
			t.Errorf("%s: got %v, want no_block", name, err)
		}
	}
}

func TestCoinIsSeenFromBothSides(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()
	tx := newPayee(t).spend(t, node, coinSize, 1000)
	op := tx.TxIn[0].PreviousOutPoint

	_, spent, err := c.Spender(t.Context(), op)
	if err != nil || spent {
		t.Errorf("before: spent %v, %v", spent, err)
	}
	wantVerdict(t, submit(t, c, tx), chain.Accepted)
	spender, spent, err := c.Spender(t.Context(), op)
	if err != nil || !spent || spender != tx.TxHash() {
		t.Errorf("in the mempool: %s, %v, %v, want %s", spender, spent, err, tx.TxHash())
	}
	wantUnspent(t, c, op, true)
	pool, err := c.Mempool(t.Context())
	want := []fee.Tx{{TxID: tx.TxHash(), Weight: weight(tx), FeeSat: 1000}}
	if diff := cmp.Diff(want, pool); diff != "" || err != nil {
		t.Errorf("mempool: %v, (-want +got)\n%s", err, diff)
	}
	node.Mine(1)
	wantUnspent(t, c, op, false)
	wantUnspent(t, c, wire.OutPoint{Hash: tx.TxHash()}, true)
}

func wantUnspent(t *testing.T, c *chain.Client, op wire.OutPoint, want bool) {
	t.Helper()
	got, err := c.Unspent(t.Context(), op)
	if err != nil || got != want {
		t.Errorf("unspent %v, %v, want %v", got, err, want)
	}
}

func TestNoFeeEstimateIsNotZero(t *testing.T) {
	t.Parallel()
	c := chaintest.NewEmpty(t).Client()

	for _, blocks := range []int{1, 6, 25, 26} {
		if rate, ok, err := c.EstimateFee(t.Context(), blocks); ok || err != nil {
			t.Errorf("within %d blocks: %d, %v, %v, want none", blocks, rate, ok, err)
		}
	}
}

func TestPeerFollowsAndHearsOfTransactions(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	peer := node.Peer()
	tx := newPayee(t).spend(t, node, coinSize, 1000)
	peer.WaitTip(node)

	wantVerdict(t, submit(t, node.Client(), tx), chain.Accepted)
	peer.WaitMempool(tx.TxHash())

	filters, err := peer.Client().PeerFeeFilters(t.Context())
	if err != nil || len(filters) != 1 {
		t.Errorf("fee filters %v, %v, want one outbound peer's", filters, err)
	}
}

func TestKilledNodeComesBack(t *testing.T) {
	t.Parallel()
	node := chaintest.New(t)
	c := node.Client()

	node.Kill9()
	node.Start()

	// The last blocks may be lost, which is why nothing counts as dead that the
	// node does not have.
	if height, _, err := c.Tip(t.Context()); err != nil || height > chaintest.Ready {
		t.Errorf("tip at %d, %v", height, err)
	}
	node.Mine(1)
}

func TestWakeOutlivesARestartOfTheNode(t *testing.T) {
	t.Parallel()
	node := chaintest.NewEmpty(t)
	c := node.Client()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Watch(ctx, slog.New(slog.DiscardHandler)) }()

	wantWake(t, c) // the subscription stands
	node.Mine(1)
	wantWake(t, c)
	node.Restart()
	wantWake(t, c) // it stands again, and blocks may have come before
	node.Mine(1)
	wantWake(t, c)

	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch ended with %v, want canceled", err)
	}
}

func wantWake(t *testing.T, c *chain.Client) {
	t.Helper()
	select {
	case <-c.Wake():
	case <-time.After(20 * time.Second):
		t.Fatal("no wake-up")
	}
}
