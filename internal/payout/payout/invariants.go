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
		"i10_together", "i11_write_ahead", "i12_view", "i13_reorg", "i15_audit", "i15_history", "i15_leaves", "i15_unsealed",
	}
}

// InvariantStore reads the views and stops signing.
type InvariantStore interface {
	// Breaches returns what the views show, read in one snapshot, at most limit rows.
	Breaches(ctx context.Context, limit int) ([]Breach, error)

	BreakerStore
}

// maxBreaches bounds what is read and stored of one look: a fault in one place
// tends to show in thousands of rows.
const maxBreaches = 100

// maxFindings is how many rows of one invariant a breaker lists at most.
const maxFindings = 5

// CheckInvariants reads every view and trips the breaker with what it finds, so that
// nothing is signed until two people have looked. What they accepted trips again
// only when it had gone in between. It is the worker's nightly job.
func CheckInvariants(ctx context.Context, store InvariantStore, epoch int64, now time.Time) ([]Breach, error) {
	found, err := store.Breaches(ctx, maxBreaches)
	if err != nil {
		return nil, err
	}
	listed := map[string]int{}
	var still []string
	for _, b := range found {
		if !slices.Contains(Invariants(), b.Invariant) {
			return found, errs.Newf(errs.Internal, "unknown_invariant", "The database names the invariant %s, which this program does not know.", b.Invariant)
		}
		subject := b.Invariant + ": " + b.What
		still = append(still, subject)
		if listed[b.Invariant]++; listed[b.Invariant] > maxFindings {
			continue
		}
		err := store.Trip(ctx, epoch, Finding{Code: InvariantBroken, Subject: subject, Detail: "What must never be is in the database (" + b.Invariant + "): " + b.What + ".", At: now})
		if err != nil {
			return found, err
		}
	}
	if len(found) == maxBreaches {
		return found, nil // not all was read, so nothing can be called gone
	}
	return found, store.Lapse(ctx, epoch, InvariantBroken, still, now)
}
