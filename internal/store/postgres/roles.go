package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/migrations"
)

// RoleName returns what a role of the programs, app or worker, is called in this
// database. Invalid "unknown_role".
func (d *DB) RoleName(ctx context.Context, role string) (string, error) {
	roles, err := migrations.RolesOf(ctx, d.pool)
	switch {
	case err != nil:
		return "", err
	case role == "app":
		return roles.App, nil
	case role == "worker":
		return roles.Worker, nil
	}
	return "", errs.Newf(
		errs.Invalid,
		CodeUnknownRole,
		"The roles are app and worker, not %s. Nothing was changed.",
		role,
	)
}

// LetIn allows a role, by its name in this database, to log in with password, and gives
// it its time-outs. Only the owner of the database may.
func (d *DB) LetIn(ctx context.Context, role, password string) error {
	// ALTER ROLE takes no parameters, so PostgreSQL itself quotes the password.
	return d.run(ctx, pgx.TxOptions{}, func(ctx context.Context, _ *db.Queries, tx pgx.Tx) error {
		var statement string
		err := tx.QueryRow(
			ctx,
			"SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)",
			role,
			password,
		).Scan(
			&statement,
		)
		if err != nil {
			return fmt.Errorf("quote password of %s: %w", role, err)
		}
		if _, err = tx.Exec(ctx, statement); err != nil {
			return err
		}
		return setLimits(ctx, tx, role)
	})
}

// setLimits gives the role its time-outs, for whoever logs in with another program.
func setLimits(ctx context.Context, tx pgx.Tx, role string) error {
	params := map[string]string{}
	limitsFor(role).apply(params)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		var statement string
		if err := tx.QueryRow(
			ctx,
			"SELECT format('ALTER ROLE %I SET %I = %L', $1::text, $2::text, $3::text)",
			role,
			name,
			params[name],
		).Scan(
			&statement,
		); err != nil {
			return fmt.Errorf("quote %s of %s: %w", name, role, err)
		}
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// CreateDatabase makes a database called name on the server of url, whose user
// must be allowed to. One that is there already is no error.
func CreateDatabase(ctx context.Context, url, name string) error {
	d, err := Open(ctx, url)
	if err != nil {
		return err
	}
	defer d.Close()
	var there bool
	if err := d.pool.QueryRow(
		ctx,
		"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
		name,
	).Scan(
		&there,
	); err != nil ||
		there {
		return mapError(err)
	}
	_, err = d.pool.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return mapError(err)
}
