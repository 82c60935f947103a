package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Opened writes one leaf for one opening: of requests at once the key lets one write it,
// and the others wait until it stands.
func (d *DB) Opened(ctx context.Context, o audit.Opening) error {
	return d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		n, err := q.PutUnsealing(
			ctx,
			db.PutUnsealingParams{Via: o.Via, What: o.What, ObjectID: o.Object, At: o.Entry.At},
		)
		if err != nil || n == 0 {
			return err
		}
		return d.record(ctx, q, o.Entry)
	})
}
