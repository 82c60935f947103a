package app

import (
	"context"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

// workerStore is what the worker's parts need of the database, and what it keeps there of
// itself for the dashboard.
type workerStore interface {
	conductor.Store
	follower.Store
	recovery.Store
	breaker.InvariantStore
	treasurer.ForgottenStore

	// Breakers returns the open ones, oldest first.
	Breakers(ctx context.Context) ([]payout.Breaker, error)

	// SetProgress keeps where the worker stands.
	SetProgress(ctx context.Context, epoch int64, p payout.Progress) error

	// SetEstimate keeps the newest estimate and, of those that are trusted, one an hour
	// for four weeks.
	SetEstimate(ctx context.Context, epoch int64, e fee.Estimate) error
}
