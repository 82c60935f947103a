package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// CanWrite commits a row for program, and makes the server put some data on its
// disk: an update of a row finds room in a page that is there, so a full disk shows
// only where a file has to grow. Unavailable "database_unwritable".
func (d *DB) CanWrite(ctx context.Context, program string, now time.Time) error {
	err := d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := q.LimitMemory(ctx); err != nil {
			return err
		}
		if _, err := q.Spill(ctx); err != nil {
			return err
		}
		return q.ProbeWrite(ctx, program, now)
	})
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return err // it worked, or nobody answered
	}
	return errs.Wrap(
		err,
		errs.Unavailable,
		CodeDatabaseUnwritable,
		"PostgreSQL answers but cannot write, so nothing can be changed. Check whether its disk is full, or whether it is a read-only standby.",
	)
}
