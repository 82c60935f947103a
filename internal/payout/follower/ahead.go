package follower

import (
	"context"
	"fmt"
	"sync"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	// mostAhead is how many blocks are asked for before they are needed: enough to keep
	// a node busy whose answer takes as long as the work on a block.
	mostAhead = 8
	// aheadBytes bounds what they may hold, as far as the newest block tells.
	aheadBytes = 4 << 20
)

// fetched is a block on its way from the node.
type fetched struct {
	block *wire.MsgBlock
	hash  chainhash.Hash
	err   error
}

// ahead fetches blocks in the order of their heights, some before they are needed. It is
// for one goroutine.
type ahead struct {
	chain  Chain
	ctx    context.Context //nolint:containedctx // ends the fetches, which are stop's to wait for
	cancel context.CancelFunc
	all    sync.WaitGroup
	next   int32 // not asked for yet
	last   int32
	most   int
	coming []<-chan fetched
}

// fetchAhead begins to fetch the blocks from height next to last.
func (f *Follower) fetchAhead(ctx context.Context, next, last int32) *ahead {
	a := &ahead{chain: f.cfg.Chain, next: next, last: last, most: 1}
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.fill()
	return a
}

// take returns the next block. It must not be called more often than there are blocks.
func (a *ahead) take() fetched {
	got := <-a.coming[0]
	a.coming = a.coming[1:]
	if got.err == nil {
		// It doubles with each block, so that a node with large ones is never asked for
		// many of them.
		a.most = max(1, min(2*a.most, mostAhead, aheadBytes/max(1, got.block.SerializeSize())))
		a.fill()
	}
	return got
}

func (a *ahead) fill() {
	for ; len(a.coming) < a.most && a.next <= a.last; a.next++ {
		a.coming = append(a.coming, a.fetch(a.next))
	}
}

func (a *ahead) fetch(height int32) <-chan fetched {
	out := make(chan fetched, 1) // nobody may be there to take it
	a.all.Go(func() {
		var got fetched
		if got.hash, got.err = a.chain.HashAt(a.ctx, height); got.err == nil {
			got.block, got.err = a.chain.Block(a.ctx, got.hash)
		}
		if got.err == nil && got.block.BlockHash() != got.hash {
			got.err = fmt.Errorf("the node sent block %s for %s", got.block.BlockHash(), got.hash)
		}
		out <- got
	})
	return out
}

// stop ends what is still under way and waits for it.
func (a *ahead) stop() {
	a.cancel()
	a.all.Wait()
}
