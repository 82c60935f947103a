package app

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/chain"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout"
)

// follow is the worker's node as a source of blocks.
type follow struct{ *worker }

var _ payout.Chain = follow{}

func (f follow) client() (*chain.Client, error) {
	if node := f.node.Load(); node != nil {
		return node, nil
	}
	return nil, errs.New(errs.Unavailable, "node_down", "No connection to btcd yet.")
}

// Tip implements payout.Chain.
func (f follow) Tip(ctx context.Context) (int32, chainhash.Hash, error) {
	node, err := f.client()
	if err != nil {
		return 0, chainhash.Hash{}, err
	}
	return node.Tip(ctx)
}

// HashAt implements payout.Chain.
func (f follow) HashAt(ctx context.Context, height int32) (chainhash.Hash, error) {
	node, err := f.client()
	if err != nil {
		return chainhash.Hash{}, err
	}
	return node.HashAt(ctx, height)
}

// Block implements payout.Chain.
func (f follow) Block(ctx context.Context, hash chainhash.Hash) (*wire.MsgBlock, error) {
	node, err := f.client()
	if err != nil {
		return nil, err
	}
	return node.Block(ctx, hash)
}

// announcer is the worker's node as a place to tell transactions to.
type announcer struct{ *worker }

var _ payout.Announcer = announcer{}

// Announce implements payout.Announcer. An outcome that is not "the node has it"
// is an error for people to read; the transaction may confirm all the same.
func (a announcer) Announce(ctx context.Context, raw []byte, maxFeeRateSatVB int64) (string, error) {
	node, err := follow(a).client()
	if err != nil {
		return "", err
	}
	out, err := node.Submit(ctx, raw, maxFeeRateSatVB)
	if err != nil {
		return "", err
	}
	reply := string(out.Verdict)
	if out.Reason != "" {
		reply += ": " + out.Reason
	}
	if out.Held() {
		return reply, nil
	}
	return reply, errs.New(errs.Unavailable, "not_relayed", "The node did not take the transaction now ("+reply+"). It may still confirm, so it keeps its state and is sent again.")
}
