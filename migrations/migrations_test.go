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
	if err := migrations.Up(t.Context(), base.URL, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DELETE FROM goose_db_version WHERE version_id = 12",
		"DELETE FROM river.river_migration WHERE version = 8",
		"REVOKE ALL ON river.river_job FROM causeway_worker",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	if err := migrations.Up(t.Context(), base.URL, migrations.Options{}); err != nil {
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

	err = migrations.Up(t.Context(), owner, migrations.Options{})

	const cure = `ALTER ROLE "the owner" CREATEROLE`
	if !errs.Is(err, "roles_missing") || !strings.Contains(err.Error(), cure) {
		t.Fatalf("got %v, want roles_missing with %s", err, cure)
	}
	if _, err := admin.Exec(t.Context(), cure); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), owner, migrations.Options{}); err != nil {
		t.Fatalf("after what the error told: %v", err)
	}
	if _, err := admin.Exec(t.Context(), `ALTER ROLE "the owner" NOCREATEROLE`); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), owner, migrations.Options{}); err != nil {
		t.Errorf("with the roles there, the right is not needed: %v", err)
	}
}

// TestTwoFundsOfOnePostgreSQLHaveRolesOfTheirOwn sets two up as their owner would, each
// with its programs' passwords: the second set-up must neither lock the first out nor let
// its programs in there.
func TestTwoFundsOfOnePostgreSQLHaveRolesOfTheirOwn(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	empty := pgtest.Schema{FS: fstest.MapFS{}, Up: func(context.Context, string) error { return nil }}
	first, second := server.NewSchema(t, empty), server.NewSchema(t, empty)
	up := func(base *pgtest.DB, prefix string) error {
		return migrations.Up(t.Context(), base.URL, migrations.Options{RolePrefix: prefix})
	}
	if err := up(first, ""); err != nil {
		t.Fatal(err)
	}
	enter := func(base *pgtest.DB, role, password string) string {
		t.Helper()
		db, err := postgres.Open(t.Context(), base.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		name, err := db.RoleName(t.Context(), role)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.LetIn(t.Context(), name, password); err != nil {
			t.Fatal(err)
		}
		url, err := postgres.RoleURL(base.URL, name, password)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	firstApp := enter(first, "app", "one")

	err := up(second, "")
	if !errs.Is(err, "roles_taken") || !strings.Contains(err.Error(), first.Name) || !strings.Contains(err.Error(), "--role-prefix") {
		t.Fatalf("the first fund's roles: %v", err)
	}
	if _, err := second.Pool(t).Exec(t.Context(), "SELECT FROM fund"); err == nil {
		t.Error("a refused set-up left tables")
	}
	for _, bad := range []string{"Grants", "a-b", "1st", strings.Repeat("a", 42), "x; DROP ROLE causeway_app", " "} {
		if err := up(second, bad); !errs.Is(err, "role_prefix") {
			t.Errorf("prefix %q: %v", bad, err)
		}
	}
	if err := up(second, "grants_ir"); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", "grants_ir"} {
		if err := up(second, prefix); err != nil {
			t.Errorf("again with prefix %q: %v", prefix, err)
		}
	}
	if err := up(second, "causeway"); !errs.Is(err, "role_prefix_kept") {
		t.Errorf("another prefix later: %v", err)
	}

	secondApp := enter(second, "app", "two")
	enter(second, "worker", "three")
	for name, url := range map[string]string{"first": firstApp, "second": secondApp} {
		db, err := postgres.Open(t.Context(), url)
		if err != nil {
			t.Errorf("the %s fund's serve is locked out: %v", name, err)
			continue
		}
		if err := migrations.Check(t.Context(), db.Pool()); err != nil {
			t.Errorf("the %s fund: %v", name, err)
		}
		db.Close()
	}
	shut := func(when string) {
		t.Helper()
		if db, err := postgres.Open(t.Context(), strings.Replace(secondApp, second.Name, first.Name, 1)); err == nil {
			db.Close()
			t.Errorf("%s the second fund's serve reaches the first one's database", when)
		}
	}
	shut("after the set-up")
	// A database that was made for a dump is open to everybody again.
	if _, err := first.Pool(t).Exec(t.Context(), "GRANT CONNECT ON DATABASE "+first.Name+" TO PUBLIC"); err != nil {
		t.Fatal(err)
	}
	if err := up(first, ""); err != nil {
		t.Fatal(err)
	}
	shut("after a restore")
}
