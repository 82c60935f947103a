package app

import (
	"context"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/errs"
)

// watchBlocks listens for blocks as long as this worker leads, whichever lease it
// is: the node is known from the first on.
func (w *worker) watchBlocks(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.known:
	}
	return w.node.Load().Watch(ctx, w.cfg.Log)
}

// checkNode connects if need be, and asks whether the node is fit for work.
func (w *worker) checkNode(ctx context.Context) error {
	node := w.node.Load()
	if node == nil {
		fresh, err := chain.New(w.cfg.Chain)
		if err != nil {
			return err
		}
		w.node.Store(fresh)
		close(w.known)
		node = fresh
	}
	if _, err := node.Check(ctx); err != nil {
		return err
	}
	return w.checkSecond(ctx, node)
}

// settled is how deep a block lies that two nodes have to agree on.
const settled = 6

// checkSecond compares the nodes a few blocks below their tips. Nothing is built,
// signed or advanced while they disagree.
func (w *worker) checkSecond(ctx context.Context, first *chain.Client) error {
	if w.cfg.Second == nil {
		return nil
	}
	second := w.second.Load()
	if second == nil {
		fresh, err := chain.New(*w.cfg.Second)
		if err != nil {
			return err
		}
		w.second.Store(fresh)
		second = fresh
	}
	if _, err := second.Check(ctx); err != nil {
		return err
	}
	a, _, err := first.Tip(ctx)
	if err != nil {
		return err
	}
	b, _, err := second.Tip(ctx)
	if err != nil {
		return err
	}
	if behind := max(a, b) - min(a, b); behind > settled {
		return errs.Newf(
			errs.Unavailable,
			errs.CodeNodeBehind,
			"One node is at block %d and the other at %d: one of them is cut off or still catching up. The worker waits for it.",
			a,
			b,
		)
	}
	height := max(min(a, b)-settled, 0)
	ours, err := first.HashAt(ctx, height)
	if err != nil {
		return err
	}
	theirs, err := second.HashAt(ctx, height)
	if err != nil {
		return err
	}
	if ours != theirs {
		return errs.Newf(
			errs.Unavailable,
			CodeNodesDisagree,
			"The two nodes have different blocks at height %d, so one of them is on a chain of its own. The worker waits until they agree.",
			height,
		)
	}
	return nil
}
