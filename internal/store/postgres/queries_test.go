package postgres_test

import (
	"encoding/json"
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

	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
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

// TestTheQueueIsReadByIndexes plans what the queue asks for once and for all
// parameters, on many applications, runs it, and counts the rows that it touches: no
// table is read whole, whatever is asked for.
func TestTheQueueIsReadByIndexes(t *testing.T) {
	t.Parallel()
	owner := open(t, pgtest.New(t).URL)
	const n, look = 20_000, 50
	exec(t, owner, `INSERT INTO fund (id, name, descriptor, birthday_height, budget_sat, min_amount_sat, max_amount_sat, policy_version, quorum, max_feerate_sat_kvb, max_fee_sat,
		pay_window_days, paid_depth, final_depth, created_at) VALUES (gen_random_uuid(), 'f', 'd', 0, 50000000, 10000, 5000000, 1, 2, 100000, 100000, 90, 6, 100, now())`)
	exec(t, owner, `INSERT INTO staff (id, name, created_at) VALUES ('00000000-0000-0000-0000-00000000000a', 'Ada', now())`)
	exec(t, owner, `ALTER TABLE vote DISABLE TRIGGER ALL`)
	exec(t, owner, `INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index, title_words,
			data_key, key_id, submitted_at, changed_at)
		SELECT gen_random_uuid(), f.id, 'GR-' || n, 'x y ' || n, (ARRAY['submitted', 'in_review', 'ready', 'declined'])[n % 4 + 1], 1, 1, '{socks5}', 'IR', 'fa', 1, sha256('one'),
			ARRAY[1, n % 500], 'k', 'k', now() - n * interval '1 minute', now() FROM fund f, generate_series(1, $1::integer) n`, n)
	exec(t, owner, `INSERT INTO application_revision SELECT id, 1, '', sha256(''), 1, now() FROM application`)
	exec(t, owner, `INSERT INTO claim SELECT id, '00000000-0000-0000-0000-00000000000a', now() - interval '1 day' FROM application`)
	exec(t, owner, `INSERT INTO vote SELECT gen_random_uuid(), id, 1, sha256(''), '00000000-0000-0000-0000-00000000000a', 'approve', NULL, 'login', NULL, now() FROM application`)
	exec(t, owner, "VACUUM ANALYZE")
	conn, err := owner.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const states, before, ada = "'{submitted,in_review,ready,declined,withdrawn}'", "'9999-12-31', 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-00000000000a'"
	sample := "(SELECT array_agg(id) FROM (SELECT id FROM application ORDER BY reference LIMIT 50) x)"
	queries := generated(t)
	for name, args := range map[string]string{
		"QueueOfStates": states + "," + before + ", 50", "QueueOfRegion": states + ", 'IR'," + before + ", 50", "QueueOfLanguage": states + ", 'fa'," + before + ", 50",
		"QueueOfWord": "1," + before + ", 50", "QueueOfClaims": ada + ", now()," + before + ", 50", "QueueNamed": "'GR-7', 'x y 8'", "RarestWord": "'{1,7}'",
		"QueueFits": sample + "," + states + ", 'socks5', 'IR', 'fa', '{1}', false, " + ada + ", true, " + ada + ", now(), true", "QueueLines": ada + ", now(), " + sample,
		"CountApplications": "50, " + states,
	} {
		for _, sql := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE " + name + " AS " + queries[name]} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		var plan string
		// In a function, because EXECUTE takes no subquery.
		if err := conn.QueryRow(t.Context(), "SELECT array_agg(id)::text FROM (SELECT id FROM application ORDER BY reference LIMIT $1) x", look).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		sql := "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE " + name + "(" + strings.ReplaceAll(args, sample, "'"+plan+"'") + ")"
		if err := conn.QueryRow(t.Context(), sql).Scan(&plan); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		rows := rowsTouched(t, plan)
		if rows > 8_000 {
			t.Errorf("%s touches %d rows of %d:\n%s", name, rows, n, plan)
		}
		if whole := regexp.MustCompile(`"Seq Scan"[^{}]*"Relation Name": "(application\w*|vote|claim)"`).FindString(plan); whole != "" {
			t.Errorf("%s reads a table whole: %s", name, whole)
		}
	}
}

// rowsTouched adds up the rows that the scans of a plan gave or threw away.
func rowsTouched(t *testing.T, plan string) int64 {
	t.Helper()
	type node struct {
		Type    string  `json:"Node Type"`
		Rows    float64 `json:"Actual Rows"`
		Loops   float64 `json:"Actual Loops"`
		Removed float64 `json:"Rows Removed by Filter"`
		Plans   []node
	}
	var top []struct{ Plan node }
	if err := json.Unmarshal([]byte(plan), &top); err != nil || len(top) != 1 {
		t.Fatalf("%v: %s", err, plan)
	}
	var sum func(n node) float64
	sum = func(n node) float64 {
		rows := 0.0
		if strings.Contains(n.Type, "Scan") && len(n.Plans) == 0 {
			rows = (n.Rows + n.Removed) * n.Loops
		}
		for _, below := range n.Plans {
			rows += sum(below)
		}
		return rows
	}
	return int64(sum(top[0].Plan))
}
