package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// Store is what the jobs need of the database.
type Store interface {
	endpoint.Schedule

	// PlanSlot hands the next endpoints of a slot, at most limit, to fn, which adds
	// their jobs in tx; each endpoint once a slot. It reports whether all were.
	PlanSlot(
		ctx context.Context,
		slot, now time.Time,
		limit int,
		fn func(ctx context.Context, tx pgx.Tx, batch []endpoint.Plan) error,
	) (bool, error)
	// Asked returns the probers that were offered attempts of a slot.
	Asked(ctx context.Context, endpoint uuid.UUID, p vantage.Place, slot time.Time) ([]uuid.UUID, error)
	// Reprove hands endpoints whose proof is due again to fn, which adds their jobs
	// in tx, and moves their date on. Only ID and Control of an endpoint are set.
	Reprove(
		ctx context.Context,
		now time.Time,
		limit int,
		fn func(ctx context.Context, tx pgx.Tx, due []endpoint.Endpoint) error,
	) error
	// FirstDay returns the first day (UTC) that may lack its roll-up.
	FirstDay(ctx context.Context, now time.Time) (time.Time, error)
	// Prune forgets offers, leases and the like that nothing asks for any more.
	Prune(ctx context.Context, now time.Time) (int, error)
}

// Config is what a Scheduler is made of.
type Config struct {
	Store  Store
	Pool   *pgxpool.Pool // of role worker, on the same database as Store
	Clock  clock.Clock
	Random io.Reader // crypto/rand.Reader
	Log    *slog.Logger

	// Workers is how many jobs run at once; 0 for a number that fits one machine.
	Workers int
}

const (
	// schema holds River's tables; package migrations makes it.
	schema = "river"

	tickEvery  = 5 * time.Second
	stopWithin = 10 * time.Second

	// River fetches at most as many jobs as there are workers, and not more often
	// than this: together 2,000 checks a second, where 100,000 endpoints need 111.
	defaultWorkers = 100
	fetchEvery     = 50 * time.Millisecond

	// jobWithin bounds every job. Longer work is cut into pieces that go on where
	// the one before stopped, so that a machine that died holds nothing up.
	jobWithin   = 45 * time.Second
	rescueAfter = 90 * time.Second

	// keepDone is how long a job that is done keeps the same one from being added
	// again. It is short: there are a hundred checks a second.
	keepDone = 20 * time.Minute
)

// Scheduler runs the side work. Any number may run on one database.
type Scheduler struct {
	cfg   Config
	river *river.Client[pgx.Tx]

	mu         sync.Mutex
	vantages   []endpoint.Vantage // as of vantagesAt
	vantagesAt time.Time
	added      map[string]string // kind to the key of the job that was added last
}

// NewScheduler returns a Scheduler that does nothing before Run.
func NewScheduler(cfg Config) (*Scheduler, error) {
	s := &Scheduler{cfg: cfg, added: map[string]string{}}
	if s.cfg.Workers == 0 {
		s.cfg.Workers = defaultWorkers
	}
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, &checkWorker{s: s}),
		river.AddWorkerSafely(workers, &planWorker{s: s}),
		river.AddWorkerSafely(workers, &upkeepWorker{s: s}),
	); err != nil {
		return nil, fmt.Errorf("register jobs: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(cfg.Pool), &river.Config{
		Schema:  schema,
		Workers: workers,
		// Upkeep waits behind nobody, however many checks are due.
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: s.cfg.Workers},
			upkeepQueue:        {MaxWorkers: upkeepWorkers},
		},
		Logger:                      slog.New(warnings{cfg.Log.Handler()}),
		FetchCooldown:               fetchEvery,
		JobTimeout:                  jobWithin,
		RescueStuckJobsAfter:        rescueAfter,
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepDone,
		DiscardedJobRetentionPeriod: 24 * time.Hour,
		RetryPolicy:                 retrySoon{cfg.Clock},
		MaxAttempts:                 maxTries,
		ReindexerSchedule:           river.NeverSchedule(), // an index can be rebuilt by its owner alone
	})
	if err != nil {
		return nil, fmt.Errorf("make queue: %w", err)
	}
	s.river = client
	return s, nil
}

// Run works until ctx ends, then lets running jobs finish for a few seconds. It
// returns nil when it ended because of ctx.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	timer := time.NewTicker(tickEvery)
	defer timer.Stop()
	for ctx.Err() == nil {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.WarnContext(ctx, "scheduling the background jobs failed", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return s.stop(context.WithoutCancel(ctx))
}

func (s *Scheduler) stop(ctx context.Context) error {
	soft, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := s.river.Stop(soft); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := s.river.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// Tick adds the upkeep and planning that is due now. Each piece of work has a key
// with its time in it, so that several schedulers add it once.
func (s *Scheduler) Tick(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return err
	}
	slot := now.Truncate(policy.Slot)
	// Again every minute: should a planner die, the next one goes on.
	due := []river.JobArgs{planArgs{Slot: slot, Try: int(now.Sub(slot) / time.Minute)}}
	for _, u := range upkeep() {
		due = append(due, upkeepArgs{Work: u.name, At: now.Truncate(u.every)})
	}
	var errAll error
	for _, args := range due {
		errAll = errors.Join(errAll, s.add(ctx, args))
	}
	return errAll
}

// add adds a job of upkeep unless it was added before.
func (s *Scheduler) add(ctx context.Context, args river.JobArgs) error {
	kind, key := args.Kind(), fmt.Sprint(args)
	if u, ok := args.(upkeepArgs); ok {
		kind += " " + u.Work
	}
	s.mu.Lock()
	known := s.added[kind] == key
	s.mu.Unlock()
	if known {
		return nil
	}
	_, err := s.river.Insert(
		ctx,
		args,
		&river.InsertOpts{Queue: upkeepQueue, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true}},
	)
	if err != nil {
		return fmt.Errorf("add %s: %w", kind, err)
	}
	s.mu.Lock()
	s.added[kind] = key
	s.mu.Unlock()
	return nil
}

// Enqueuer returns what a store adds the jobs of later offers with, in its own
// transaction.
func Enqueuer() (func(ctx context.Context, tx pgx.Tx, offers []endpoint.Offer) error, error) {
	client, err := river.NewClient(
		riverpgxv5.New(nil),
		&river.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		return nil, fmt.Errorf("make queue: %w", err)
	}
	return func(ctx context.Context, tx pgx.Tx, offers []endpoint.Offer) error {
		return enqueue(ctx, client, tx, offers)
	}, nil
}

// enqueue adds the jobs of offers. One that is there already is not added again.
func enqueue(ctx context.Context, client *river.Client[pgx.Tx], tx pgx.Tx, offers []endpoint.Offer) error {
	if len(offers) == 0 {
		return nil
	}
	type attempt struct {
		endpoint uuid.UUID
		kind     vantage.Kind
		place    vantage.Place
		slot     int64
		no       int
	}
	params, known := make([]river.InsertManyParams, 0, len(offers)), map[attempt]bool{}
	for _, o := range offers {
		a := attempt{o.EndpointID, o.Kind, o.Place, o.Slot.UnixMicro(), o.Attempt}
		if known[a] { // River refuses one that is there twice in the same call
			continue
		}
		known[a] = true
		p := checkOf(o)
		p.InsertOpts.UniqueOpts = river.UniqueOpts{ByArgs: true}
		params = append(params, p)
	}
	if _, err := client.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("enqueue %d checks: %w", len(offers), err)
	}
	return nil
}

// warnings lets through what people have to look at; River tells much more.
type warnings struct{ slog.Handler }

// Enabled reports whether level is a warning or worse.
func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
