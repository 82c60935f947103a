package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// formerTimeout is how long a server that lost its parent may take to shut down.
const formerTimeout = 10 * time.Second

// cluster is one data folder with the binaries and the account that run it.
type cluster struct {
	Config
	in   Install
	user *proc.User
}

func (c cluster) path(name string) string { return filepath.Join(c.Dir, name) }

// environment is all that PostgreSQL sees of ours: nothing. Its messages stay in
// English, because errors are recognised in them.
func environment() []string {
	return []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
}

// args are the server's settings. The log settings keep people out of the log:
// neither who connected nor what was stored (terse drops the DETAIL line that
// quotes row values).
func (c cluster) args(port int, socket string) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=" + socket,
		"unix_socket_permissions=0700",
		"password_encryption=scram-sha-256",
		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=%m [%p] ",
		"log_connections=off",
		"log_disconnections=off",
		"log_hostname=off",
		"log_statement=none",
		"log_min_duration_statement=-1",
		"log_min_error_statement=panic",
		"log_parameter_max_length=0",
		"log_parameter_max_length_on_error=0",
		"log_error_verbosity=terse",
		"log_checkpoints=off",
		"jit=off",
	}
	if c.Volatile {
		settings = append(settings,
			"fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
			"max_connections=500", "autovacuum=off")
	}
	args := []string{"-D", c.path("data")}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// socketDir makes a folder short enough for a socket address (about 100 bytes
// at most) that only PostgreSQL's account may enter.
func (c cluster) socketDir() (string, error) {
	base := os.TempDir()
	if len(base) > 50 || proc.CheckReach(c.user, base) != nil {
		base = "/tmp"
	}
	dir, err := proc.TempDir(base, "causeway-pg-", c.path("socket"))
	if err != nil {
		return "", errs.Wrap(
			err,
			errs.Unavailable,
			CodeTempDirUnwritable,
			"Cannot make a folder for PostgreSQL's socket in "+base+".",
		)
	}
	if err := c.giveAway(dir); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

func (c cluster) giveAway(path string) error {
	if c.user == nil {
		return nil
	}
	if err := os.Chown(path, int(c.user.UID), int(c.user.GID)); err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeDataDirUnwritable,
			"Cannot give "+path+" to user "+c.user.Name+".",
		)
	}
	return nil
}

// ensureData returns the superuser's password, making the data first if there is
// none. The data is made aside and renamed, so half-made data is never used.
func (c cluster) ensureData(ctx context.Context) (string, error) {
	_, err := os.Stat(c.path("data"))
	if err == nil {
		return c.readPassword()
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	if err := os.WriteFile(c.path("password"), []byte(password+"\n"), 0o600); err != nil {
		return "", errs.Wrap(err, errs.Unavailable, errs.CodeDataDirUnwritable, "Cannot write to folder "+c.Dir+".")
	}
	if err := c.initdb(ctx, password); err != nil {
		return "", err
	}
	return password, nil
}

func (c cluster) readPassword() (string, error) {
	b, err := os.ReadFile(c.path("password"))
	if err != nil {
		return "", errs.Wrap(err, errs.Unavailable, errs.CodeDataDirDamaged,
			"The PostgreSQL data in "+c.Dir+" has lost its password file: restore the file or remove the folder.")
	}
	return strings.TrimSpace(string(b)), nil
}

func (c cluster) initdb(ctx context.Context, password string) (err error) {
	fresh, pwfile := c.path("data.new"), c.path("password.init")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := c.giveAway(fresh); err != nil {
		return err
	}
	// initdb runs as the other account, so it gets a copy of its own for a moment.
	if err := os.WriteFile(pwfile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(pwfile)) }()
	if err := c.giveAway(pwfile); err != nil {
		return err
	}
	args := []string{
		"-D", fresh, "-U", Superuser, "--pwfile", pwfile, "-A", "scram-sha-256",
		"-E", "UTF8", "--locale", "C", "--no-instructions",
		"--no-sync", // seconds saved; a power cut right now would lose an empty database
	}
	if err := c.runInitdb(ctx, args); err != nil {
		return err
	}
	return os.Rename(fresh, c.path("data"))
}

func (c cluster) runInitdb(ctx context.Context, args []string) error {
	logFile, err := os.OpenFile(c.path("initdb.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }() // the child's copy is what matters
	p, err := proc.Start(proc.Spec{
		Path: filepath.Join(
			c.in.BinDir,
			"initdb",
		),
		Args:   args,
		Env:    environment(),
		Dir:    c.Dir,
		User:   c.user,
		Output: logFile,
	})
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.Kill())
	}
	if err := p.Err(); err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodePostgresInit,
			"PostgreSQL could not make its data; see "+c.path("initdb.log")+".",
		)
	}
	return nil
}

// waitForFormer waits for a server on the same data whose parent died a moment
// ago and that is still shutting down.
func (c cluster) waitForFormer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formerTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		pid := c.formerPID()
		if pid == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errs.Newf(errs.Unavailable, errs.CodeAlreadyRunning,
				"Another PostgreSQL (process %d) is using %s: stop it first.", pid, c.Dir)
		}
	}
}

// formerPID is the live process named in the data's lock file, or 0.
func (c cluster) formerPID() int {
	b, err := os.ReadFile(c.path("data/postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return 0
	}
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return 0
	}
	if comm, err := os.ReadFile(
		fmt.Sprintf("/proc/%d/comm", pid),
	); err == nil &&
		strings.TrimSpace(string(comm)) != "postgres" {
		return 0 // the number went to another program; PostgreSQL sorts the stale file out
	}
	return pid
}
