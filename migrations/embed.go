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
//go:embed *.sql 0012_river.go
var FS embed.FS

// Options of Up.
type Options struct {
	RolePrefix  string // "" for the roles that the database has, or DefaultPrefix for a new one
	SharedRoles bool   // databases of this cluster are copies of one another, as those of tests are
}

// Up brings the database at url (the owner's) to the newest version. Racing
// callers are safe: one works, the others wait and find nothing to do.
// Conflict "roles_taken": another database of the cluster has these roles; Conflict
// "role_prefix_kept": this one has others.
func Up(ctx context.Context, url string, o Options) error {
	return with(url, func(db *sql.DB, locker lock.SessionLocker) error {
		roles, fresh, err := rolesFor(ctx, db, o)
		if err != nil {
			return err
		}
		if err := checkRoles(ctx, db, roles, o.SharedRoles || !fresh); err != nil {
			return err
		}
		p, err := provider(url, db, roles, goose.WithSessionLocker(locker))
		if err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return errs.Wrap(
				err,
				errs.Unavailable,
				CodeMigrationFailed,
				"The database could not be brought to the newest version. Nothing was half applied: each step is one transaction.",
			)
		}
		return shutOut(ctx, db, roles)
	})
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
	err := with(url, func(db *sql.DB, locker lock.SessionLocker) error {
		p, err := provider(url, db, Roles{}, goose.WithSessionLocker(locker))
		if err != nil {
			return err
		}
		states, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("read migration status: %w", err)
		}
		for _, s := range states {
			list = append(
				list,
				Status{Version: s.Source.Version, File: s.Source.Path, Applied: s.State == goose.StateApplied},
			)
		}
		return nil
	})
	return list, err
}

// Newest returns the version of the newest file.
func Newest() (int64, error) {
	sources, err := goose.NewProvider(
		goose.DialectPostgres,
		new(sql.DB),
		FS,
		goose.WithGoMigrations(goMigrations("", Roles{})...),
	)
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
	if err := conn.QueryRow(
		ctx,
		"SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied",
	).Scan(
		&got,
	); err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeSchemaVersion,
			"The database has no Causeway schema. Run: causeway migrate up",
		)
	}
	if got != want {
		return errs.Newf(
			errs.Unavailable,
			CodeSchemaVersion,
			"The database has schema version %d and this program needs %d. Run: causeway migrate up",
			got,
			want,
		)
	}
	// A dump of some schemas alone would leave them out.
	if err := conn.QueryRow(
		ctx,
		"SELECT coalesce(max(version), 0) FROM "+RiverSchema+".river_migration WHERE line = 'main'",
	).Scan(
		&got,
	); err != nil ||
		got < riverTarget {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeSchemaVersion,
			"The database lacks the tables of the job queue, in schema "+RiverSchema+". Restore a whole dump of it.",
		)
	}
	return nil
}

func with(url string, f func(*sql.DB, lock.SessionLocker) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return errs.Wrap(err, errs.Unavailable, CodeDatabaseURL, "The database URL cannot be read.")
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()

	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	return f(db, locker)
}

func provider(url string, db *sql.DB, roles Roles, options ...goose.ProviderOption) (*goose.Provider, error) {
	p, err := goose.NewProvider(
		goose.DialectPostgres,
		db,
		named{roles},
		append(options, goose.WithGoMigrations(goMigrations(url, roles)...))...)
	if err != nil {
		return nil, fmt.Errorf("read embedded migrations: %w", err)
	}
	return p, nil
}
