package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// queries are those of package db over conn, whose errors name the query. It is the
// one door to db.New: a bare "unexpected EOF" or "no rows" in a log tells nobody where
// to look, and a wrap at each of some hundred calls would be forgotten at one.
func queries(conn db.DBTX) *db.Queries { return db.New(named{conn}) }

// named puts the name of the query before each error of conn.
type named struct{ conn db.DBTX }

func (n named) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := n.conn.Exec(ctx, sql, args...)
	return tag, inQuery(sql, err)
}

func (n named) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := n.conn.Query(ctx, sql, args...)
	if err != nil {
		return rows, inQuery(sql, err)
	}
	return namedRows{rows, sql}, nil
}

func (n named) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return namedRow{n.conn.QueryRow(ctx, sql, args...), sql}
}

func (n named) CopyFrom(
	ctx context.Context,
	table pgx.Identifier,
	columns []string,
	rows pgx.CopyFromSource,
) (int64, error) {
	copied, err := n.conn.CopyFrom(ctx, table, columns, rows)
	if err != nil {
		return copied, fmt.Errorf("copy into %s: %w", strings.Join(table, "."), err)
	}
	return copied, nil
}

type namedRow struct {
	pgx.Row
	sql string
}

func (r namedRow) Scan(dest ...any) error { return inQuery(r.sql, r.Row.Scan(dest...)) }

type namedRows struct {
	pgx.Rows
	sql string
}

func (r namedRows) Scan(dest ...any) error { return inQuery(r.sql, r.Rows.Scan(dest...)) }

func (r namedRows) Err() error { return inQuery(r.sql, r.Rows.Err()) }

// inQuery is err with the name of the query before it.
func inQuery(sql string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("query %s: %w", queryName(sql), err)
}

// queryName is the name that sqlc writes above a query, or the verb of one without.
func queryName(sql string) string {
	sql, _ = strings.CutPrefix(strings.TrimSpace(sql), "-- name: ")
	name, _, _ := strings.Cut(sql, " ")
	return name
}
