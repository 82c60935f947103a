package pgserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// Superuser is the role that owns everything in a server of this package.
const Superuser = "causeway"

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
	pollEvery    = 10 * time.Millisecond
	retryEvery   = 200 * time.Millisecond
)

// Config says where and how to run the server.
type Config struct {
	// Dir holds everything: data/, password, postgres.log. It is made if
	// missing, and every folder above it must be open to the account that
	// PostgreSQL runs as.
	Dir string
	// Port is the TCP port on 127.0.0.1; 0 takes any free one.
	Port int
	// Volatile gives up safety against a power cut for speed (fsync off). A
	// SIGKILL still loses nothing. For tests.
	Volatile bool
	// Fetch, if set, is asked for a folder of binaries when none is installed.
	Fetch func(ctx context.Context, dir string) (binDir string, err error)
}

// Server is a running PostgreSQL; safe for concurrent use.
type Server struct {
	proc     *proc.Process
	user     *proc.User
	port     int
	password string
	socket   string // folder of the Unix socket, removed on stop
	volatile bool
}

// Start runs PostgreSQL on cfg.Dir, making its data first when there is none,
// and returns once it answers. Errors are Unavailable, with a line that says
// what to do.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	user, err := proc.Unprivileged(accounts...)
	if err != nil {
		return nil, err
	}
	if err := makeDir(cfg.Dir); err != nil {
		return nil, err
	}
	if err := proc.CheckReach(user, cfg.Dir); err != nil {
		return nil, err
	}
	in, err := pick(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := cluster{Config: cfg, in: in, user: user}
	password, err := c.ensureData(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.waitForFormer(ctx); err != nil {
		return nil, err
	}
	return c.start(ctx, password)
}

// makeDir makes dir so that an account other than ours may pass through it; the
// data and the password below it have modes of their own.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // see above
		return errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot make folder "+dir+" for PostgreSQL.",
		)
	}
	return nil
}

// pick chooses the binaries: those that match existing data, else the newest
// installed, else what cfg.Fetch brings.
func pick(ctx context.Context, cfg Config) (Install, error) {
	major := 0
	if b, err := os.ReadFile(filepath.Join(cfg.Dir, "data", "PG_VERSION")); err == nil {
		major = digits(string(b))
	}
	in, err := Find(ctx, major)
	if err == nil || cfg.Fetch == nil {
		return in, err
	}
	bin, fetchErr := cfg.Fetch(ctx, filepath.Join(cfg.Dir, "dist"))
	if fetchErr != nil {
		var known *errs.Error
		if errors.As(err, &known) {
			return Install{}, errs.Wrap(
				fetchErr,
				errs.Unavailable,
				known.Code,
				known.Message+" Downloading it did not work either.",
			)
		}
		return Install{}, fetchErr
	}
	return inspect(ctx, bin)
}

// mayPass reports whether a start failed for something that passes: a free port
// that was snatched between choosing and binding it, or sessions of a server that
// was killed a moment ago.
func (c cluster) mayPass(err error) bool {
	text := err.Error()
	return strings.Contains(text, "shared memory block") || c.Port == 0 && strings.Contains(text, "could not bind")
}

// start runs the server, again when what kept it from starting may pass.
func (c cluster) start(ctx context.Context, password string) (*Server, error) {
	for try := 0; ; try++ {
		port, err := proc.Port(ctx, c.Port, "PostgreSQL")
		if err != nil {
			return nil, err
		}
		s, err := c.startOn(ctx, port, password)
		if err == nil || try == 4 || !c.mayPass(err) {
			return s, err
		}
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (c cluster) startOn(ctx context.Context, port int, password string) (*Server, error) {
	socket, err := c.socketDir()
	if err != nil {
		return nil, err
	}
	logFile, err := os.OpenFile(c.path("postgres.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(socket))
	}
	death := syscall.SIGINT // fast shutdown: a clean checkpoint for the next start
	if c.Volatile {
		death = syscall.SIGQUIT
	}
	p, err := proc.Start(proc.Spec{
		Path: filepath.Join(
			c.in.BinDir,
			"postgres",
		),
		Args:        c.args(port, socket),
		Env:         environment(),
		Dir:         c.path("data"),
		User:        c.user,
		Output:      logFile,
		DeathSignal: death,
		StopSignal:  syscall.SIGINT,
	})
	err = errors.Join(err, logFile.Close())
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(socket))
	}
	s := &Server{proc: p, user: c.user, port: port, password: password, socket: socket, volatile: c.Volatile}
	if err := s.waitReady(ctx, c.path("postgres.log")); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// waitReady polls, since PostgreSQL tells nobody that it is up.
func (s *Server) waitReady(ctx context.Context, logPath string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-s.proc.Done():
			return errs.Newf(
				errs.Unavailable,
				CodePostgresStart,
				"PostgreSQL did not start: %s (its log is %s).",
				fatalLine(logPath),
				logPath,
			)
		case <-ctx.Done():
			return errs.Wrap(
				err,
				errs.Unavailable,
				CodePostgresStart,
				"PostgreSQL did not answer in time; its log is "+logPath+".",
			)
		}
	}
}

// fatalLine is the most telling line of a log of a server that did not start.
func fatalLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "no log"
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	for _, mark := range []string{"could not bind", "FATAL:", "PANIC:"} {
		for _, line := range lines {
			if _, after, ok := strings.Cut(string(line), mark); ok {
				return strings.TrimSpace(mark + after)
			}
		}
	}
	return string(lines[len(lines)-1])
}

// URL is the superuser's address of a database, password included.
func (s *Server) URL(database string) string {
	return s.URLFor(Superuser, s.password, database)
}

// URLFor is the address of a database for another role.
func (s *Server) URLFor(role, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Exec runs one statement as the superuser.
func (s *Server) Exec(ctx context.Context, database, sql string, args ...any) (err error) {
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql, args...)
	return err
}

// SocketDir is the folder of the Unix socket, for `psql -h`.
func (s *Server) SocketDir() string { return s.socket }

// Port is the TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.proc.PID() }

// Done is closed when PostgreSQL has exited, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.proc.Done() }

// Stop shuts PostgreSQL down, ending open sessions, and waits until it is gone.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return errors.Join(s.proc.Stop(ctx), os.RemoveAll(s.socket))
}
