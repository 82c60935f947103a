package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// open connects to url until t ends.
func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	d.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	t.Cleanup(d.Close)
	return d
}

// exec runs one statement as d's role.
func exec(t *testing.T, d *postgres.DB, sql string, args ...any) {
	t.Helper()
	if _, err := d.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// wantCode ends t unless err has this code; "" stands for no error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if code == "" && err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if code != "" && !errs.Is(err, errs.Code(code)) {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

func TestOpenSaysWhatIsWrongAndNoPassword(t *testing.T) {
	t.Parallel()
	closed := closedAddress(t)
	there, err := url.Parse(pgtest.New(t).AppURL)
	if err != nil {
		t.Fatal(err)
	}
	at := func(user, password, host, path string) string {
		return (&url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: host, Path: path, RawQuery: there.RawQuery}).String()
	}
	password, _ := there.User.Password()
	tests := []struct {
		name, url, code string
		says            []string
	}{
		{"nobody listens", at("app", "hunter2hunter2", closed, "/fund"), "database_down", []string{closed, "fund"}},
		{"wrong password", at(there.User.Username(), "hunter2hunter2", there.Host, there.Path), "database_down", []string{there.Host, there.User.Username()}},
		{"no such database", at(there.User.Username(), password, there.Host, "/absent"), "database_down", []string{there.Host, "absent"}},
		{"no address", "postgres://app:hunter2hunter2@[::1/fund?x=%", "database_url", nil},
		{"bad port", "postgres://app:hunter2hunter2@localhost:x/fund", "database_url", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, err := postgres.Open(t.Context(), test.url)

			wantCode(t, err, test.code)
			var told *errs.Error
			if !errors.As(err, &told) || told.Kind != errs.Unavailable || strings.Contains(told.Message, "\n") {
				t.Errorf("got %v, want one line of kind unavailable", err)
			}
			for _, word := range test.says {
				if !strings.Contains(told.Message, word) {
					t.Errorf("message %q does not name %s", told.Message, word)
				}
			}
			if strings.Contains(err.Error(), "hunter2hunter2") {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}

func TestDatabaseBelongsToOneChain(t *testing.T) {
	t.Parallel()
	const main, other = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f", "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	base := pgtest.New(t)
	owner, app, worker := open(t, base.URL), open(t, base.AppURL), open(t, base.WorkerURL)

	wantCode(t, app.CheckNetwork(t.Context(), "mainnet", main), "network_unbound")
	if err := app.Bind(t.Context(), "mainnet", main); err == nil {
		t.Error("causeway_app bound the database")
	}
	wantCode(t, owner.Bind(t.Context(), "mainnet", main), "")
	wantCode(t, owner.Bind(t.Context(), "mainnet", main), "")
	wantCode(t, owner.Bind(t.Context(), "regtest", other), "wrong_network")
	wantCode(t, app.CheckNetwork(t.Context(), "mainnet", main), "")
	wantCode(t, worker.CheckNetwork(t.Context(), "mainnet", main), "")
	wantCode(t, worker.CheckNetwork(t.Context(), "mainnet", other), "wrong_network")
	wantCode(t, worker.CheckNetwork(t.Context(), "regtest", main), "wrong_network")
}

func TestDeadlockIsRunAgain(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	exec(t, d, "CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)")
	exec(t, d, "INSERT INTO pair VALUES (1, 0), (2, 0)")
	var holding sync.WaitGroup // both have their first row
	holding.Add(2)
	bump := func(first, second int) error {
		once := sync.OnceFunc(holding.Done)
		return d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE pair SET n = n + 1 WHERE id = $1", first); err != nil {
				return err
			}
			once()
			holding.Wait()
			_, err := tx.Exec(ctx, "UPDATE pair SET n = n + 1 WHERE id = $1", second)
			return err
		})
	}

	other := make(chan error)
	go func() { other <- bump(2, 1) }()
	err := bump(1, 2)

	wantCode(t, errors.Join(err, <-other), "")
	var sum int
	if err := d.Pool().QueryRow(t.Context(), "SELECT sum(n) FROM pair").Scan(&sum); err != nil || sum != 4 {
		t.Errorf("sum %d (%v), want 4: each transaction once", sum, err)
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).AppURL)
	runs := 0

	err := d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		runs++
		_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$")
		return err
	})

	wantCode(t, err, "database_busy")
	if runs != postgres.Retries+1 {
		t.Errorf("ran %d times, want %d", runs, postgres.Retries+1)
	}
}

func TestRollbackDoesNotNeedTheCallersContext(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	address, err := url.Parse(base.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("pool_max_conns", "1")
	address.RawQuery = query.Encode()
	d := open(t, address.String())
	exec(t, d, "CREATE TABLE seen (backend int NOT NULL)")
	ctx, cancel := context.WithCancel(t.Context())
	var before, after int

	err = d.Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "INSERT INTO seen SELECT pg_backend_pid() RETURNING backend").Scan(&before); err != nil {
			return err
		}
		cancel()
		return ctx.Err()
	})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	var rows int
	if err := d.Pool().QueryRow(t.Context(), "SELECT count(*), pg_backend_pid() FROM seen").Scan(&rows, &after); err != nil {
		t.Fatal(err)
	}
	if rows != 0 {
		t.Error("a cancelled transaction left a row")
	}
	if before != after {
		t.Error("the connection was thrown away: its transaction was not rolled back")
	}
}

func TestLostAnswerToCommitIsNeitherSuccessNorFailure(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	d, owner := open(t, base.AppURL), base.Pool(t)
	end := func(ctx context.Context, tx pgx.Tx) error {
		var backend int
		if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
			return err
		}
		_, err := owner.Exec(ctx, "SELECT pg_terminate_backend($1, 5000)", backend)
		return err
	}

	atCommit := d.Tx(t.Context(), end)
	before := d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if err := end(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "SELECT 1")
		return err
	})

	wantCode(t, atCommit, "commit_unknown")
	wantCode(t, before, "database_down")
}

// TestOneRoundTripIsOneTransaction has statements that come together fail, lose, be cut
// off and be given up: all of them hold or none.
func TestOneRoundTripIsOneTransaction(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	exec(t, d, "CREATE SCHEMA other")
	exec(t, d, "CREATE TABLE other.tries (n int CONSTRAINT batch_item_live UNIQUE, backend int DEFAULT pg_backend_pid())")
	exec(t, d, "CREATE SEQUENCE other.runs")
	const write = "INSERT INTO other.tries VALUES (1)"
	fail := func(code string) string {
		return "DO $$ BEGIN PERFORM nextval('other.runs'); RAISE EXCEPTION 'no' USING ERRCODE = '" + code + "'; END $$"
	}
	kept := func(what string, want int) {
		t.Helper()
		var n int
		if err := d.Pool().QueryRow(t.Context(), "SELECT count(*) FROM other.tries").Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d rows are kept (%v), want %d", what, n, err, want)
		}
	}

	wantCode(t, d.One(t.Context(), write, write), "not_payable")
	kept("refused", 0)
	wantCode(t, d.One(t.Context(), write, fail("serialization_failure")), "database_busy")
	kept("lost to another", 0)
	var runs int
	if err := d.Pool().QueryRow(t.Context(), "SELECT last_value FROM other.runs").Scan(&runs); err != nil || runs != postgres.Retries+1 {
		t.Errorf("ran %d times (%v), want %d", runs, err, postgres.Retries+1)
	}
	wantCode(t, d.One(t.Context(), write, "SELECT pg_terminate_backend(pg_backend_pid())"), "commit_unknown")
	kept("cut off", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.One(ctx, write); !errors.Is(err, context.Canceled) {
		t.Errorf("given up before it began: %v", err)
	}
	kept("given up", 0)
	wantCode(t, d.One(t.Context(), write, "INSERT INTO other.tries VALUES (2)"), "")
	kept("together", 2)
}

func TestRefusedCommitIsAFailure(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	exec(t, d, "CREATE SCHEMA other")
	exec(t, d, "CREATE TABLE other.one (id int CONSTRAINT batch_item_live UNIQUE DEFERRABLE INITIALLY DEFERRED)")

	err := d.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO other.one VALUES (1), (1)")
		return err
	})

	wantCode(t, err, "not_payable")
}

func TestErrorsThatMapErrorLeavesAlone(t *testing.T) {
	t.Parallel()
	known := errs.New(errs.Conflict, "stale_version", "moved on")
	for _, err := range []error{nil, known, pgx.ErrNoRows, context.Canceled, context.DeadlineExceeded} {
		if got := postgres.MapError(err); !errors.Is(got, err) || errs.KindOf(got) != errs.KindOf(err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestMissingSchemaIsNamed(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	exec(t, d, "DROP TABLE meta CASCADE")

	wantCode(t, d.CheckNetwork(t.Context(), "regtest", strings.Repeat("0", 64)), "schema_version")
}

func TestTimesComeBackInUTC(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).AppURL)
	var one time.Time
	var list []time.Time

	err := d.Pool().QueryRow(t.Context(), "SELECT t, ARRAY[t] FROM (SELECT timestamptz '2026-11-22 12:00:00+03' AS t) x").Scan(&one, &list)
	if err != nil {
		t.Fatal(err)
	}

	for _, got := range append(list, one) {
		if want := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC); got != want {
			t.Errorf("got %#v, want %#v", got, want)
		}
	}
}

// TestMappedConstraintsExist finds entries of the error table that a changed
// schema has made dead.
func TestMappedConstraintsExist(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).URL)
	rows, err := d.Pool().Query(t.Context(), `
		SELECT conname::text FROM pg_constraint UNION SELECT relname::text FROM pg_class WHERE relkind = 'i'
		UNION SELECT object_kind || '_state_edge' FROM state_edge UNION SELECT tgname::text FROM pg_trigger`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}

	for _, name := range postgres.MappedConstraints() {
		if !there[name] {
			t.Errorf("the schema has no constraint %s", name)
		}
	}
}
