package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

const (
	nightlyEvery = 24 * time.Hour
	nightlyRetry = time.Minute // after a look that did not work
	mostFindings = 100         // of one kind that are told at a time
	letGoEvery   = time.Hour
)

// lookNightly holds the database against the invariants, at once and then every
// day. What it finds stops signing.
func (w *worker) lookNightly(ctx context.Context, epoch int64) error {
	for {
		wait := nightlyEvery
		found, err := breaker.CheckInvariants(ctx, w.store, epoch, w.clock.Now())
		for _, b := range found {
			w.cfg.Log.ErrorContext(
				ctx,
				"invariant violated",
				slog.String("invariant", b.Invariant),
				slog.String("what", b.What),
			)
		}
		if errs.Is(err, payout.CodeLeaseLost) {
			return err
		}
		if err != nil {
			wait = nightlyRetry
		}
		w.often.note(ctx, "checking the invariants failed", "invariants are checked again", err)
		err = w.lookAtLog(ctx, epoch)
		if errs.Is(err, payout.CodeLeaseLost) {
			return err
		}
		if err != nil {
			wait = nightlyRetry
		}
		w.often.note(ctx, "verifying the audit log failed", "the audit log is verified again", err)
		w.lookAtChecks(ctx)
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// lookAtLog holds the audit log against its signed checkpoints. A log that is not
// what its key signed stops signing; a row of checkpoints that nobody signed is named
// alone, or whoever may write one could stop all payments by it. It names the batches
// as well whose approval a restore has lost.
func (w *worker) lookAtLog(ctx context.Context, epoch int64) error {
	bad, err := w.log.Examine(ctx)
	for _, b := range bad {
		w.cfg.Log.ErrorContext(ctx, "ignored an invalid checkpoint of the audit log", slog.String("what", b.String()))
	}
	switch {
	case errs.Is(err, audit.CodeAuditBroken):
		w.cfg.Log.ErrorContext(ctx, "the audit log failed verification", slog.Any("error", err))
		detail := brokenLog(err)
		err = w.store.Trip(
			ctx,
			epoch,
			payout.Finding{Code: payout.AuditBroken, Subject: detail, Detail: detail, At: w.clock.Now()},
		)
	case err == nil:
		err = w.store.Lapse(ctx, epoch, payout.AuditBroken, nil, w.clock.Now())
	}
	if err != nil {
		return err
	}
	lost, err := postgres.PayoutStore{DB: w.db}.LostApprovals(ctx, mostFindings)
	for _, what := range lost {
		w.cfg.Log.WarnContext(ctx, "an approval is missing from the restored database", slog.String("what", what))
	}
	return err
}

func brokenLog(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return e.Message
}

// letGo cancels batches that nobody approves, at once and then every hour.
func (w *worker) letGo(ctx context.Context, epoch int64) error {
	for {
		gone, err := treasurer.CancelForgotten(ctx, w.store, epoch, w.clock.Now())
		for _, b := range gone {
			w.cfg.Log.WarnContext(
				ctx,
				"batch cancelled: nobody approved it in time",
				slog.Int64("number", int64(b.Number)),
				slog.String("batch_id", b.ID.String()),
				slog.Int("payees", b.Payees),
			)
		}
		if errs.Is(err, payout.CodeLeaseLost) {
			return err
		}
		w.often.note(ctx, "cancelling expired batches failed", "expired batches are cancelled again", err)
		if !pause(ctx, letGoEvery) {
			return ctx.Err()
		}
	}
}

// lookAtChecks says what does not hold among endpoints and probers. No money is
// at stake there, so that signing goes on.
func (w *worker) lookAtChecks(ctx context.Context) {
	found, err := postgres.EndpointStore{DB: w.db, Clock: w.clock}.CheckBreaches(ctx, mostFindings)
	if err != nil && ctx.Err() == nil {
		w.cfg.Log.WarnContext(ctx, "checking the invariants of endpoint checks failed", slog.Any("error", err))
	}
	for _, b := range found {
		w.cfg.Log.ErrorContext(
			ctx,
			"an invariant of endpoint checks is violated",
			slog.String("invariant", b.Invariant),
			slog.String("what", b.What),
		)
	}
}

// Standing is what Invariants found.
type Standing struct {
	Breaches []payout.Breach
	// Log is what the audit log does not hold, by its signed checkpoints; LogRead is
	// false when there was no key to check them by.
	Log     []string
	LogRead bool
	// Known is worth knowing and no breach: checkpoints that nobody signed, approvals
	// that a restore has lost.
	Known []string
}

// Invariants looks once, and changes nothing. urlFile holds the database URL of any
// role of the programs; keyFile the audit log's public key, or is "".
func Invariants(ctx context.Context, urlFile, keyFile string) (Standing, error) {
	var s Standing
	url, err := readSecret("database URL", urlFile)
	if err != nil {
		return s, err
	}
	db, err := openDatabase(ctx, url)
	if err != nil {
		return s, err
	}
	defer db.Close()
	const most = 1000
	money, err := postgres.PayoutStore{DB: db}.Breaches(ctx, most)
	if err != nil {
		return s, err
	}
	checks, err := postgres.EndpointStore{DB: db, Clock: clock.Real{}}.CheckBreaches(ctx, most)
	if err != nil {
		return s, err
	}
	s.Breaches = append(money, checks...) //nolint:gocritic // a new list
	if s.Known, err = (postgres.PayoutStore{DB: db}).LostApprovals(ctx, most); err != nil || keyFile == "" {
		return s, err
	}
	key, err := readSecret("audit log's public key", keyFile)
	if err != nil {
		return s, err
	}
	bad, err := audit.NewLog(postgres.AuditStore{DB: db}, clock.Real{}, key).Examine(ctx)
	for _, b := range bad {
		s.Known = append(s.Known, b.String())
	}
	if errs.Is(err, audit.CodeAuditBroken) {
		s.Log, err = append(s.Log, brokenLog(err)), nil
	}
	s.LogRead = err == nil
	return s, err
}

// InvariantNames lists what Invariants looks at, in order.
func InvariantNames() []string {
	return append(payout.Invariants(), endpoint.Invariants()...)
}
