package payout_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// tallying notes how blocks are stored: how many at a time, and 1 for each by itself.
type tallying struct {
	workerStore
	stored  []int
	refused int // that some wait for
}

func (c *tallying) Connect(ctx context.Context, epoch int64, b payout.Block, fn func(*payout.ChainWork) error) error {
	c.stored = append(c.stored, 1)
	return c.workerStore.Connect(ctx, epoch, b, fn)
}

func (c *tallying) ConnectQuiet(ctx context.Context, epoch int64, blocks []payout.Block) (bool, error) {
	all, err := c.workerStore.ConnectQuiet(ctx, epoch, blocks)
	if all {
		c.stored = append(c.stored, len(blocks))
	} else {
		c.refused++
	}
	return all, err
}

// TestQuietBlocksAreStoredTogether walks hundreds of blocks at once: those that do not
// touch the treasury in few transactions, all others by themselves, and each by itself
// while a payment waits for its depth, which it then reaches as it would have.
func TestQuietBlocksAreStoredTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.chain.Watch(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		stop()
		<-ended //nolint:errcheck // it ends because it was told to
	})
	<-r.chain.Wake() // from here on blocks come over one connection
	store := &tallying{workerStore: r.store}
	follower, _ := r.worker(store, r.epoch)
	sync := func(what string, want []int, refused int) {
		t.Helper()
		store.stored, store.refused = nil, 0
		if _, err := follower.Sync(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !slices.Equal(store.stored, want) || store.refused != refused {
			t.Errorf("%s: stored %v and %d refused, want %v and %d", what, store.stored, store.refused, want, refused)
		}
	}

	r.node.Mine(420)
	sync("quiet blocks", []int{200, 200, 20}, 0)
	r.node.Mine(30)
	r.deposit(coin)
	r.node.Mine(31)
	sync("a deposit in between", []int{30, 1, 30}, 0)
	r.wantRescan("stored together")

	b := r.broadcast(1)
	r.node.Mine(finalDepth + 1)
	sync("a payment that waits", slices.Repeat([]int{1}, finalDepth+1), 1)
	r.wantState(b.ID, payout.Final)
	r.node.Mine(50)
	sync("after a payment", []int{50}, 0)
	r.wantRescan("after a payment")
}
