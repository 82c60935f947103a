package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// RiverSchema is the PostgreSQL schema that holds the tables of River.
const RiverSchema = "river"

// What 0012 is: River's own migrations up to this one. A later River that needs
// more gets a file of its own, with its own target.
const (
	riverVersion = 12
	riverTarget  = 8
)

// riverGrants let the worker work jobs, and the application add some in the
// transaction of what they follow from. Adding looks for duplicates, which takes
// the right to update what it finds.
const riverGrants = `
GRANT USAGE ON SCHEMA river TO causeway_app, causeway_worker;
GRANT SELECT ON river.river_migration TO causeway_app, causeway_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON river.river_job, river.river_leader, river.river_queue, river.river_notification TO causeway_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA river TO causeway_worker;
GRANT SELECT, INSERT, UPDATE ON river.river_job TO causeway_app;
GRANT USAGE, SELECT ON SEQUENCE river.river_job_id_seq TO causeway_app;
`

// goMigrations are those that are no SQL files. River's cannot run in one
// transaction (a value is added to a type and used); each of its own steps is
// one, and running it again goes on where it stopped.
func goMigrations(url string, roles Roles) []*goose.Migration {
	return []*goose.Migration{goose.NewGoMigration(riverVersion,
		&goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return upRiver(ctx, url, roles) }},
		&goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "DROP SCHEMA "+RiverSchema+" CASCADE")
			return err
		}})}
}

func upRiver(ctx context.Context, url string, roles Roles) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("make pool: %w", err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+RiverSchema); err != nil {
		return fmt.Errorf("make schema: %w", err)
	}
	migrator, err := rivermigrate.New(
		riverpgxv5.New(pool),
		&rivermigrate.Config{Schema: RiverSchema, Logger: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		return fmt.Errorf("make migrator: %w", err)
	}
	if _, err := migrator.Migrate(
		ctx,
		rivermigrate.DirectionUp,
		&rivermigrate.MigrateOpts{TargetVersion: riverTarget},
	); err != nil {
		return fmt.Errorf("migrate River to %d: %w", riverTarget, err)
	}
	if _, err := pool.Exec(ctx, string(named{roles}.in([]byte(riverGrants)))); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}
