package app

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
)

// NodeConfig says how to reach a btcd.
type NodeConfig = chain.Config

// follow is the worker's node as a source of blocks.
type follow struct{ *worker }

var _ follower.Chain = follow{}

func (f follow) client() (*chain.Client, error) {
	if node := f.node.Load(); node != nil {
		return node, nil
	}
	return nil, errs.New(errs.Unavailable, chain.CodeNodeDown, "No connection to btcd yet.")
}

func (f follow) Tip(ctx context.Context) (int32, chainhash.Hash, error) {
	node, err := f.client()
	if err != nil {
		return 0, chainhash.Hash{}, err
	}
	return node.Tip(ctx)
}

func (f follow) HashAt(ctx context.Context, height int32) (chainhash.Hash, error) {
	node, err := f.client()
	if err != nil {
		return chainhash.Hash{}, err
	}
	return node.HashAt(ctx, height)
}

func (f follow) Block(ctx context.Context, hash chainhash.Hash) (*wire.MsgBlock, error) {
	node, err := f.client()
	if err != nil {
		return nil, err
	}
	return node.Block(ctx, hash)
}

// broadcaster is the worker's node as a place to tell transactions to.
type broadcaster struct{ *worker }

var _ conductor.Broadcaster = broadcaster{}

// Broadcast makes of every outcome but "the node has it" an error for people to read; the
// transaction may confirm all the same.
func (a broadcaster) Broadcast(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (string, error) {
	node, err := follow(a).client()
	if err != nil {
		return "", err
	}
	reply, held, err := tell(ctx, node, raw, maxFeeRateSatKVB)
	if err != nil {
		return "", err
	}
	if second := a.second.Load(); second != nil {
		crash.At("C12")
		other, also, err := tell(ctx, second, raw, maxFeeRateSatKVB)
		if err != nil {
			other = "no answer"
		}
		reply, held = reply+"; second node: "+other, held || also
	}
	if held {
		return reply, nil
	}
	return reply, errs.New(
		errs.Unavailable,
		CodeNotRelayed,
		"The node did not take the transaction now ("+reply+"). It may still confirm, so it keeps its state and is sent again.",
	)
}

// tell submits to one node and puts its answer into words.
func tell(
	ctx context.Context,
	node *chain.Client,
	raw []byte,
	maxFeeRateSatKVB int64,
) (reply string, held bool, err error) {
	out, err := node.Submit(ctx, raw, maxFeeRateSatKVB)
	if err != nil {
		return "", false, err
	}
	reply = string(out.Verdict)
	if out.Reason != "" {
		reply += ": " + out.Reason
	}
	return reply, out.Held(), nil
}

// mempool is what the worker's node has waiting.
type mempool struct{ *worker }

var _ conductor.Mempool = mempool{}

func (m mempool) Evicted(ctx context.Context, txids []chainhash.Hash) (payout.Evicted, error) {
	node, err := follow(m).client()
	if err != nil {
		return payout.Evicted{}, err
	}
	txs, err := node.Mempool(ctx)
	if err != nil {
		return payout.Evicted{}, err
	}
	return plan.EvictedBy(txids, txs), nil
}

// market is the worker's node as the fee estimator sees it.
type market struct{ *worker }

var _ fee.Node = market{}

func (m market) FeeStatus(ctx context.Context) (fee.Status, error) {
	node, err := follow(m).client()
	if err != nil {
		return fee.Status{}, err
	}
	return node.FeeStatus(ctx)
}

func (m market) Mempool(ctx context.Context) ([]fee.Tx, error) {
	node, err := follow(m).client()
	if err != nil {
		return nil, err
	}
	return node.Mempool(ctx)
}

func (m market) BlockTxs(ctx context.Context, hash chainhash.Hash) (fee.Block, error) {
	node, err := follow(m).client()
	if err != nil {
		return fee.Block{}, err
	}
	return node.BlockTxs(ctx, hash)
}

func (m market) EstimateFee(ctx context.Context, blocks int) (int64, bool, error) {
	node, err := follow(m).client()
	if err != nil {
		return 0, false, err
	}
	return node.EstimateFee(ctx, blocks)
}
