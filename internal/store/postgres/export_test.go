package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// Retries is how often a transaction runs again.
const Retries = retries

// Tx runs fn in a transaction of the package's kind.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return d.inTx(ctx, func(ctx context.Context, _ *db.Queries, tx pgx.Tx) error { return fn(ctx, tx) })
}

// One runs statements in one round trip.
func (d *DB) One(ctx context.Context, statements ...string) error {
	return d.inOne(ctx, func(p db.DBTX) error {
		for _, sql := range statements {
			if _, err := p.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// Named is conn with errors that name the query.
func Named(conn db.DBTX) db.DBTX { return named{conn} }

// Record records entries in a transaction that does nothing else, and ends it
// with the error of after, if there is one.
func (d *DB) Record(ctx context.Context, after func() error, entries ...audit.Entry) error {
	return d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := d.record(ctx, q, entries...); err != nil {
			return err
		}
		if after != nil {
			return after()
		}
		return nil
	})
}

// MapError is mapError.
func MapError(err error) error { return mapError(err) }

// MappedConstraints lists the constraints that have a meaning for people.
func MappedConstraints() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range maps.Keys(refusals) {
			if !yield(name) {
				return
			}
		}
		for name := range maps.Keys(staffRefusals) {
			if !yield(name) {
				return
			}
		}
	})
}
