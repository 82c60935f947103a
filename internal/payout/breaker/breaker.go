package breaker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// Store trips breakers and knows what two people have accepted.
type Store interface {
	// Trip opens a breaker of the finding's code, or adds the finding to the one that
	// is open. It does nothing when the open one has it already, nor when two people
	// have accepted it and it has not lapsed since.
	Trip(ctx context.Context, epoch int64, f payout.Finding) error

	// Lapse ends what was accepted of a code, but for the subjects in still: when it
	// comes back it trips again.
	Lapse(ctx context.Context, epoch int64, code payout.BreakerCode, still []string, now time.Time) error
}

// CheckLedger holds the ledger against the coins of the chain. A difference that
// two people have not accepted stops all signing. It returns the difference.
func CheckLedger(
	ctx context.Context,
	store Store,
	h payout.Holdings,
	epoch int64,
	now time.Time,
) (btcutil.Amount, error) {
	difference := h.Difference()
	switch {
	case difference == 0 && h.Accepted == nil:
		return 0, nil
	case difference == 0:
		return 0, store.Lapse(ctx, epoch, payout.LedgerMismatch, nil, now)
	}
	ledger := h.Balances.OnChain()
	detail := fmt.Sprintf(
		"The treasury's coins on the chain are worth %d sat and the ledger says %d sat: a difference of %d sat.",
		int64(ledger+difference),
		int64(ledger),
		int64(difference),
	)
	if h.Accepted != nil {
		detail += fmt.Sprintf(" Before, two people had accepted a difference of %d sat.", int64(h.Accepted.Amount))
	}
	return difference, store.Trip(
		ctx,
		epoch,
		payout.Finding{Code: payout.LedgerMismatch, Detail: detail, Amount: &difference, At: now},
	)
}

// InvariantStore reads the views and stops signing.
type InvariantStore interface {
	// Breaches returns what the views show, read in one snapshot, at most limit rows.
	Breaches(ctx context.Context, limit int) ([]payout.Breach, error)

	Store
}

// maxBreaches bounds what is read and stored of one look: a fault in one place
// tends to show in thousands of rows.
const maxBreaches = 100

// maxFindings is how many rows of one invariant a breaker lists at most.
const maxFindings = 5

// CheckInvariants reads every view and trips the breaker with what it finds, so that
// nothing is signed until two people have looked. What they accepted trips again
// only when it had gone in between. It is the worker's nightly job.
func CheckInvariants(ctx context.Context, store InvariantStore, epoch int64, now time.Time) ([]payout.Breach, error) {
	found, err := store.Breaches(ctx, maxBreaches)
	if err != nil {
		return nil, err
	}
	listed := map[string]int{}
	var still []string
	for _, b := range found {
		if !slices.Contains(payout.Invariants(), b.Invariant) {
			return found, errs.Newf(
				errs.Internal,
				payout.CodeUnknownInvariant,
				"The database reports the invariant %s, which this program does not know.",
				b.Invariant,
			)
		}
		subject := b.Invariant + ": " + b.What
		still = append(still, subject)
		if listed[b.Invariant]++; listed[b.Invariant] > maxFindings {
			continue
		}
		err := store.Trip(
			ctx,
			epoch,
			payout.Finding{
				Code:    payout.InvariantBroken,
				Subject: subject,
				Detail:  "The database violates an invariant (" + b.Invariant + "): " + b.What + ".",
				At:      now,
			},
		)
		if err != nil {
			return found, err
		}
	}
	if len(found) == maxBreaches {
		return found, nil // not all was read, so nothing can be called gone
	}
	return found, store.Lapse(ctx, epoch, payout.InvariantBroken, still, now)
}
