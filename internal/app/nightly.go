package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/endpoint"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/postgres"
)

const (
	nightlyEvery = 24 * time.Hour
	nightlyRetry = time.Minute // after a look that did not work
)

// lookNightly holds the database against the invariants, at once and then every
// day. What it finds stops signing.
func (w *worker) lookNightly(ctx context.Context, epoch int64) error {
	for {
		wait := nightlyEvery
		found, err := payout.CheckInvariants(ctx, postgres.PayoutStore{DB: w.db}, epoch, w.clock.Now())
		for _, b := range found {
			w.cfg.Log.ErrorContext(ctx, "invariant does not hold", slog.String("invariant", b.Invariant), slog.String("what", b.What))
		}
		switch {
		case errs.Is(err, "lease_lost"):
			return err
		case err != nil && ctx.Err() == nil:
			w.cfg.Log.WarnContext(ctx, "invariants were not looked at", slog.Any("error", err))
			wait = nightlyRetry
		}
		w.lookAtChecks(ctx)
		if !pause(ctx, nil, wait) {
			return ctx.Err()
		}
	}
}

// lookAtChecks says what does not hold among endpoints and probers. No money is
// at stake there, so that signing goes on.
func (w *worker) lookAtChecks(ctx context.Context) {
	const most = 100
	found, err := postgres.EndpointStore{DB: w.db, Clock: w.clock}.CheckBreaches(ctx, most)
	if err != nil && ctx.Err() == nil {
		w.cfg.Log.WarnContext(ctx, "the books of checks were not looked at", slog.Any("error", err))
	}
	for _, b := range found {
		w.cfg.Log.ErrorContext(ctx, "an invariant of checks does not hold", slog.String("invariant", b.Invariant), slog.String("what", b.What))
	}
}

// Invariants looks once, and changes nothing. urlFile holds the database URL of any
// role of the programs.
func Invariants(ctx context.Context, urlFile string) ([]payout.Breach, error) {
	url, err := readSecret("database URL", urlFile)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	const most = 1000
	money, err := postgres.PayoutStore{DB: db}.Breaches(ctx, most)
	if err != nil {
		return nil, err
	}
	checks, err := postgres.EndpointStore{DB: db, Clock: clock.Real{}}.CheckBreaches(ctx, most)
	return append(money, checks...), err
}

// InvariantNames lists what Invariants looks at, in order.
func InvariantNames() []string {
	return append(payout.Invariants(), endpoint.Invariants()...)
}
