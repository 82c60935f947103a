package migrations_test

import (
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/postgres/pgtest"
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
