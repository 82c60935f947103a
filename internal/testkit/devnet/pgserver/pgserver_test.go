package pgserver_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
)

// openDir is a temporary folder that PostgreSQL's own account may pass through,
// which t.TempDir is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Config{Dir: dir, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func TestDataSurvivesStopAndStart(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	first := start(t, dir)
	if _, err := connect(t, first.URL("postgres")).Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.SocketDir()); !os.IsNotExist(err) {
		t.Errorf("socket folder is still there: %v", err)
	}

	second := start(t, dir)

	var n int
	if err := connect(t, second.URL("postgres")).QueryRow(t.Context(), "SELECT n FROM kept").Scan(&n); err != nil || n != 42 {
		t.Errorf("read %d, %v, want 42", n, err)
	}
}

func TestOnlyThisMachineAndOnlyWithThePassword(t *testing.T) {
	t.Parallel()
	s := start(t, openDir(t))

	got := settings(t, connect(t, s.URL("postgres")), "listen_addresses")
	if diff := cmp.Diff(map[string]string{"listen_addresses": "127.0.0.1"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, url := range []string{
		s.URLFor(pgserver.Superuser, "wrong", "postgres"),
		"postgres://" + pgserver.Superuser + ":wrong@/postgres?host=" + s.SocketDir(),
	} {
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			t.Errorf("let in without the password at %s", conn.Config().Host)
		}
	}
}

func settings(t *testing.T, conn *pgx.Conn, names ...string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for _, name := range names {
		var value string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		got[name] = value
	}
	return got
}

func TestLogHoldsNoValuesAndNoClients(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := start(t, dir)
	conn := connect(t, s.URL("postgres"))
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t (v text PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}

	// The second insert breaks a rule, which is what PostgreSQL likes to explain
	// with the row's values; the literal would show if statements were logged.
	for range 2 {
		_, _ = conn.Exec(t.Context(), "INSERT INTO t VALUES ($1)", "canary-parameter")
	}
	_, _ = conn.Exec(t.Context(), "INSERT INTO nowhere VALUES ('canary-literal')")

	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "duplicate key") {
		t.Errorf("the log lacks the error, so this test proves nothing:\n%s", log)
	}
	for _, secret := range []string{"canary", "connection received", "host="} {
		if strings.Contains(string(log), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	want := map[string]string{
		"log_connections": "off", "log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
		"log_min_duration_statement": "-1", "log_error_verbosity": "terse",
	}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	if diff := cmp.Diff(want, settings(t, conn, names...)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTakenPortIsOneLine(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("address %v", l.Addr())
	}

	_, err = pgserver.Start(t.Context(), pgserver.Config{Dir: openDir(t), Port: addr.Port, Volatile: true})

	if !errs.Is(err, "port_taken") {
		t.Errorf("got %v, want port_taken", err)
	}
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	start(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()

	_, err := pgserver.Start(ctx, pgserver.Config{Dir: dir, Volatile: true})

	if !errs.Is(err, "already_running") {
		t.Errorf("got %v, want already_running", err)
	}
}

func TestDataOfAnotherVersionIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	version := filepath.Join(dir, "data", "PG_VERSION")
	if err := os.MkdirAll(filepath.Dir(version), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	_, err := pgserver.Start(t.Context(), pgserver.Config{Dir: dir})

	if !errs.Is(err, "postgres_missing") || !strings.Contains(err.Error(), "PostgreSQL 9, which made the existing data") {
		t.Errorf("got %v, want postgres_missing that names version 9", err)
	}
	if b, err := os.ReadFile(version); err != nil || string(b) != "9\n" {
		t.Errorf("the data was touched: %q, %v", b, err)
	}
}

func TestHalfMadeDataIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o755); err != nil {
		t.Fatal(err)
	}

	s := start(t, dir)

	connect(t, s.URL("postgres"))
}
