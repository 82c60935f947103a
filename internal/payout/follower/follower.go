package follower

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Store is what the follower needs of the database.
type Store interface {
	// Fund returns the fund. NotFound "no_fund" before one is set up.
	Fund(ctx context.Context) (fund.Fund, error)

	// Holdings returns what the treasury has.
	Holdings(ctx context.Context) (payout.Holdings, error)

	// Connect walks one block on; Disconnect walks one back. Both call fn under
	// the lease with what the block touches and write what it added.
	Connect(ctx context.Context, epoch int64, b payout.Block, fn func(*payout.ChainWork) error) error
	Disconnect(ctx context.Context, epoch int64, tip payout.Tip, fn func(*payout.ChainWork) error) error

	// ConnectQuiet walks blocks on that do not touch the treasury, all in one transaction.
	// all is false, and nothing is changed, when one of them is deep enough for a batch to go
	// on: then each is for Connect.
	ConnectQuiet(ctx context.Context, epoch int64, blocks []payout.Block) (all bool, err error)

	// Head returns the synced tip; ok is false before the first header.
	Head(ctx context.Context) (tip payout.Tip, ok bool, err error)

	// HeaderHash returns the hash of the walked block at height; ok is false when
	// none is stored.
	HeaderHash(ctx context.Context, height int32) (hash chainhash.Hash, ok bool, err error)
}

// Chain is a source of headers and whole blocks.
type Chain interface {
	Tip(ctx context.Context) (height int32, hash chainhash.Hash, err error)
	HashAt(ctx context.Context, height int32) (chainhash.Hash, error)
	Block(ctx context.Context, hash chainhash.Hash) (*wire.MsgBlock, error)
}

// Recovery knows what the signers' journals name and a restored database lacks. A
// recovery.Recovery is one; a nil pointer to one is not a nil Recovery.
type Recovery interface {
	// Top is the highest batch number, and so change index, that a journal names.
	Top() uint32

	// Before is called with the treasury's transactions of each block before the block is
	// connected. It rebuilds what it can, and marks those that only a journal knows. No
	// block is connected after an error.
	Before(ctx context.Context, txs []payout.OwnTx) error
}

// Config is what a Follower needs.
type Config struct {
	Store    Store
	Chain    Chain
	Clock    clock.Clock
	Log      *slog.Logger
	Epoch    int64
	Recovery Recovery                 // may be nil: the database was never restored
	Progress func(done, target int32) // may be nil
}

// Follower walks the best chain block by block and keeps coins, ledger and
// batches equal to it.
type Follower struct {
	cfg   Config
	by    identity.Actor
	fund  fund.Fund
	index *wallet.Index
	coins map[wire.OutPoint]btcutil.Amount // own and unspent at the synced tip; nil: to be read again
}

// gapLimit is how many scripts past the last used one are watched for deposits
// and change.
const gapLimit = 100

// New checks cfg and returns a Follower.
func New(cfg Config) (*Follower, error) {
	if cfg.Store == nil || cfg.Chain == nil || cfg.Clock == nil || cfg.Log == nil || cfg.Epoch <= 0 {
		return nil, errors.New("payout: follower needs store, chain, clock, log and a lease")
	}
	return &Follower{cfg: cfg, by: identity.System("worker")}, nil
}

// Sync walks to the node's tip, undoing blocks that left the best chain. changed
// is true when the synced tip moved.
func (f *Follower) Sync(ctx context.Context) (changed bool, err error) {
	defer func() {
		if err != nil {
			f.coins = nil // what is in memory may be ahead of what was committed
		}
	}()
	if err := f.load(ctx); err != nil {
		return false, err
	}
	for {
		head, ok, err := f.cfg.Store.Head(ctx)
		if err != nil {
			return changed, err
		}
		target, _, err := f.cfg.Chain.Tip(ctx)
		if err != nil {
			return changed, err
		}
		next := max(f.fund.BirthdayHeight-1, 0)
		if ok {
			if err := f.checkBehind(ctx, head, target); err != nil {
				return changed, err
			}
			onBest, err := f.onBestChain(ctx, head, target)
			if err != nil {
				return changed, err
			}
			if !onBest {
				if err := f.undo(ctx, head); err != nil {
					return changed, err
				}
				changed = true
				continue
			}
			if head.Height >= target {
				return changed, nil
			}
			next = head.Height + 1
		} else if target < next {
			return changed, nil
		}
		connected, err := f.run(ctx, next, target, head, ok)
		changed = changed || connected
		if err != nil {
			return changed, err
		}
	}
}

// run connects blocks from height next to target as long as each follows on the one
// before; further ones are fetched meanwhile. connected is true when the synced tip
// moved. Blocks that do not touch the treasury are stored many at a time: of what they
// are for, which is to count depths and to notice a reorg, nothing is lost when the last
// of them are walked again.
func (f *Follower) run(
	ctx context.Context,
	next, target int32,
	head payout.Tip,
	hasHead bool,
) (connected bool, err error) {
	ahead := f.fetchAhead(ctx, next, target)
	defer ahead.stop()
	var quiet []payout.Block
	store := func() error {
		if len(quiet) == 0 {
			return nil
		}
		last := quiet[len(quiet)-1].Tip.Height
		if err := f.connectQuiet(ctx, quiet); err != nil {
			return err
		}
		quiet, connected = nil, true
		f.progress(last, target)
		return nil
	}
	for ; next <= target; next++ {
		got := ahead.take()
		if got.err != nil {
			return connected, errors.Join(store(), got.err)
		}
		if hasHead && got.block.Header.PrevBlock != head.Hash {
			return connected, store() // the chain moved between two questions; ask again
		}
		b := f.blockOf(got, next, hasHead)
		crash.At("C15")
		head, hasHead = b.Tip, true
		if b.Quiet() {
			quiet = append(quiet, b)
		}
		if !b.Quiet() || len(quiet) == manyQuiet || next == target {
			if err := store(); err != nil {
				return connected, err
			}
		}
		if b.Quiet() {
			continue
		}
		if err := f.connect(ctx, b); err != nil {
			return connected, err
		}
		connected = true
		f.progress(next, target)
	}
	return connected, nil
}

func (f *Follower) progress(done, target int32) {
	if f.cfg.Progress != nil {
		f.cfg.Progress(done, target)
	}
}

// load reads fund, scripts and coins when they are not in memory.
func (f *Follower) load(ctx context.Context) error {
	if f.coins != nil {
		return nil
	}
	theFund, err := f.cfg.Store.Fund(ctx)
	if err != nil {
		return err
	}
	descriptor, err := payout.TreasuryOf(theFund)
	if err != nil {
		return err
	}
	holdings, err := f.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	f.fund = theFund
	if f.index == nil { // deriving scripts takes longer than all the rest
		f.index = wallet.NewIndex(descriptor, gapLimit)
	}
	if holdings.NextIndex > 0 {
		f.index.Use(wallet.ChainDeposit, holdings.NextIndex-1)
	}
	// The change of batch n goes to index n. After a restore the journals name batches that the
	// database does not know: their change is ours, and not to be taken for somebody else's coin.
	f.index.Use(wallet.ChainChange, holdings.LastNumber)
	if f.cfg.Recovery != nil {
		f.index.Use(wallet.ChainChange, f.cfg.Recovery.Top())
	}
	f.coins = map[wire.OutPoint]btcutil.Amount{}
	for _, c := range holdings.Coins {
		f.coins[c.OutPoint] = c.Amount
	}
	return nil
}

// checkBehind tells a node that has lost blocks, as btcd does when it is killed,
// from one that has left our chain: nothing is undone for the former, and nothing
// is built or signed until it has caught up.
func (f *Follower) checkBehind(ctx context.Context, head payout.Tip, target int32) error {
	if target >= head.Height {
		return nil
	}
	ours, ok, err := f.cfg.Store.HeaderHash(ctx, target)
	if err != nil {
		return err
	}
	theirs, err := f.cfg.Chain.HashAt(ctx, target)
	if err != nil {
		return err
	}
	if ok && ours != theirs {
		return nil // it has left our chain: blocks are taken back, one by one
	}
	return errs.Newf(
		errs.Unavailable,
		errs.CodeNodeBehind,
		"The node is at block %d and had block %d before: wait until it has caught up.",
		target,
		head.Height,
	)
}

func (f *Follower) onBestChain(ctx context.Context, head payout.Tip, target int32) (bool, error) {
	if head.Height > target {
		return false, nil
	}
	hash, err := f.cfg.Chain.HashAt(ctx, head.Height)
	if err != nil {
		return false, err
	}
	return hash == head.Hash, nil
}

func (f *Follower) blockOf(got fetched, height int32, hasHead bool) payout.Block {
	header := got.block.Header
	b := payout.Block{
		Header: header,
		Tip:    payout.Tip{Height: height, Hash: got.hash, At: header.Timestamp.UTC()},
		Base:   !hasHead,
	}
	if hasHead {
		b.Txs = f.scan(got.block, height)
	}
	return b
}

func (f *Follower) connect(ctx context.Context, b payout.Block) error {
	if f.cfg.Recovery != nil {
		if err := f.cfg.Recovery.Before(ctx, b.Txs); err != nil {
			return err
		}
	}
	return f.cfg.Store.Connect(ctx, f.cfg.Epoch, b, func(w *payout.ChainWork) error { return f.digest(w, b) })
}

// manyQuiet is how many blocks that do not touch the treasury are stored at once: enough
// that a commit of each does not count, and a second's work.
const manyQuiet = 200

// connectQuiet stores blocks that do not touch the treasury, each by itself when a batch
// goes on at one of them.
func (f *Follower) connectQuiet(ctx context.Context, blocks []payout.Block) error {
	if len(blocks) > 1 {
		if all, err := f.cfg.Store.ConnectQuiet(ctx, f.cfg.Epoch, blocks); all || err != nil {
			return err
		}
	}
	for _, b := range blocks {
		if err := f.connect(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// scan finds what pays or spends the treasury and keeps the coins in memory.
func (f *Follower) scan(block *wire.MsgBlock, height int32) []payout.OwnTx {
	var own []payout.OwnTx
	for i, tx := range block.Transactions {
		found := payout.OwnTx{Tx: tx, Position: i}
		for _, in := range tx.TxIn {
			if amount, ok := f.coins[in.PreviousOutPoint]; ok {
				found.Spends = append(found.Spends, in.PreviousOutPoint)
				found.SpentSat += amount
				delete(f.coins, in.PreviousOutPoint)
			}
		}
		for vout, out := range tx.TxOut {
			chain, index, ok := f.index.Find(out.PkScript)
			if !ok || out.Value <= 0 {
				continue
			}
			f.index.Use(chain, index)
			c := payout.Coin{CoinBase: i == 0 && blockchain.IsCoinBaseTx(tx)}
			c.OutPoint = wire.OutPoint{
				Hash:  tx.TxHash(),
				Index: uint32(vout),
			} // of our own alone: hashing every transaction takes longer than all the rest
			c.At = block.Header.Timestamp.UTC()
			c.Amount, c.Script, c.Chain, c.Index, c.Height, c.PrevTx = btcutil.Amount(
				out.Value,
			), out.PkScript, chain, index, height, tx
			found.Coins = append(found.Coins, c)
			found.PaidBackSat += c.Amount
			f.coins[c.OutPoint] = c.Amount
		}
		if len(found.Spends) > 0 || len(found.Coins) > 0 {
			found.Branch = spv.Branch(block, i)
			own = append(own, found)
		}
	}
	return own
}

func (f *Follower) undo(ctx context.Context, head payout.Tip) error {
	f.cfg.Log.WarnContext(
		ctx,
		"block disconnected from the best chain",
		slog.Int("height", int(head.Height)),
		slog.String("hash", head.Hash.String()),
	)
	now := f.now()
	err := f.cfg.Store.Disconnect(
		ctx,
		f.cfg.Epoch,
		head,
		func(w *payout.ChainWork) error { return f.revert(w, head, now) },
	)
	crash.At("C16")
	if err != nil {
		return err
	}
	f.coins = nil
	return f.load(ctx)
}

func (f *Follower) now() time.Time { return f.cfg.Clock.Now().UTC().Truncate(time.Microsecond) }
