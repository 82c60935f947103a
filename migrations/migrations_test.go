package migrations_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/migrations"
)

func TestCheckMissesTheTablesOfTheQueue(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	owner := base.Pool(t)
	if err := migrations.Check(t.Context(), base.AppPool(t)); err != nil {
		t.Errorf("as app: %v", err)
	}
	if err := migrations.Check(t.Context(), base.WorkerPool(t)); err != nil {
		t.Errorf("as worker: %v", err)
	}

	if _, err := owner.Exec(t.Context(), "DELETE FROM river.river_migration WHERE version > 6"); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Check(t.Context(), owner); !errs.Is(err, "schema_version") {
		t.Errorf("an older queue: %v", err)
	}
	if _, err := owner.Exec(t.Context(), "DROP SCHEMA river CASCADE"); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Check(t.Context(), owner); !errs.Is(err, "schema_version") {
		t.Errorf("no queue: %v", err)
	}
}

// TestUpAgainChangesNothing also goes on after a River that stopped half way.
func TestUpAgainChangesNothing(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	owner := base.Pool(t)
	if err := migrations.Up(t.Context(), base.URL); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DELETE FROM goose_db_version WHERE version_id = 11",
		"DELETE FROM river.river_migration WHERE version = 8",
		"REVOKE ALL ON river.river_job FROM causeway_worker",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	if err := migrations.Up(t.Context(), base.URL); err != nil {
		t.Fatal(err)
	}

	if err := migrations.Check(t.Context(), base.WorkerPool(t)); err != nil {
		t.Error(err)
	}
	if _, err := base.WorkerPool(t).Exec(t.Context(), "SELECT FROM river.river_job"); err != nil {
		t.Error(err)
	}
}

// TestUpSaysWhichRightItsOwnerLacks runs as owners of a database who are no
// superusers, as operators have them.
func TestUpSaysWhichRightItsOwnerLacks(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t) // its roles are its own
	base := server.NewSchema(t, pgtest.Schema{FS: fstest.MapFS{}, Up: func(context.Context, string) error { return nil }})
	admin := base.Pool(t)
	for _, sql := range []string{
		"DROP ROLE IF EXISTS causeway_app", "DROP ROLE IF EXISTS causeway_worker", "CREATE ROLE \"the owner\" LOGIN PASSWORD 'p'",
		"ALTER DATABASE " + base.Name + " OWNER TO \"the owner\"",
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	owner, err := postgres.RoleURL(base.URL, "the owner", "p")
	if err != nil {
		t.Fatal(err)
	}

	err = migrations.Up(t.Context(), owner)

	const cure = `ALTER ROLE "the owner" CREATEROLE`
	if !errs.Is(err, "roles_missing") || !strings.Contains(err.Error(), cure) {
		t.Fatalf("got %v, want roles_missing with %s", err, cure)
	}
	if _, err := admin.Exec(t.Context(), cure); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), owner); err != nil {
		t.Fatalf("after what the error told: %v", err)
	}
	if _, err := admin.Exec(t.Context(), `ALTER ROLE "the owner" NOCREATEROLE`); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), owner); err != nil {
		t.Errorf("with the roles there, the right is not needed: %v", err)
	}
}
