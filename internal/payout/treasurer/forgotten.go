package treasurer

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// ForgottenAfter is how long a composed batch waits for its approval. Then it is
// cancelled by itself, so that its payments can go into another one.
const ForgottenAfter = 7 * 24 * time.Hour

// lapsedShown is how long the treasury page tells of a batch that was cancelled so.
const lapsedShown = 30 * 24 * time.Hour

// ForgottenStore finds batches that wait for an approval, and cancels them.
type ForgottenStore interface {
	// Forgotten returns the composed batches that were made at or before a time, and the
	// composed, approved and built ones whose last moment has passed now.
	Forgotten(ctx context.Context, until, now time.Time) ([]uuid.UUID, error)

	// UpdateBatch is Store's.
	UpdateBatch(
		ctx context.Context,
		epoch int64,
		id uuid.UUID,
		now time.Time,
		fn func(*payout.Locked) error,
	) (payout.Batch, error)
}

// CancelForgotten cancels composed batches that nobody has approved for
// ForgottenAfter, and those that were approved and did not get to a signer by their last
// moment: no signer was asked for them, and their payments are payable again. It returns
// those that it cancelled.
func CancelForgotten(ctx context.Context, store ForgottenStore, epoch int64, now time.Time) ([]payout.Batch, error) {
	now = now.UTC().Truncate(time.Microsecond)
	ids, err := store.Forgotten(ctx, now.Add(-ForgottenAfter), now)
	if err != nil {
		return nil, err
	}
	var list []payout.Batch
	for _, id := range ids {
		b, err := store.UpdateBatch(ctx, epoch, id, now, func(l *payout.Locked) error {
			return l.Forget(identity.System("worker"))
		})
		if errs.Is(err, errs.CodeWrongState) {
			continue // somebody approved or cancelled it, or a signer was asked for it, just now
		}
		if err != nil {
			return list, err
		}
		list = append(list, b)
	}
	return list, nil
}
