package app

import (
	"context"

	"github.com/causeway-fund/causeway/internal/payout/payout"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/errs"
)

// checks is what the worker's /readyz looks at: whether it could work now, or take over.
func (w *worker) checks() []server.Check {
	return []server.Check{
		{Name: "database", Run: w.db.Ping},
		canWrite(w.db, "worker", w.clock),
		{Name: "schema", Run: func(ctx context.Context) error { return checkSchema(ctx, w.db) }},
		{Name: "node", Run: func(ctx context.Context) error {
			node := w.node.Load()
			if node == nil && w.leading.Load() {
				return errs.New(errs.Unavailable, chain.CodeNodeDown, "No connection to btcd yet.")
			}
			if node == nil { // it waits for the lease, and needs the node when it has it
				var err error
				if node, err = chain.New(w.cfg.Chain); err != nil {
					return err
				}
			}
			_, err := node.Check(ctx)
			return err
		}},
		{Name: "signer", Run: func(ctx context.Context) error {
			for _, signer := range w.signers {
				info, err := signer.Info(ctx)
				if err == nil {
					err = info.Trouble()
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "breaker", Run: func(ctx context.Context) error {
			open, err := w.store.Breakers(ctx)
			if err == nil && len(open) > 0 {
				err = errs.New(errs.Conflict, payout.CodeBreakerOpen, open[0].Detail())
			}
			return err
		}},
		{Name: "work", Run: func(context.Context) error {
			if text := w.trouble.Load(); text != nil {
				return errs.New(errs.Unavailable, CodeNotWorking, *text)
			}
			return nil
		}},
	}
}
