package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/postgres/db"
)

// LetIn allows one of the two roles of the programs to log in with password.
// Only the owner of the database may.
func (d *DB) LetIn(ctx context.Context, role, password string) error {
	if role != "causeway_app" && role != "causeway_worker" {
		return errs.Newf(errs.Invalid, "unknown_role", "The roles are causeway_app and causeway_worker, not %s.", role)
	}
	// ALTER ROLE takes no parameters, so PostgreSQL itself quotes the password.
	return d.run(ctx, pgx.TxOptions{}, func(ctx context.Context, _ *db.Queries, tx pgx.Tx) error {
		var statement string
		err := tx.QueryRow(ctx, "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, password).Scan(&statement)
		if err != nil {
			return fmt.Errorf("quote password of %s: %w", role, err)
		}
		_, err = tx.Exec(ctx, statement)
		return err
	})
}
