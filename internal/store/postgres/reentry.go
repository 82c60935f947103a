package postgres

import (
	"bytes"
	"context"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// reentry finds a goroutine that asks for a second connection while it holds a
// transaction. Where each of as many callers as there are connections does that,
// all of them wait for ever.
type reentry struct {
	report func(stack string)
	inside sync.Map // goroutine -> in a transaction
}

// ForbidReentry makes d refuse, with Internal "store_reentered", what a goroutine
// asks of it inside a transaction of its own, and tell report where. It is for
// tests, and called before d is used.
func (d *DB) ForbidReentry(report func(stack string)) {
	d.guard = &reentry{report: report}
	d.q = queries(guarded{d.pool, d.guard})
}

// check refuses who holds a transaction. A nil guard refuses nobody.
func (g *reentry) check() error {
	if g == nil {
		return nil
	}
	if _, held := g.inside.Load(goroutine()); !held {
		return nil
	}
	g.report(string(debug.Stack()))
	return errs.New(errs.Internal, CodeStoreReentered, "The store was called inside its own transaction.")
}

// enter notes that this goroutine holds a transaction until leave is called.
func (g *reentry) enter() (leave func()) {
	if g == nil {
		return func() {}
	}
	id := goroutine()
	g.inside.Store(id, true)
	return func() { g.inside.Delete(id) }
}

// goroutine is the number of the calling goroutine, as traces show it.
func goroutine() string {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	number, _, _ := bytes.Cut(line, []byte(" "))
	return string(number)
}

// guarded is what db.Queries talks to outside of a transaction.
type guarded struct {
	db.DBTX
	guard *reentry
}

func (x guarded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := x.guard.check(); err != nil {
		return pgconn.CommandTag{}, err
	}
	return x.DBTX.Exec(ctx, sql, args...)
}

func (x guarded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := x.guard.check(); err != nil {
		return nil, err
	}
	return x.DBTX.Query(ctx, sql, args...)
}

func (x guarded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := x.guard.check(); err != nil {
		return refusedRow{err}
	}
	return x.DBTX.QueryRow(ctx, sql, args...)
}

func (x guarded) CopyFrom(
	ctx context.Context,
	table pgx.Identifier,
	columns []string,
	rows pgx.CopyFromSource,
) (int64, error) {
	if err := x.guard.check(); err != nil {
		return 0, err
	}
	return x.DBTX.CopyFrom(ctx, table, columns, rows)
}

type refusedRow struct{ err error }

func (r refusedRow) Scan(...any) error { return r.err }
