package follower

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// slowChain has blocks of one size, each with its height as the nonce.
type slowChain struct {
	size  int
	bad   int32 // has no block at this height
	asked chan int32
	open  chan struct{} // nobody is answered before it is closed

	mu      sync.Mutex
	heights map[chainhash.Hash]int32
}

var errNoBlock = errors.New("no block")

func (c *slowChain) Tip(context.Context) (int32, chainhash.Hash, error) {
	return 0, chainhash.Hash{}, errNoBlock
}

func (c *slowChain) block(height int32) *wire.MsgBlock {
	b := wire.NewMsgBlock(&wire.BlockHeader{Nonce: uint32(height)})
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(1, make([]byte, c.size)))
	b.Transactions = append(b.Transactions, tx)
	return b
}

func (c *slowChain) HashAt(ctx context.Context, height int32) (chainhash.Hash, error) {
	c.asked <- height
	select {
	case <-c.open:
	case <-ctx.Done():
		return chainhash.Hash{}, ctx.Err()
	}
	if height == c.bad {
		return chainhash.Hash{}, errNoBlock
	}
	hash := c.block(height).BlockHash()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heights[hash] = height
	return hash, nil
}

func (c *slowChain) Block(_ context.Context, hash chainhash.Hash) (*wire.MsgBlock, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.block(c.heights[hash]), nil
}

// newSlowChain answers once it is open, which it is from the start when open is set.
func newSlowChain(size int, bad int32, open bool) *slowChain {
	c := &slowChain{size: size, bad: bad, asked: make(chan int32, 200), open: make(chan struct{}), heights: map[chainhash.Hash]int32{}}
	if open {
		close(c.open)
	}
	return c
}

// TestBlocksAheadAreBounded counts how many blocks are under way at once: as many as
// mostAhead of small ones, and no more large ones than fit.
func TestBlocksAheadAreBounded(t *testing.T) {
	t.Parallel()
	for size, most := range map[int]int{1: mostAhead, aheadBytes/3 - 1000: 3, aheadBytes: 1, 2 * aheadBytes: 1} {
		const blocks = 30
		c := newSlowChain(size, -1, true)
		a := (&Follower{cfg: Config{Chain: c}}).fetchAhead(t.Context(), 1, blocks)
		for height := int32(1); height <= blocks; height++ {
			if n := len(a.coming); n > most || height > 5 && height < blocks-mostAhead && n != most {
				t.Fatalf("%d blocks of %d bytes are under way before height %d, want %d", n, size, height, most)
			}
			got := a.take()
			if got.err != nil || got.block.Header.Nonce != uint32(height) {
				t.Fatalf("height %d: got block %v, %v", height, got.block, got.err)
			}
		}
		a.stop()
		if n := len(c.asked); n != blocks {
			t.Errorf("asked for %d blocks, want %d", n, blocks)
		}
	}
}

// TestAnErrorComesWhereItsBlockWould asks a node that lacks one block of those that are
// under way, whichever arrives first.
func TestAnErrorComesWhereItsBlockWould(t *testing.T) {
	t.Parallel()
	const bad = 6
	a := (&Follower{cfg: Config{Chain: newSlowChain(1, bad, true)}}).fetchAhead(t.Context(), 1, 100)
	defer a.stop()
	for height := 1; height < bad; height++ {
		if got := a.take(); got.err != nil {
			t.Fatal(got.err)
		}
	}
	if got := a.take(); !errors.Is(got.err, errNoBlock) {
		t.Errorf("got %v, want that height %d has no block", got.err, bad)
	}
}

// TestStopEndsWhatIsUnderWay has a node that never answers.
func TestStopEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	c := newSlowChain(1, -1, false)
	a := (&Follower{cfg: Config{Chain: c}}).fetchAhead(t.Context(), 1, 100)
	<-c.asked
	a.stop()
	if got := a.take(); !errors.Is(got.err, context.Canceled) {
		t.Errorf("got %v, want canceled", got.err)
	}
}
