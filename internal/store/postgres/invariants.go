package postgres

import (
	"context"

	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

var _ breaker.InvariantStore = PayoutStore{}

func (s PayoutStore) Breaches(ctx context.Context, limit int) ([]payout.Breach, error) {
	var list []payout.Breach
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		rows, err := q.ListBreaches(ctx, int32(limit))
		list = make([]payout.Breach, len(rows))
		for i, r := range rows {
			list[i] = payout.Breach{Invariant: r.Invariant, What: r.What}
		}
		return err
	})
	return list, err
}

// LostApprovals returns which batches a signer's journal gave back after a restore
// without who approved them, in words, at most limit.
func (s PayoutStore) LostApprovals(ctx context.Context, limit int) ([]string, error) {
	list, err := s.q.ListLostApprovals(ctx, int32(limit))
	return list, mapError(err)
}
