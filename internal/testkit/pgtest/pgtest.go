package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/causeway-fund/causeway/migrations"
)

// The roles that the schema makes for the programs; a test server lets them log
// in with RolePassword.
const (
	RoleApp      = "causeway_app"
	RoleWorker   = "causeway_worker"
	RolePassword = "pgtest"
)

const cleanupTimeout = 30 * time.Second

// DB is a database that belongs to one test.
type DB struct {
	Name      string
	URL       string // as its owner, who may do anything
	AppURL    string // as causeway_app
	WorkerURL string // as causeway_worker
}

// New returns a fresh database with Causeway's schema in it, dropped when t ends.
func New(t testing.TB) *DB {
	t.Helper()
	return NewSchema(t, causeway())
}

func causeway() Schema {
	return Schema{FS: migrations.FS, Up: func(ctx context.Context, url string) error {
		return migrations.Up(ctx, url, migrations.Options{SharedRoles: true})
	}}
}

// NewSchema returns a fresh database with schema in it, dropped when t ends.
func NewSchema(t testing.TB, schema Schema) *DB {
	t.Helper()
	srv, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return srv.newDB(t, schema)
}

func (s *server) newDB(t testing.TB, schema Schema) *DB {
	t.Helper()
	template, err := s.template(t.Context(), schema)
	if err != nil {
		t.Fatalf("pgtest: template: %v", err)
	}
	db := s.create(t, template)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanupTimeout)
		defer cancel()
		if err := s.exec(ctx, "DROP DATABASE "+db.Name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: drop database: %v", err)
		}
	})
	return db
}

func (s *server) create(t testing.TB, template string) *DB {
	t.Helper()
	name := "cw_" + strings.ToLower(rand.Text()[:16])
	// FILE_COPY halves the time, and there is no log to keep small.
	if err := s.exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY = FILE_COPY"); err != nil {
		t.Fatalf("pgtest: create database: %v", err)
	}
	return &DB{
		Name: name, URL: s.url(name),
		AppURL: s.urlFor(RoleApp, name), WorkerURL: s.urlFor(RoleWorker, name),
	}
}

// Pool returns a pool of the owner's connections, closed when t ends.
func (db *DB) Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, db.URL)
}

// AppPool returns a pool of role causeway_app's connections, closed when t ends.
func (db *DB) AppPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, db.AppURL)
}

// WorkerPool returns a pool of role causeway_worker's connections, closed when t
// ends.
func (db *DB) WorkerPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, db.WorkerURL)
}

func pool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatalf("pgtest: pool: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// exec runs one statement in the maintenance database, on a connection that is kept for the
// next one unless the statement failed.
func (s *server) exec(ctx context.Context, sql string) (err error) {
	var conn *pgx.Conn
	select {
	case conn = <-s.idle:
	default:
		if conn, err = pgx.Connect(ctx, s.url(s.maintenance)); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", sql, err), conn.Close(ctx))
	}
	select {
	case s.idle <- conn:
		return nil
	default:
		return conn.Close(ctx)
	}
}
