package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/causeway-fund/causeway/internal/errs"
)

// FS holds the goose files, those that are Go among them: their bytes name the
// schema.
//
//go:embed *.sql 0011_river.go
var FS embed.FS

// Up brings the database at url (the owner's) to the newest version. Racing
// callers are safe: one works, the others wait and find nothing to do.
func Up(ctx context.Context, url string) error {
	return with(url, func(db *sql.DB, p *goose.Provider) error {
		if err := checkRoles(ctx, db); err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return errs.Wrap(err, errs.Unavailable, "migration_failed", "The database could not be brought to the newest version. Nothing was half applied: each step is one transaction.")
		}
		return nil
	})
}

// checkRoles refuses early, with what to do, when the programs' two roles are not
// there and the caller may not make them.
func checkRoles(ctx context.Context, db *sql.DB) error {
	var may bool
	var who string
	err := db.QueryRowContext(ctx, `SELECT current_user, rolsuper OR rolcreaterole
		OR 2 = (SELECT count(*) FROM pg_roles WHERE rolname IN ('causeway_app', 'causeway_worker'))
		FROM pg_roles WHERE rolname = current_user`).Scan(&who, &may)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, "database_down", "The database did not tell who its owner is: "+err.Error()+". Nothing was changed.")
	}
	if !may {
		return errs.Newf(errs.Unavailable, "roles_missing",
			"The roles causeway_app and causeway_worker are missing, and %s may not make them. Nothing was changed. As PostgreSQL's superuser, run: %s",
			who, "ALTER ROLE "+pgx.Identifier{who}.Sanitize()+" CREATEROLE")
	}
	return nil
}

// Status describes one migration.
type Status struct {
	Version int64  `json:"version"`
	File    string `json:"file"`
	Applied bool   `json:"applied"`
}

// List tells which migrations the database at url has.
func List(ctx context.Context, url string) ([]Status, error) {
	var list []Status
	err := with(url, func(_ *sql.DB, p *goose.Provider) error {
		states, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("read migration status: %w", err)
		}
		for _, s := range states {
			list = append(list, Status{Version: s.Source.Version, File: s.Source.Path, Applied: s.State == goose.StateApplied})
		}
		return nil
	})
	return list, err
}

// Newest returns the version of the newest file.
func Newest() (int64, error) {
	sources, err := goose.NewProvider(goose.DialectPostgres, new(sql.DB), FS, goose.WithGoMigrations(goMigrations("")...))
	if err != nil {
		return 0, fmt.Errorf("read embedded migrations: %w", err)
	}
	list := sources.ListSources()
	return list[len(list)-1].Version, nil
}

// Check returns errs.Unavailable (schema_version) unless the database has
// exactly the version that this program was built for, River's tables included.
func Check(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
},
) error {
	want, err := Newest()
	if err != nil {
		return err
	}
	var got int64
	if err := conn.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&got); err != nil {
		return errs.Wrap(err, errs.Unavailable, "schema_version", "The database has no Causeway schema. Run: causeway migrate up")
	}
	if got != want {
		return errs.Newf(errs.Unavailable, "schema_version", "The database has schema version %d and this program needs %d. Run: causeway migrate up", got, want)
	}
	// A dump of some schemas alone would leave them out.
	if err := conn.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+RiverSchema+".river_migration WHERE line = 'main'").Scan(&got); err != nil || got < riverTarget {
		return errs.Wrap(err, errs.Unavailable, "schema_version", "The database lacks the tables of the job queue, in schema "+RiverSchema+". Restore a whole dump of it.")
	}
	return nil
}

func with(url string, f func(*sql.DB, *goose.Provider) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, "database_url", "The database URL cannot be read.")
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()

	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, FS, goose.WithSessionLocker(locker), goose.WithGoMigrations(goMigrations(url)...))
	if err != nil {
		return fmt.Errorf("read embedded migrations: %w", err)
	}
	return f(db, provider)
}
