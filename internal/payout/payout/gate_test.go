package payout_test

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
)

var errCrash = errors.New("the worker has crashed")

// gate is a store that tells a test of every call before and after it. An error
// from before keeps the call from happening; one from after loses its result.
type gate struct {
	workerStore
	before, after func() error
}

// crashing returns a store that dies at its nth call from now on, counted before
// and after each: what was committed stays, and nothing more happens.
func crashing(store workerStore, n int) gate {
	left := n
	tick := func() error {
		if left--; left <= 0 {
			return errCrash
		}
		return nil
	}
	return gate{workerStore: store, before: tick, after: tick}
}

func pass[T any](g gate, call func() (T, error)) (T, error) {
	var none T
	if err := g.before(); err != nil {
		return none, err
	}
	result, err := call()
	if late := g.after(); late != nil {
		return none, late
	}
	return result, err
}

func (g gate) only(call func() error) error {
	_, err := pass(g, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (g gate) Fund(ctx context.Context) (fund.Fund, error) {
	return pass(g, func() (fund.Fund, error) { return g.workerStore.Fund(ctx) })
}

func (g gate) Batch(ctx context.Context, id uuid.UUID) (payout.Record, error) {
	return pass(g, func() (payout.Record, error) { return g.workerStore.Batch(ctx, id) })
}

func (g gate) Holdings(ctx context.Context) (payout.Holdings, error) {
	return pass(g, func() (payout.Holdings, error) { return g.workerStore.Holdings(ctx) })
}

func (g gate) Due(ctx context.Context) ([]uuid.UUID, error) {
	return pass(g, func() ([]uuid.UUID, error) { return g.workerStore.Due(ctx) })
}

func (g gate) UpdateBatch(ctx context.Context, epoch int64, id uuid.UUID, now time.Time, fn func(*payout.Locked) error) (payout.Batch, error) {
	return pass(g, func() (payout.Batch, error) { return g.workerStore.UpdateBatch(ctx, epoch, id, now, fn) })
}

func (g gate) SetError(ctx context.Context, epoch int64, id uuid.UUID, code errs.Code, message string, now time.Time) error {
	return g.only(func() error { return g.workerStore.SetError(ctx, epoch, id, code, message, now) })
}

func (g gate) Connect(ctx context.Context, epoch int64, b payout.Block, fn func(*payout.ChainWork) error) error {
	return g.only(func() error { return g.workerStore.Connect(ctx, epoch, b, fn) })
}

func (g gate) Disconnect(ctx context.Context, epoch int64, tip payout.Tip, fn func(*payout.ChainWork) error) error {
	return g.only(func() error { return g.workerStore.Disconnect(ctx, epoch, tip, fn) })
}
