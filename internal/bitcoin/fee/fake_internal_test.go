package fee

import (
	"context"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
)

// fake is a node with a chain of blocks, a mempool, and faults at will.
type fake struct {
	clock  *clock.Fake
	chain  []Block // the first is the one without a predecessor
	forks  int
	pool   []Tx
	status Status
	guess  int64
	serial int

	statusErr, poolErr, blockErr, guessErr error

	between func() // runs once, after the mempool was listed
	read    int    // blocks that were asked for
}

func newFake() *fake {
	return &fake{
		clock: clock.NewFake(noon()), chain: []Block{{Hash: chainhash.Hash{0: 9}}},
		status: Status{Peers: 8, RelayFeeSatKVB: 1000},
	}
}

func (f *fake) FeeStatus(context.Context) (Status, error) {
	if f.between != nil {
		f.between()
		f.between = nil
	}
	s := f.status
	s.Height, s.Hash = int32(len(f.chain)-1), f.chain[len(f.chain)-1].Hash
	if s.TipTime.IsZero() {
		s.TipTime = f.clock.Now()
	}
	return s, f.statusErr
}

func (f *fake) Mempool(context.Context) ([]Tx, error) { return f.pool, f.poolErr }

func (f *fake) BlockTxs(_ context.Context, hash chainhash.Hash) (Block, error) {
	f.read++
	for _, b := range f.chain {
		if b.Hash == hash && f.blockErr == nil {
			return b, nil
		}
	}
	return Block{}, f.blockErr
}

func (f *fake) EstimateFee(context.Context, int) (int64, bool, error) {
	return f.guess, f.guess > 0, f.guessErr
}

// fill puts transactions of one rate and 100,000 weight units into the mempool.
func (f *fake) fill(n int, rate int64) {
	for range n {
		f.serial++
		f.pool = append(f.pool, Tx{TxID: id(f.serial), Weight: 100_000, FeeSat: rate * 25})
	}
}

// mine makes a block of txs and takes them out of the mempool.
func (f *fake) mine(txs ...Tx) {
	taken := map[chainhash.Hash]bool{}
	b := Block{Hash: id(1_000_000*(f.forks+1) + len(f.chain)), Previous: f.chain[len(f.chain)-1].Hash, Time: f.clock.Now()}
	for _, tx := range txs {
		b.Txs = append(b.Txs, BlockTx{TxID: tx.TxID, Weight: tx.Weight})
		taken[tx.TxID] = true
	}
	f.chain = append(f.chain, b)
	var left []Tx
	for _, tx := range f.pool {
		if !taken[tx.TxID] {
			left = append(left, tx)
		}
	}
	f.pool = left
}

// mineOldest fills a block with what has waited longest.
func (f *fake) mineOldest() { f.mine(f.pool[:min(39, len(f.pool))]...) }

// strange is a full block of transactions that the mempool never had.
func (f *fake) strange() {
	pool := f.pool
	f.pool = nil
	f.fill(39, 5000)
	f.mineOldest()
	f.pool = pool
}

// errDown is what the node says when it is down.
func errDown() error { return errs.New(errs.Unavailable, "node_down", "The node is down.") }

func newEstimator(t testing.TB, f *fake, change func(*Config)) *Estimator {
	t.Helper()
	cfg := Config{Node: f, Clock: f.clock}
	if change != nil {
		change(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// tick lets half a minute pass and estimates.
func tick(t testing.TB, f *fake, e *Estimator) Estimate {
	t.Helper()
	f.clock.Advance(30 * time.Second)
	est, err := e.Tick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return est
}

// busy runs a network for a number of blocks, ten minutes each: more comes in at
// 30 sat/vB than blocks take, and btcd's estimate moves.
func busy(t testing.TB, f *fake, e *Estimator, blocks int) Estimate {
	t.Helper()
	var est Estimate
	for range blocks {
		f.guess = 29_000 + (f.guess+1)%1000
		for part := range 20 {
			if part%2 == 0 {
				f.fill(5, 30_000)
				f.pool = append(f.pool[len(f.pool)-5:], f.pool[:len(f.pool)-5]...)
			}
			tick(t, f, e)
		}
		f.mineOldest()
		est = tick(t, f, e)
	}
	return est
}
