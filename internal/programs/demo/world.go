package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/testkit/devnet"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
)

// network is where the demo's coins are worth nothing.
const network = "simnet"

// Config says where and how the demo runs.
type Config struct {
	Dir        string        // everything is kept here
	Port       int           // of API and dashboard; 0 takes any free one
	BlockEvery time.Duration // 0: blocks come only when asked for
	Volatile   bool          // PostgreSQL may lose data in a power cut; for what is thrown away
	Programs   string        // folder with causeway, causeway-signer and btcd
	Checks     bool          // servers are checked: an echo server runs, and StartProbers works
	Admin      bool          // worker and dashboard answer /readyz and /metrics on further free ports
	Poll       time.Duration // how often the worker looks without being woken; 0: four times a second
	Log        *slog.Logger

	places places // where the sample servers are; zero: anywhere
	forget bool   // what is there was never finished: only the chain is kept
}

// World is a running demo. Its exported parts are for tests that put faults into
// it.
type World struct {
	Devnet   *devnet.Devnet
	Services *app.Services // in this process, with a clock that seeding may turn back
	Clock    *shiftedClock
	URL      string   // of API and dashboard
	Env      []string // added for every program started from now on, for fault tests

	// URLs of /readyz and /metrics, with Config.Admin.
	ServeAdmin, WorkerAdmin string

	cfg    Config
	run    string // folder of the signer's socket
	port   int
	signer *proc.Process
	worker *proc.Process
	serve  *proc.Process
	log    *os.File
	lock   *os.File // held while this demo runs on its folder

	echo    *proc.Process // with Config.Checks
	echoURL string
	probers []*proc.Process
}

// shiftedClock is the real clock, or a time that seeding sets.
type shiftedClock struct{ at time.Time }

// Now returns the set time, or the real one.
func (c *shiftedClock) Now() time.Time {
	if c.at.IsZero() {
		return clock.Real{}.Now()
	}
	return c.at
}

func (w *World) path(elem ...string) string {
	return filepath.Join(append([]string{w.cfg.Dir}, elem...)...)
}

// Start brings the world up, resuming what is in cfg.Dir. Errors are one line
// that says what to do; nothing is left running then.
func Start(ctx context.Context, cfg Config) (w *World, err error) {
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("find %s: %w", cfg.Dir, err)
	}
	port, err := dashboardPort(ctx, cfg.Port)
	if err != nil {
		return nil, err
	}
	if cfg.places.World == 0 {
		cfg.places.World = loopback.DrawWorld()
	}
	w = &World{cfg: cfg, Clock: &shiftedClock{}, URL: "http://localhost:" + strconv.Itoa(port), port: port}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if w.lock, err = lockDir(cfg.Dir); err != nil {
		return w, err
	}
	for _, program := range []string{"causeway", "causeway-signer", "btcd"} {
		if _, err := os.Stat(filepath.Join(cfg.Programs, program)); err != nil {
			return w, errs.Newf(
				errs.Unavailable,
				CodeProgramMissing,
				"The program %s is not in %s. Run: make build",
				program,
				cfg.Programs,
			)
		}
	}
	w.Devnet, err = devnet.Start(ctx, devnet.Config{
		Dir:        cfg.Dir,
		Btcd:       filepath.Join(cfg.Programs, "btcd"),
		BlockEvery: cfg.BlockEvery,
		World:      cfg.places.World,
		ProxyPorts: cfg.places.ProxyPorts,
		Blocked:    w.blocked(),
		Volatile:   cfg.Volatile,
		Log:        cfg.Log,
	})
	if err != nil {
		return w, err
	}
	if cfg.forget {
		if err := w.forget(ctx); err != nil {
			return w, err
		}
	}
	if w.log, err = os.OpenFile(w.path("causeway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return w, fmt.Errorf("open the demo's log: %w", err)
	}
	if cfg.Admin {
		if err := w.chooseAdminPorts(ctx); err != nil {
			return w, err
		}
	}
	// A socket's path may not be long, and the data folder's may be.
	if w.run, err = proc.TempDir("", "causeway-run-", w.path("run")); err != nil {
		return w, errs.Wrap(
			err,
			errs.Unavailable,
			errs.CodeNoTempDir,
			"Cannot make a temporary folder for the signer's socket.",
		)
	}
	if err := w.startSigner(ctx); err != nil {
		return w, err
	}
	if err := w.openDatabase(ctx); err != nil {
		return w, err
	}
	if err := w.StartWorker(); err != nil {
		return w, err
	}
	if cfg.Checks {
		if err := w.startEcho(ctx); err != nil {
			return w, err
		}
	}
	if err := w.StartServe(ctx); err != nil || !cfg.Checks {
		return w, err
	}
	return w, w.enrolProbers(ctx)
}

func (w *World) chooseAdminPorts(ctx context.Context) error {
	for who, url := range map[string]*string{"the dashboard's health": &w.ServeAdmin, "the worker's health": &w.WorkerAdmin} {
		port, err := proc.Port(ctx, 0, who)
		if err != nil {
			return err
		}
		*url = "http://127.0.0.1:" + strconv.Itoa(port)
	}
	return nil
}

// startSigner makes the treasury's key on the first start, and runs the signer.
func (w *World) startSigner(ctx context.Context) error {
	if err := os.MkdirAll(w.path("signer"), 0o700); err != nil {
		return fmt.Errorf("make signer folder: %w", err)
	}
	if _, err := os.Stat(w.path("signer", "key.age")); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(
			w.path("signer", "passphrase"),
			[]byte("a demo treasury worth nothing\n"),
			0o600,
		); err != nil {
			return fmt.Errorf("write passphrase: %w", err)
		}
		if _, err := w.signerSays(ctx, "keygen", "--kind", "wpkh", "--work-factor", "12"); err != nil {
			return fmt.Errorf("make the treasury's key: %w", err)
		}
		out, err := w.signerSays(ctx, "init", "--journal", w.path("signer", "journal"))
		if err != nil {
			return fmt.Errorf("make the signer's journal: %w", err)
		}
		descriptor := regexp.MustCompile(`descriptor\s+(\S+)`).FindSubmatch(out)
		if descriptor == nil {
			return errors.New("causeway-signer init printed no descriptor")
		}
		if err := os.WriteFile(w.path("signer", "descriptor"), descriptor[1], 0o600); err != nil {
			return fmt.Errorf("write descriptor: %w", err)
		}
	}
	return w.StartSigner()
}

// signerSays calls causeway-signer for the treasury's key and returns what it prints.
func (w *World) signerSays(ctx context.Context, command string, args ...string) ([]byte, error) {
	args = append([]string{
		command, "--network", network, "--key-file", w.path("signer", "key.age"),
		"--passphrase-file", w.path("signer", "passphrase"),
	}, args...)
	//nolint:gosec // our own
	return exec.CommandContext(ctx, filepath.Join(w.cfg.Programs, "causeway-signer"), args...).Output()
}

// StartSigner runs the signer, again after it died.
func (w *World) StartSigner() (err error) {
	w.signer, err = w.start(
		"causeway-signer",
		"run",
		"--network",
		network,
		"--key-file",
		w.path("signer", "key.age"),
		"--journal",
		w.path("signer", "journal"),
		"--passphrase-file",
		w.path("signer", "passphrase"),
		"--socket",
		w.socket(),
	)
	return err
}

func (w *World) socket() string { return filepath.Join(w.run, "signer.sock") }

func (w *World) start(program string, args ...string) (*proc.Process, error) {
	p, err := proc.Start(proc.Spec{
		Path: filepath.Join(
			w.cfg.Programs,
			program,
		),
		Args:   args,
		Env:    append([]string{"PATH=" + os.Getenv("PATH"), "TZ=UTC"}, w.Env...),
		Output: w.log,
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return p, nil
}

// StartWorker runs the worker, again after it died.
func (w *World) StartWorker() (err error) {
	w.worker, err = w.start("causeway", w.WorkerArgs(w.WorkerAdmin)...)
	return err
}

// WorkerArgs is how the worker is called, with admin (a URL, may be empty) as
// its address for /readyz.
func (w *World) WorkerArgs(admin string) []string {
	node, poll := w.Devnet.Node, w.cfg.Poll
	if poll == 0 {
		poll = 250 * time.Millisecond
	}
	return []string{
		"worker",
		"--database-url-file",
		w.path("keys", "worker.url"),
		"--btcd-host",
		node.Host(),
		"--btcd-user",
		node.User(),
		"--btcd-pass-file",
		node.PassFile(),
		"--btcd-cert-file",
		node.CertFile(),
		"--signer-socket",
		w.socket(),
		"--audit-key-file",
		w.path("keys", "audit.key"),
		"--poll",
		poll.String(),
		"--admin-listen",
		strings.TrimPrefix(admin, "http://"),
	}
}

// ServeArgs is how the dashboard is called.
func (w *World) ServeArgs() []string {
	return append([]string{
		"serve",
		"--demo",
		"--listen",
		"127.0.0.1:" + strconv.Itoa(w.port),
		"--public-url",
		w.URL,
		"--database-url-file",
		w.path("keys", "app.url"),
		"--key-file",
		w.path("keys", "seal.key"),
		"--audit-public-key-file",
		w.path("keys", "audit.pub"),
		"--admin-listen",
		strings.TrimPrefix(w.ServeAdmin, "http://"),
	}, w.checksArgs()...)
}

// StartServe runs API and dashboard, and waits until they answer.
func (w *World) StartServe(ctx context.Context) (err error) {
	w.serve, err = w.start("causeway", w.ServeArgs()...)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Second}
	return w.Until(ctx, "the dashboard answers", func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, nil // not up yet
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// Worker and Signer return the running processes.
func (w *World) Worker() *proc.Process { return w.worker }

// Signer returns the signer's process.
func (w *World) Signer() *proc.Process { return w.signer }

const (
	pollEvery = 50 * time.Millisecond
	patience  = 60 * time.Second
)

// Until waits for cond, at most a minute, while every process of the demo lives.
func (w *World) Until(ctx context.Context, what string, cond func(ctx context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := cond(ctx)
		if ok || err != nil {
			return err
		}
		if err := w.died(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w; see %s", what, ctx.Err(), w.path("causeway.log"))
		case <-tick.C:
		}
	}
}

// died names a process of ours that has ended by itself.
func (w *World) died() error {
	for name, p := range map[string]*proc.Process{"causeway serve": w.serve} {
		if p == nil {
			continue
		}
		select {
		case <-p.Done():
			return errs.Newf(errs.Unavailable, devnet.CodePartDied, "%s has ended by itself: %s", name, w.lastLine())
		default:
		}
	}
	return nil
}

func (w *World) lastLine() string {
	text, err := os.ReadFile(w.path("causeway.log"))
	if err != nil {
		return "its log cannot be read"
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1])
}

// Run keeps the world going until ctx ends or a part of it dies.
func (w *World) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	all := map[string]*proc.Process{"causeway serve": w.serve, "causeway worker": w.worker, "causeway-signer": w.signer}
	if w.cfg.Checks {
		all["causeway echo"] = w.echo
		wg.Go(func() { w.hurry(ctx) })
	}
	for i, p := range w.probers {
		all[fmt.Sprintf("causeway prober %d", i+1)] = p
	}
	for name, p := range all {
		go func() {
			select {
			case <-ctx.Done():
			case <-p.Done():
				if ctx.Err() == nil {
					cancel(
						errs.Newf(
							errs.Unavailable,
							devnet.CodePartDied,
							"%s has ended by itself: %s",
							name,
							w.lastLine(),
						),
					)
				}
			}
		}()
	}
	err := w.Devnet.Run(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Stop ends everything that Start started.
func (w *World) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var problems []error
	for _, p := range slices.Concat(w.probers, []*proc.Process{w.serve, w.worker, w.signer, w.echo}) {
		if p != nil {
			problems = append(problems, p.Stop(ctx))
		}
	}
	if w.Services != nil {
		w.Services.DB.Close()
	}
	if w.Devnet != nil {
		problems = append(problems, w.Devnet.Stop(ctx))
	}
	if w.log != nil {
		problems = append(problems, w.log.Close())
	}
	if w.run != "" {
		problems = append(problems, os.RemoveAll(w.run))
	}
	if w.lock != nil { // the last thing: until now the folder was in use
		problems = append(problems, w.lock.Close())
		w.lock = nil
	}
	return errors.Join(problems...)
}
