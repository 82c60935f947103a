package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
)

// Schema is what a test database holds.
type Schema struct {
	// FS holds the migrations; their names and bytes name the template.
	FS fs.FS
	// Up brings the empty database at url to the newest version and closes
	// every connection it opened.
	Up func(ctx context.Context, url string) error
}

// templateLock keeps processes that share a server from making a template twice.
const templateLock = 0x70677465_7374 // "pgtest"

// templateName is the same for the same migrations, whoever asks.
func (s Schema) templateName() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(s.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(s.FS, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(b), b)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash migrations: %w", err)
	}
	return "cwt_" + hex.EncodeToString(sum.Sum(nil)[:10]), nil
}

// template returns the name of a migrated database to copy, making it the first
// time. Tests of one process wait for one another here.
func (s *server) template(ctx context.Context, schema Schema) (string, error) {
	name, err := schema.templateName()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready[name] {
		return name, nil
	}
	conn, err := pgx.Connect(ctx, s.url(s.maintenance))
	if err != nil {
		return "", err
	}
	err = s.makeTemplate(ctx, conn, name, schema)
	if closeErr := conn.Close(ctx); err == nil { // closing gives the lock back
		err = closeErr
	}
	if err != nil {
		return "", err
	}
	s.ready[name] = true
	return name, nil
}

func (s *server) makeTemplate(ctx context.Context, conn *pgx.Conn, name string, schema Schema) error {
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(templateLock)); err != nil {
		return err
	}
	var finished bool
	err := conn.QueryRow(
		ctx,
		"SELECT coalesce(bool_or(datistemplate), false) FROM pg_database WHERE datname = $1",
		name,
	).Scan(
		&finished,
	)
	if err != nil || finished {
		return err
	}
	// An unmarked one was left half made by a process that died.
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	if err := schema.Up(ctx, s.url(name)); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := allowLogin(ctx, conn); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")
	if err != nil {
		return err
	}
	// A pool may close its last connections a moment after Up returned.
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name)
	return err
}

// allowLogin lets the schema's roles log in here; in production they get their
// passwords from the administrator.
func allowLogin(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", []string{RoleApp, RoleWorker})
	if err != nil {
		return err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, role := range roles {
		if _, err := conn.Exec(ctx, "ALTER ROLE "+role+" LOGIN PASSWORD '"+RolePassword+"'"); err != nil {
			return fmt.Errorf("let %s log in: %w", role, err)
		}
	}
	return nil
}
