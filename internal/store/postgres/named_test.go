package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestErrorsNameTheQuery: of one row, of many, of what answers nothing, inside a transaction and in
// one round trip. What PostgreSQL said stays findable behind the name.
func TestErrorsNameTheQuery(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	var one int
	rows, err := postgres.Named(d.Pool()).Query(t.Context(), "-- name: Late :many\nSELECT 1/(2-n) FROM generate_series(1, 3) AS n")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		continue
	}
	_, changed := postgres.Named(d.Pool()).Exec(t.Context(), "-- name: Change :exec\nSELECT 1/0")
	for name, err := range map[string]error{
		"query Late: ":   rows.Err(),
		"query Row: ":    postgres.Named(d.Pool()).QueryRow(t.Context(), "-- name: Row :one\nSELECT 1/0").Scan(&one),
		"query Change: ": changed,
		"query Piped: ":  d.One(t.Context(), "-- name: Fine :exec\nSELECT 1", "-- name: Piped :exec\nSELECT 1/0"),
		"query SELECT: ": d.One(t.Context(), "SELECT 1/0"),
	} {
		var pg *pgconn.PgError
		if err == nil || !strings.Contains(err.Error(), name) || !errors.As(err, &pg) || pg.Code != "22012" {
			t.Errorf("got %v, want %q and division by zero", err, name)
		}
	}
	err = postgres.Named(d.Pool()).QueryRow(t.Context(), "-- name: None :one\nSELECT 1 WHERE false").Scan(&one)
	if !errors.Is(err, pgx.ErrNoRows) || !strings.Contains(err.Error(), "query None: ") {
		t.Errorf("got %v, want no rows of None", err)
	}
	_, err = postgres.Named(d.Pool()).CopyFrom(t.Context(), pgx.Identifier{"nowhere"}, []string{"n"}, pgx.CopyFromRows(nil))
	if err == nil || !strings.Contains(err.Error(), "copy into nowhere: ") {
		t.Errorf("got %v, want the name of the table", err)
	}

	inside := d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := postgres.Named(tx).Exec(ctx, "-- name: Inside :exec\nSELECT 1/0")
		return err
	})
	if inside == nil || !strings.Contains(inside.Error(), "query Inside: ") {
		t.Errorf("got %v, want the name of the query", inside)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = d.Tx(ctx, func(context.Context, pgx.Tx) error { return nil })
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "begin a transaction: ") {
		t.Errorf("got %v, want what was begun", err)
	}
}

// TestStoresFailByName asks stores of a database without its tables.
func TestStoresFailByName(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	exec(t, d, "DROP TABLE meta CASCADE")

	err := d.CheckNetwork(t.Context(), "regtest", strings.Repeat("0", 64))

	var pg *pgconn.PgError
	if err == nil || !strings.Contains(err.Error(), "query GetMeta: ") || !errors.As(err, &pg) {
		t.Errorf("got %v, want GetMeta and what PostgreSQL said", err)
	}
}

// TestOneDoorToTheQueries: who called db.New would get errors without a name.
func TestOneDoorToTheQueries(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "db.New(") && !strings.Contains(line, "//") && file != "named.go" && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s calls db.New; call queries", file)
			}
		}
	}
}
