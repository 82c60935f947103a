package fee

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
)

const (
	// DefaultMinPeers is how many peers a node of a public network needs.
	DefaultMinPeers = 4
	// filterPeers is how many peers must have named a floor for it to count.
	filterPeers = 6
	// minVotes is how many votes an estimate needs to be trusted.
	minVotes = 2
	// mostOver is how many times as much as the highest of the other votes the
	// mempool's may say.
	mostOver = 2
	// staleAfter is how old a snapshot may be that is used because the newest
	// could not be had.
	staleAfter = 90 * time.Second
	// watchFor is how long the inflow is watched before it is believed.
	watchFor = 10 * time.Minute
	// frozenBlocks is for how many blocks btcd's estimate may stay the same.
	frozenBlocks = 6
	// lostWeight is from where on a shrinking mempool may mean that the node lost
	// it; half of it must be gone too.
	lostWeight = 1_000_000
)

// Config says what an Estimator watches.
type Config struct {
	Node  Node
	Clock clock.Clock
	// Private is a chain of one's own, simnet or regtest: peers and a time of
	// watching are not asked for.
	Private bool
	// MinPeers is how many peers the node must have; 0 means DefaultMinPeers.
	MinPeers int
	// MaxTipAge is how old the newest block may be; 0 means any age, as test
	// networks stand still for days.
	MaxTipAge time.Duration
}

// Estimator remembers what one node showed. It belongs to one goroutine.
type Estimator struct {
	cfg     Config
	targets []int

	pool   snapshot
	taken  time.Time // when pool was read; zero before
	lost   bool      // the node has lost its mempool: only blocks watched since vouch for it
	inflow *inflow
	blocks history
	guess  guess
}

// Targets are the numbers of blocks that an estimate has rates for, the soonest first.
func Targets() []int { return []int{nextBlock, gateBlocks, 36, keptBlocks} }

// New returns an Estimator that knows nothing yet; its first estimates are not
// trusted on a public network until it has watched for a while.
func New(cfg Config) (*Estimator, error) {
	if cfg.Node == nil || cfg.Clock == nil {
		return nil, errors.New("fee: no node or no clock")
	}
	if cfg.MinPeers == 0 {
		cfg.MinPeers = DefaultMinPeers
	}
	return &Estimator{cfg: cfg, targets: Targets(), inflow: newInflow()}, nil
}

// Tick looks at the node and estimates. Call it every 30 seconds and after each
// block, not much more often: listing the mempool holds up the node. The error is
// the node's when it does not even say where it stands, and the context's;
// anything else that fails only takes a vote away.
func (e *Estimator) Tick(ctx context.Context) (Estimate, error) {
	now := e.cfg.Clock.Now()
	// The mempool first: a block that comes in between is then read below, and
	// what it took does not look lost.
	txs, poolErr := e.cfg.Node.Mempool(ctx)
	status, err := e.cfg.Node.FeeStatus(ctx)
	if err != nil {
		return Estimate{}, fmt.Errorf("estimate fees: %w", err)
	}
	after := e.pool
	if poolErr == nil {
		after = rank(txs)
		after.remember(e.pool)
	}
	blocksErr := e.readBlocks(ctx, status, after, now)
	// Without the block the new snapshot would look like a lost mempool.
	if poolErr == nil && blocksErr == nil {
		e.keep(after, now)
	}
	rates, guessErr := e.ask(ctx)
	if err := ctx.Err(); err != nil {
		return Estimate{}, fmt.Errorf("estimate fees: %w", err)
	}
	if guessErr == nil {
		e.guess.see(rates, status.Height, now)
	}

	votes := []Vote{
		e.mempoolVote(now, floor(status), poolErr),
		e.blocksVote(now, blocksErr),
		e.guess.vote(now, status.Height, guessErr),
	}
	return e.decide(now, status, votes), nil
}

// keep makes a snapshot the one to compare the next with.
func (e *Estimator) keep(after snapshot, now time.Time) {
	came, left, of := e.inflow.change(e.pool, after)
	switch {
	case e.taken.IsZero() || now.Sub(e.taken) > watchFor:
		e.inflow.restart(now)
	case left > lostWeight && 2*left > of:
		// btcd restarted with an empty mempool: what it shows is not the market.
		e.inflow.restart(now)
		e.lost = true
		for i := range e.blocks.blocks {
			e.blocks.blocks[i].watched = false
		}
	default:
		e.inflow.add(now, came)
	}
	e.pool, e.taken = after, now
}

// readBlocks takes in what was mined since the last time; at the beginning, and
// after a long absence, it reads the last blocks without having watched them.
func (e *Estimator) readBlocks(ctx context.Context, status Status, after snapshot, now time.Time) error {
	var blocks []Block // newest first
	hash, height := status.Hash, status.Height
	for e.blocks.place(hash) < 0 && height > 0 && len(blocks) < gateBlocks {
		block, err := e.cfg.Node.BlockTxs(ctx, hash)
		if err != nil {
			return err
		}
		blocks = append(blocks, block)
		hash = block.Previous
		height--
	}
	e.blocks.cut(hash)
	watched := !e.taken.IsZero() && now.Sub(e.taken) <= watchFor
	for _, block := range slices.Backward(blocks) {
		m, seen := summarise(block, after, e.pool, watched, now)
		e.blocks.add(m)
		if watched {
			e.inflow.add(now, e.inflow.spread(m.unseen, seen))
		}
		after.without(block.Txs)
		e.pool.without(block.Txs)
	}
	return nil
}
