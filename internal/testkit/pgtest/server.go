package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
)

// EnvURL names the environment variable with the address of a server to use
// instead of starting one; its role must be a superuser. Many test processes
// may share such a server.
const EnvURL = "TEST_DATABASE_URL"

// server is where databases are made.
type server struct {
	base        *url.URL       // a superuser's address
	maintenance string         // a database that is always there
	idle        chan *pgx.Conn // to it, kept because a connection takes as long as to make a database; nil keeps none

	mu    sync.Mutex
	ready map[string]bool // templates known to be finished
}

// shared is this process's server. It is the one piece of state that tests have
// in common, because starting a server for each test would cost a second each.
var shared = sync.OnceValues(func() (*server, error) {
	address := os.Getenv(EnvURL)
	if address == "" {
		var err error
		if address, err = Start(context.Background()); err != nil {
			return nil, err
		}
	}
	s, err := newServer(address)
	if err != nil {
		return nil, err
	}
	s.idle = make(chan *pgx.Conn, 4)
	return s, nil
})

// Start starts a server that does not wait for its disk, and returns its superuser's
// address. It is gone, with all that it holds, as soon as this process is.
func Start(ctx context.Context) (address string, err error) {
	pg, dir, err := startPostgres(ctx, true)
	if err != nil {
		return "", err
	}
	if err := reapWithUs(pg.PID(), dir, pg.SocketDir()); err != nil {
		return "", errors.Join(err, pg.Kill(), os.RemoveAll(dir))
	}
	return pg.URL("postgres"), nil
}

func newServer(address string) (*server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf(
			"%s is not a postgres:// address",
			EnvURL,
		) // the address holds a password, so it is not shown
	}
	maintenance := strings.TrimPrefix(u.Path, "/")
	if maintenance == "" {
		maintenance = "postgres"
	}
	return &server{base: u, maintenance: maintenance, ready: make(map[string]bool)}, nil
}

func (s *server) url(database string) string {
	u := *s.base
	u.Path = "/" + database
	return u.String()
}

func (s *server) urlFor(role, database string) string {
	u := *s.base
	u.Path, u.User = "/"+database, url.UserPassword(role, RolePassword)
	return u.String()
}

const prefix = "causeway-pgtest-"

// tempDir makes the folder of a server: in memory, where there is room, if the server does not
// wait for its disk anyway. A database is 700 files, and a file system on a disk takes its time
// to make and to forget them.
func tempDir(volatile bool) (string, error) {
	place := inMemory()
	if !volatile || place == "" {
		return pgserver.TempDir(prefix)
	}
	dir, err := os.MkdirTemp(place, prefix)
	if err != nil {
		return pgserver.TempDir(prefix)
	}
	// PostgreSQL's account passes through; what is inside has modes of its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

func startPostgres(ctx context.Context, volatile bool) (*pgserver.Server, string, error) {
	dir, err := tempDir(volatile)
	if err != nil {
		return nil, "", err
	}
	pg, err := pgserver.Start(ctx, pgserver.Config{Dir: dir, Volatile: volatile})
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	return pg, dir, nil
}

// reaper waits for its standard input to end, which happens when the process
// that holds the other end is gone, however it went.
const reaper = `read -r _; kill -QUIT "$1"; n=0
while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done
rm -rf -- "$2" "$3"`

// reapWithUs leaves a small shell behind that stops process pid and removes the
// folders as soon as this process ends. A test process has no last word of its
// own: os.Exit, a time-out's panic and SIGKILL run no deferred call.
func reapWithUs(pid int, dirs ...string) error {
	cmd := exec.Command("/bin/sh", append([]string{"-c", reaper, "reaper", strconv.Itoa(pid)}, dirs...)...)
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the reaper: %w", err)
	}
	go func() { _ = cmd.Wait() }() // keeps the pipe reachable, so that it is not closed by the collector
	return nil
}

// Server is a PostgreSQL that belongs to one test, which may crash it.
type Server struct {
	dir      string
	volatile bool
	pg       *pgserver.Server
	srv      *server
}

// NewServer starts a PostgreSQL for t alone, gone when t ends. Like the shared one it does
// not wait for its disk.
func NewServer(t testing.TB) *Server {
	t.Helper()
	return newServerOf(t, true)
}

// NewDurable is NewServer with the settings of a release: it waits for its disk at every
// commit. For benchmarks.
func NewDurable(t testing.TB) *Server {
	t.Helper()
	return newServerOf(t, false)
}

func newServerOf(t testing.TB, volatile bool) *Server {
	t.Helper()
	pg, dir, err := startPostgres(t.Context(), volatile)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	s := &Server{dir: dir, volatile: volatile, pg: pg}
	t.Cleanup(func() {
		if err := errors.Join(s.pg.Kill(), os.RemoveAll(dir)); err != nil {
			t.Errorf("pgtest: stop server: %v", err)
		}
	})
	if s.srv, err = newServer(pg.URL("postgres")); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s
}

// New returns a fresh database on s with Causeway's schema in it. It goes with s.
func (s *Server) New(t testing.TB) *DB {
	t.Helper()
	return s.NewSchema(t, causeway())
}

// NewSchema returns a fresh database on s with schema in it. It goes with s.
func (s *Server) NewSchema(t testing.TB, schema Schema) *DB {
	t.Helper()
	template, err := s.srv.template(t.Context(), schema)
	if err != nil {
		t.Fatalf("pgtest: template: %v", err)
	}
	return s.srv.create(t, template)
}

// Kill9 ends the server with SIGKILL; committed work is on disk, sessions are lost.
func (s *Server) Kill9(t testing.TB) {
	t.Helper()
	if err := s.pg.Kill(); err != nil {
		t.Fatalf("pgtest: kill: %v", err)
	}
}

// Restart starts the server again on the same port and data, after Kill9 or by
// stopping it first; addresses stay valid.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.pg.Stop(t.Context()); err != nil {
		t.Fatalf("pgtest: stop: %v", err)
	}
	pg, err := pgserver.Start(t.Context(), pgserver.Config{Dir: s.dir, Port: s.pg.Port(), Volatile: s.volatile})
	if err != nil {
		t.Fatalf("pgtest: restart: %v", err)
	}
	s.pg = pg
}
