package postgres_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/causeway-fund/causeway/internal/postgres/pgtest"
)

// TestEachQueryRunsAsTheseRoles plans every query as each role, which asks for
// the same rights as running it, and compares the outcome with a list that
// people read: a line is a query and the roles that may run it.
func TestEachQueryRunsAsTheseRoles(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	roles := map[string]*pgxpool.Conn{}
	for role, pool := range map[string]*pgxpool.Pool{"app": base.AppPool(t), "worker": base.WorkerPool(t)} {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		roles[role] = conn
	}
	queries := generated(t)
	lines := make([]string, 0, len(queries))
	for name, sql := range queries {
		may := []string{}
		for role, conn := range roles {
			if allowed(t, conn, name, sql) {
				may = append(may, role)
			}
		}
		slices.Sort(may)
		lines = append(lines, strings.TrimSpace(name+" "+strings.Join(may, " ")))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"

	golden := filepath.Join("testdata", "queries.txt")
	if os.Getenv("GOLDEN_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("testdata/queries.txt against the schema:\n%s\nthe schema says:\n%s", diff, got)
	}
}

// generated returns the statements of package db by name.
func generated(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("db", "*.sql.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated files: %v", err)
	}
	statement := regexp.MustCompile("(?s)`-- name: (\\w+) :\\w+\n(.*?)`")
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range statement.FindAllStringSubmatch(string(text), -1) {
			all[m[1]] = m[2]
		}
	}
	return all
}

// allowed reports whether the role of conn has the rights that sql needs.
func allowed(t *testing.T, conn *pgxpool.Conn, name, sql string) bool {
	t.Helper()
	if _, err := conn.Exec(t.Context(), "PREPARE "+name+" AS "+sql); err != nil {
		t.Fatalf("prepare %s: %v", name, err)
	}
	var nulls string
	err := conn.QueryRow(t.Context(), `SELECT coalesce('(' || string_agg('NULL', ',') || ')', '')
		FROM pg_prepared_statements, unnest(parameter_types) WHERE name = lower($1)`, name).Scan(&nulls)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "EXPLAIN EXECUTE "+name+nulls)
	const insufficientPrivilege = "42501"
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == insufficientPrivilege {
		return false
	}
	if err != nil {
		t.Fatalf("plan %s: %v", name, err)
	}
	return true
}
