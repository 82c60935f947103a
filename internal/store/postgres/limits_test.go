package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// TestEachRoleHasItsTimeouts asks PostgreSQL what holds on the programs' own
// connections.
func TestEachRoleHasItsTimeouts(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	for _, x := range []struct{ url, statement, lock, idle string }{
		{base.AppURL, "25s", "10s", "30s"},
		{base.WorkerURL, "10min", "30s", "1min"},
		{base.URL, "0", "0", "1min"},
		{base.AppURL + "&statement_timeout=3s", "3s", "10s", "30s"},
	} {
		d := open(t, x.url)
		var statement, lock, idle string
		err := d.Pool().QueryRow(t.Context(), "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')").
			Scan(&statement, &lock, &idle)
		if err != nil {
			t.Fatal(err)
		}
		if statement != x.statement || lock != x.lock || idle != x.idle {
			t.Errorf("%s has %s, %s and %s, want %s, %s and %s", d.Pool().Config().ConnConfig.User, statement, lock, idle, x.statement, x.lock, x.idle)
		}
	}
}

// TestTimeoutsSayWhatHappened runs into both.
func TestTimeoutsSayWhatHappened(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	d := open(t, base.URL+"&statement_timeout=50ms&lock_timeout=20ms")
	wantCode(t, d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT pg_sleep(60)")
		return err
	}), "database_slow")

	holder := open(t, base.URL)
	wantCode(t, holder.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "LOCK TABLE lease IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		_, err := d.Pool().Exec(ctx, "SELECT epoch FROM lease")
		return postgres.MapError(err)
	}), "database_busy")
}

// TestReentryIsRefused: a use case that calls the store inside its transaction is
// found by every rig that forbids it.
func TestReentryIsRefused(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	d, err := postgres.Open(t.Context(), base.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	reports := 0
	d.ForbidReentry(func(string) { reports++ })
	store := postgres.PayoutStore{DB: d}
	for name, again := range map[string]func() error{
		"in a transaction": func() error { _, err := store.Due(t.Context()); return err },
		"without one":      func() error { _, err := store.Estimate(t.Context()); return err },
		"a list":           func() error { _, err := store.Forgotten(t.Context(), time.Time{}, time.Time{}); return err },
		"a write":          func() error { return store.SetError(t.Context(), 0, uuid.New(), "c", "x", time.Time{}) },
	} {
		if err := again(); err != nil {
			t.Fatalf("%s, outside: %v", name, err)
		}
		before := reports
		err := d.Tx(t.Context(), func(context.Context, pgx.Tx) error { return again() })
		if !errs.Is(err, "store_reentered") || reports != before+1 {
			t.Errorf("%s, inside: %v, %d reports", name, err, reports-before)
		}
	}
	if _, err := store.Due(t.Context()); err != nil {
		t.Errorf("after the transaction: %v", err)
	}
}
