package app

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/breaker"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/programs/jobs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// WorkerConfig says what `causeway worker` runs on.
type WorkerConfig struct {
	DatabaseURLFile string // of the role worker
	Chain           chain.Config
	Second          *chain.Config // another node, which must agree and is told as well; nil: none
	SignerSockets   []string      // none: people bring every signature
	AuditKeyFile    string        // signs checkpoints
	AdminListen     string        // host:port of /readyz and /metrics; empty: none
	Poll            time.Duration // how often it looks by itself; blocks wake it at once
	Log             *slog.Logger
}

const (
	nodeCheckEvery  = 15 * time.Second
	estimateEvery   = 30 * time.Second
	checkpointEvery = 5 * time.Second
	retryLease      = time.Second
	retrySideWork   = 10 * time.Second
	sideConnections = 8 // of the side work's own pool
)

// worker is a running `causeway worker`.
type worker struct {
	cfg     WorkerConfig
	clock   clock.Clock
	db      *postgres.DB
	store   workerStore
	fund    fund.Fund
	signers []conductor.Signer
	sources []recovery.JournalSource // the same signers
	audit   *audit.Signer
	log     *audit.Log
	metrics *workerMetrics
	node    atomic.Pointer[chain.Client]
	known   chan struct{} // closed once node is set
	second  atomic.Pointer[chain.Client]
	trouble atomic.Pointer[string] // what the last round could not do; nil: nothing
	leading atomic.Bool
	due     chan struct{} // holds one value when people have made work
	often   troubles      // what is tried again every few seconds
}

// Work runs the chain follower and the conductor until ctx ends. Several may run;
// one leads, the others wait.
func Work(ctx context.Context, cfg WorkerConfig) error {
	w, err := newWorker(ctx, cfg)
	if err != nil {
		return err
	}
	defer w.db.Close()
	registry := prometheus.NewRegistry()
	w.metrics = newWorkerMetrics(registry)

	g, ctx := errgroup.WithContext(ctx)
	if cfg.AdminListen != "" {
		g.Go(func() error {
			return listen(ctx, cfg.AdminListen, server.NewAdmin(registry, w.checks(), w.clock), cfg.Log)
		})
	}
	g.Go(func() error { return w.lead(ctx) })
	g.Go(func() error { return w.sideWork(ctx) })
	return g.Wait()
}

// sideWork runs the queue of side work, which needs no leader. It never ends the
// worker: payments go on without it.
func (w *worker) sideWork(ctx context.Context) error {
	for {
		err := w.schedule(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		w.often.note(ctx, "background jobs stopped; starting them again", "", err)
		if !pause(ctx, retrySideWork) {
			return nil
		}
	}
}

func (w *worker) schedule(ctx context.Context) error {
	dbURL, err := readSecret("database URL", w.cfg.DatabaseURLFile)
	if err != nil {
		return err
	}
	// Checks that are due must not keep payments waiting for a connection.
	db, err := postgres.OpenPool(ctx, dbURL, sideConnections)
	if err != nil {
		return err
	}
	defer db.Close()
	enqueue, err := jobs.Enqueuer()
	if err != nil {
		return err
	}
	scheduler, err := jobs.NewScheduler(jobs.Config{
		Store: postgres.EndpointStore{
			DB:      db,
			Clock:   w.clock,
			Enqueue: enqueue,
		},
		Pool:   db.Pool(),
		Clock:  w.clock,
		Random: rand.Reader,
		Log:    w.cfg.Log,
	})
	if err != nil {
		return err
	}
	return scheduler.Run(ctx)
}

func newWorker(ctx context.Context, cfg WorkerConfig) (*worker, error) {
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	dbURL, err := readSecret("database URL", cfg.DatabaseURLFile)
	if err != nil {
		return nil, err
	}
	var signers []conductor.Signer
	var sources []recovery.JournalSource
	for _, socket := range cfg.SignerSockets {
		signer, err := signerrpc.New(signerrpc.Config{Socket: socket})
		if err != nil {
			return nil, err
		}
		signers, sources = append(signers, signer), append(sources, signer)
	}
	auditSigner, err := audit.LoadSigner(cfg.AuditKeyFile)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, dbURL)
	if err != nil {
		return nil, err
	}
	w := &worker{
		cfg:     cfg,
		clock:   clock.Real{},
		db:      db,
		store:   postgres.PayoutStore{DB: db},
		signers: signers,
		sources: sources,
		audit:   auditSigner,
		known:   make(chan struct{}),
		due:     make(chan struct{}, 1),
		often:   troubles{log: cfg.Log},
	}
	w.log = audit.NewLog(postgres.AuditStore{DB: db}, w.clock, auditSigner.PublicKey())
	if w.fund, err = w.bind(ctx); err != nil {
		db.Close()
		return nil, err
	}
	w.cfg.Chain.Network, w.cfg.Chain.Clock = w.fund.Network, w.clock
	if w.cfg.Second != nil {
		second := *w.cfg.Second
		second.Network, second.Clock = w.fund.Network, w.clock
		w.cfg.Second = &second
	}
	return w, nil
}

// bind refuses a database of another network and an audit key of another log.
func (w *worker) bind(ctx context.Context) (fund.Fund, error) {
	f, err := w.db.Fund(ctx)
	if err != nil {
		return f, err
	}
	params, err := f.Params()
	if err != nil {
		return f, err
	}
	if want := audit.Origin(f.ID.String()); w.audit.Origin() != want {
		return f, errs.Newf(
			errs.Unavailable,
			CodeWrongAuditKey,
			"The audit key file is for the log %s and this fund's is %s.",
			w.audit.Origin(),
			want,
		)
	}
	return f, w.db.CheckNetwork(ctx, params.Name, params.GenesisHash.String())
}

// lead takes the lease, works under it, and takes it again when it is lost.
func (w *worker) lead(ctx context.Context) error {
	for {
		waiting := func() {
			w.cfg.Log.InfoContext(ctx, "another worker is the leader; waiting")
			w.trouble.Store(nil) // what kept it from working as the leader is the other one's now
		}
		err := w.db.Lead(ctx, postgres.LeaseConfig{Now: w.clock.Now, Waiting: waiting, Due: w.wakeUp}, w.work)
		w.leading.Store(false)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		w.report(ctx, err)
		if !pause(ctx, retryLease) {
			return nil
		}
	}
}

// work runs under a lease until ctx ends.
func (w *worker) work(ctx context.Context, epoch int64) error {
	w.leading.Store(true)
	w.cfg.Log.InfoContext(ctx, "leading", slog.Int64("epoch", epoch))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.followAndPay(ctx, epoch) })
	g.Go(func() error { return w.watchBlocks(ctx) })
	g.Go(func() error { return w.letGo(ctx, epoch) })
	g.Go(func() error { return w.signCheckpoints(ctx) })
	g.Go(func() error { return w.lookNightly(ctx, epoch) })
	return g.Wait()
}

func (w *worker) followAndPay(ctx context.Context, epoch int64) error {
	conductor, err := conductor.New(conductor.Config{
		Store:       w.store,
		Signers:     w.signers,
		Broadcaster: broadcaster{w},
		Mempool:     mempool{w},
		Clock:       w.clock,
		Log:         w.cfg.Log,
		Epoch:       epoch,
	})
	if err != nil {
		return err
	}
	recovery, err := recovery.New(recovery.Config{
		Store: postgres.PayoutStore{DB: w.db}, Journals: w.sources, Clock: w.clock, Log: w.cfg.Log, Epoch: epoch,
	})
	if err != nil {
		return err
	}
	standing := &standing{w: w, epoch: epoch}
	follower, err := follower.New(follower.Config{
		Store:    w.store,
		Chain:    follow{w},
		Clock:    w.clock,
		Log:      w.cfg.Log,
		Epoch:    epoch,
		Recovery: recovery,
		Progress: standing.moved(ctx),
	})
	if err != nil {
		return err
	}
	market := fee.Config{
		Node:    market{w},
		Clock:   w.clock,
		Private: w.fund.Network == "simnet" || w.fund.Network == "regtest",
	}
	if w.fund.Network == "mainnet" {
		market.MaxTipAge = 3 * time.Hour
	}
	estimator, err := fee.New(market)
	if err != nil {
		return err
	}
	done := looked{estimator: estimator, recovery: recovery}
	for {
		err := w.round(ctx, epoch, follower, conductor, &done)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errs.Is(err, payout.CodeLeaseLost) {
			return err
		}
		w.report(ctx, err)
		standing.rest(ctx)
		if w.rest(ctx) {
			conductor.Retry()
		}
	}
}

// looked is what the rounds under one lease have looked at.
type looked struct {
	node      time.Time // when the node was last found fit
	estimated time.Time // when feerates were last estimated
	balanced  bool      // ledger and coins were compared at the synced tip
	estimator *fee.Estimator
	recovery  *recovery.Recovery // the database was held against the signers' journals
}

// round looks at the node, walks the chain and takes every due batch on. Nothing
// is built or signed on a chain that the node cannot vouch for, nor before ledger
// and coins were compared: whoever led before may have died in between. Nor before
// all that a signer ever released is in the database.
func (w *worker) round(
	ctx context.Context,
	epoch int64,
	follower *follower.Follower,
	conductor *conductor.Conductor,
	done *looked,
) error {
	if now := w.clock.Now(); now.Sub(done.node) >= nodeCheckEvery || w.trouble.Load() != nil {
		if err := w.checkNode(ctx); err != nil {
			return err
		}
		done.node = now
	}
	// A journal that cannot be read stops the walk where it matters, and every step.
	if done.recovery.Read(ctx) == nil && done.recovery.Lost() > 0 {
		w.report(ctx, done.recovery.Standing())
	}
	changed, err := follower.Sync(ctx)
	if changed {
		done.balanced = false
	}
	if err != nil {
		return err
	}
	// Fees are raised by what the newest block says; a look in between can wait for the
	// batches, as a mempool of mainnet takes seconds to read.
	if changed || done.estimated.IsZero() {
		w.estimate(ctx, epoch, done)
	}
	defer func() {
		if w.clock.Now().Sub(done.estimated) >= estimateEvery {
			w.estimate(ctx, epoch, done)
		}
	}()
	if err := done.recovery.Finish(ctx); err != nil {
		return err
	}
	if !done.balanced {
		if err := w.balance(ctx, epoch); err != nil {
			return err
		}
		done.balanced = true
	}
	err = conductor.Step(ctx)
	if open, readErr := w.store.Breakers(ctx); readErr == nil {
		w.metrics.stopped(open)
	}
	return err
}

// estimate asks what a transaction should pay and keeps it for the dashboard. A
// failure costs nothing but the estimate.
func (w *worker) estimate(ctx context.Context, epoch int64, done *looked) {
	done.estimated = w.clock.Now()
	e, err := done.estimator.Tick(ctx)
	if err == nil {
		err = w.store.SetEstimate(ctx, epoch, e)
	}
	w.often.note(ctx, "no feerate estimate", "feerates are estimated again", err)
}

// balance holds the ledger against the coins of the chain; a difference that two
// people have not accepted stops all signing.
func (w *worker) balance(ctx context.Context, epoch int64) error {
	h, err := w.store.Holdings(ctx)
	if err != nil {
		return err
	}
	w.metrics.observe(h)
	difference, err := breaker.CheckLedger(ctx, w.store, h, epoch, w.clock.Now())
	if difference != 0 && (h.Accepted == nil || h.Accepted.Amount != difference) {
		w.cfg.Log.ErrorContext(ctx, "ledger and chain disagree", slog.Int64("difference_sat", int64(difference)))
	}
	return err
}

func (w *worker) signCheckpoints(ctx context.Context) error {
	for {
		_, _, err := w.log.Checkpoint(ctx, w.audit)
		w.often.note(ctx, "signing a checkpoint failed", "checkpoints are signed again", err)
		if !pause(ctx, checkpointEvery) {
			return ctx.Err()
		}
	}
}

// report logs a trouble when it begins and when it ends, and keeps it for /readyz.
func (w *worker) report(ctx context.Context, err error) {
	before := w.trouble.Load()
	if err == nil {
		if before != nil {
			w.cfg.Log.InfoContext(ctx, "work resumed")
		}
		w.trouble.Store(nil)
		return
	}
	text := "internal error; see the log"
	var known *errs.Error
	if errors.As(err, &known) {
		text = known.Message
	}
	if before == nil || *before != text {
		w.cfg.Log.WarnContext(ctx, "work is blocked", slog.String("reason", text), slog.Any("error", err))
	}
	w.trouble.Store(&text)
}

// wakeUp says that people have made work. A value that waits already means the same.
func (w *worker) wakeUp() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// rest waits until there is something to do: a block, work that people made, which it
// reports, or the next look by itself. It ends with ctx too.
func (w *worker) rest(ctx context.Context) (people bool) {
	var block <-chan struct{} // none before the node is known
	if node := w.node.Load(); node != nil {
		block = node.Wake()
	}
	timer := time.NewTimer(w.cfg.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-block:
	case <-timer.C:
	case <-w.due:
		return true
	}
	return false
}

// pause waits for d; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	return true
}
