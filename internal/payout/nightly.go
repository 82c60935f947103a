package payout

import (
	"context"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Breach is a row of an invariant's view: something that must never be.
type Breach struct {
	Invariant string // e.g. i07_coins
	What      string // in plain words
}

// Invariants lists those that the database is held against, by the number that
// README.md explains; each is a view invariant_NAME.
func Invariants() []string {
	return []string{
		"i01_exactly_once", "i01_spends_mapped", "i02_exact", "i03_approvals", "i03_votes", "i04_anchor", "i04_reserved", "i04_spends_anchor", "i05_replacement", "i06_fee",
		"i07_coins", "i07_payments", "i07_transactions", "i07_transfers", "i08_budget", "i09_window", "i10_edges", "i10_history", "i10_rule_r",
		"i10_together", "i11_write_ahead", "i12_view", "i13_reorg", "i15_audit", "i15_history", "i15_leaves",
	}
}

// InvariantStore reads the views and stops signing.
type InvariantStore interface {
	// Breaches returns what the views show, read in one snapshot, at most limit rows.
	Breaches(ctx context.Context, limit int) ([]Breach, error)

	// Trip opens a breaker unless one with this code and detail was opened before.
	Trip(ctx context.Context, epoch int64, b Breaker) error
}

// maxBreaches bounds what is read and stored of one look: a fault in one place
// tends to show in thousands of rows.
const maxBreaches = 100

// maxBreakers is how many breakers one invariant opens at most.
const maxBreakers = 5

// CheckInvariants reads every view and opens a breaker for what it finds, so that
// nothing is signed until two people have looked. It is the worker's nightly job.
func CheckInvariants(ctx context.Context, store InvariantStore, epoch int64, now time.Time) ([]Breach, error) {
	found, err := store.Breaches(ctx, maxBreaches)
	if err != nil {
		return nil, err
	}
	opened := map[string]int{}
	for _, b := range found {
		if !slices.Contains(Invariants(), b.Invariant) {
			return found, errs.Newf(errs.Internal, "unknown_invariant", "The database names the invariant %s, which this program does not know.", b.Invariant)
		}
		if opened[b.Invariant]++; opened[b.Invariant] > maxBreakers {
			continue
		}
		err := store.Trip(ctx, epoch, Breaker{Code: "invariant", TrippedAt: now, Detail: "What must never be is in the database (" + b.Invariant + "): " + b.What + ". Nothing is signed until two people have looked at it."})
		if err != nil {
			return found, err
		}
	}
	return found, nil
}
