package pgtest_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/migrations"
)

const ddl = `
CREATE TABLE coin (id int PRIMARY KEY);
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'causeway_app') THEN CREATE ROLE causeway_app NOLOGIN; END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'causeway_worker') THEN CREATE ROLE causeway_worker NOLOGIN; END IF;
END $$;
GRANT SELECT ON coin TO causeway_app;
GRANT SELECT, INSERT ON coin TO causeway_worker;`

var schema = pgtest.Schema{
	FS: fstest.MapFS{"0001_coin.sql": {Data: []byte(ddl)}},
	Up: func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, ddl); err != nil {
			return err
		}
		return conn.Close(ctx)
	},
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "two", "three", "four"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.NewSchema(t, schema)

			// The same key in every database clashes only if two share one.
			if _, err := db.Pool(t).Exec(t.Context(), "INSERT INTO coin VALUES (1)"); err != nil {
				t.Errorf("insert: %v", err)
			}
		})
	}
}

func TestRolesHaveTheirOwnRights(t *testing.T) {
	t.Parallel()
	db := pgtest.NewSchema(t, schema)

	_, appErr := db.AppPool(t).Exec(t.Context(), "INSERT INTO coin VALUES (1)")
	_, workerErr := db.WorkerPool(t).Exec(t.Context(), "INSERT INTO coin VALUES (1)")

	if appErr == nil {
		t.Error("causeway_app inserted without a grant")
	}
	if workerErr != nil {
		t.Errorf("causeway_worker could not insert: %v", workerErr)
	}
}

func TestCommittedWorkSurvivesKill9(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	db := server.NewSchema(t, schema)
	conn, err := pgx.Connect(t.Context(), db.WorkerURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO coin VALUES (7)"); err != nil {
		t.Fatal(err)
	}

	server.Kill9(t)
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a session outlived the server")
	}
	server.Restart(t)

	var n int
	if err := db.Pool(t).QueryRow(t.Context(), "SELECT count(*) FROM coin WHERE id = 7").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("after a crash: %d rows, want 1", n)
	}
}

func TestRealSchemaIsThere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)

	if err := migrations.Check(t.Context(), db.AppPool(t)); err != nil {
		t.Errorf("as %s: %v", pgtest.RoleApp, err)
	}
	if err := migrations.Check(t.Context(), db.WorkerPool(t)); err != nil {
		t.Errorf("as %s: %v", pgtest.RoleWorker, err)
	}
}
