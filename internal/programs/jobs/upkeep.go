package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const (
	upkeepQueue   = "upkeep"
	upkeepWorkers = 4

	expireAtOnce  = 500
	rollAtOnce    = 500
	reproveAtOnce = 200
	gatesAtOnce   = 50

	// pieceOf is how long a job works before it makes room and goes on later.
	pieceOf = jobWithin / 2

	// A confirmation of a check that a prober took and did not answer.
	againSoonest = 20 * time.Second
	againLatest  = 60 * time.Second

	// A day is rolled up when its last confirmation is surely in.
	rollAfter = 15 * time.Minute

	daysAhead = 3

	// reproveWithin spreads proofs that are due again, so that an operator does not
	// know when to be honest.
	reproveWithin = 20 * time.Hour
	proofFor      = 10 * time.Minute

	shredAfter = 14 * 24 * time.Hour
)

// work is a piece of upkeep; it reports whether some is left.
type work struct {
	name  string
	every time.Duration
	do    func(s *Scheduler, ctx context.Context) (more bool, err error)
}

// upkeep lists what is done at fixed times.
func upkeep() []work {
	return []work{
		{"expire", 15 * time.Second, (*Scheduler).expire},
		{"partitions", time.Hour, (*Scheduler).partitions},
		{"roll", time.Hour / 2, (*Scheduler).roll},
		{"reprove", 10 * time.Minute, (*Scheduler).reprove},
		{"shred", 6 * time.Hour, (*Scheduler).shred},
		{"prune", 5 * time.Minute, (*Scheduler).prune},
		{"gates", time.Minute, (*Scheduler).gates},
	}
}

// upkeepArgs asks for a piece of upkeep. At makes it one of its time.
type upkeepArgs struct {
	Work string    `json:"work"`
	At   time.Time `json:"at"`
}

// Kind names the job.
func (upkeepArgs) Kind() string { return "upkeep" }

type upkeepWorker struct {
	river.WorkerDefaults[upkeepArgs]
	s *Scheduler
}

// Work does the upkeep; should some be left, it comes again.
func (w *upkeepWorker) Work(ctx context.Context, job *river.Job[upkeepArgs]) error {
	for _, u := range upkeep() {
		if u.name != job.Args.Work {
			continue
		}
		more, err := u.do(w.s, ctx)
		if err == nil && more {
			return river.JobSnooze(time.Second)
		}
		return err
	}
	return river.JobCancel(fmt.Errorf("no upkeep is called %q", job.Args.Work))
}

// pieces calls do until it has nothing left, or for as long as one job may take.
func (s *Scheduler) pieces(do func() (more bool, err error)) (bool, error) {
	until := s.cfg.Clock.Now().Add(pieceOf)
	for {
		more, err := do()
		if err != nil || !more {
			return false, err
		}
		if !s.cfg.Clock.Now().Before(until) {
			return true, nil
		}
	}
}

// expire ends offers whose time is over. A check of a slot that nobody answered is
// offered again while its slot lasts.
func (s *Scheduler) expire(ctx context.Context) (bool, error) {
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return false, err
	}
	return s.pieces(func() (bool, error) {
		now := s.cfg.Clock.Now()
		ended, err := s.cfg.Store.Expired(ctx, now, expireAtOnce)
		if err != nil {
			return false, err
		}
		again, err := s.again(ended, policy, now)
		if err != nil {
			return false, err
		}
		if len(again) > 0 {
			// Not in the transaction that ended them: should this be lost, the slot stays
			// unknown, which is held against nobody.
			err = pgx.BeginFunc(ctx, s.cfg.Pool, func(tx pgx.Tx) error { return enqueue(ctx, s.river, tx, again) })
		}
		return len(ended) == expireAtOnce, err
	})
}

// again returns the offers that follow on those that ended without an answer.
func (s *Scheduler) again(ended []endpoint.Offer, policy endpoint.Policy, now time.Time) ([]endpoint.Offer, error) {
	var list []endpoint.Offer
	for _, o := range ended {
		if o.Kind != vantage.KindSlot || o.Attempt > policy.Confirmations {
			continue
		}
		end := o.Slot.Add(policy.Slot + slotGrace)
		due, err := chance.Moment(s.cfg.Random, now.Add(againSoonest), now.Add(againLatest))
		if err != nil {
			return nil, err
		}
		if !due.Before(end) {
			continue
		}
		id, err := uuid.NewRandomFromReader(s.cfg.Random)
		if err != nil {
			return nil, fmt.Errorf("draw id: %w", err)
		}
		list = append(list, endpoint.Offer{
			ID:         id,
			EndpointID: o.EndpointID,
			Kind:       o.Kind,
			Mode:       o.Mode,
			Place:      o.Place,
			Slot:       o.Slot,
			Attempt:    o.Attempt + 1,
			Due:        due,
			Until:      end,
		})
	}
	return list, nil
}

// partitions makes the tables of the days to come and drops those that are old.
func (s *Scheduler) partitions(ctx context.Context) (bool, error) {
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return false, err
	}
	today := uptime.Midnight(s.cfg.Clock.Now())
	made, dropped, err := s.cfg.Store.Partitions(
		ctx,
		today.AddDate(0, 0, -1),
		today.AddDate(0, 0, daysAhead),
		today.Add(-policy.KeepRaw),
	)
	if err == nil && made+dropped > 0 {
		s.cfg.Log.InfoContext(
			ctx,
			"result tables created and dropped",
			slog.Int("made", made),
			slog.Int("dropped", dropped),
		)
	}
	return false, err
}

// roll rolls up the days that are over and were not, the oldest first.
func (s *Scheduler) roll(ctx context.Context) (bool, error) {
	day, err := s.cfg.Store.FirstDay(ctx, s.cfg.Clock.Now())
	if err != nil {
		return false, err
	}
	return s.pieces(func() (bool, error) {
		if s.cfg.Clock.Now().Before(day.AddDate(0, 0, 1).Add(rollAfter)) {
			return false, nil
		}
		n, err := s.cfg.Store.RollUp(ctx, day, rollAtOnce)
		if n == 0 {
			day = day.AddDate(0, 0, 1)
		}
		return true, err
	})
}

// reprove asks for proofs that are due again, each at a moment of its own.
func (s *Scheduler) reprove(ctx context.Context) (bool, error) {
	return s.pieces(func() (bool, error) {
		n := 0
		now := s.cfg.Clock.Now().Truncate(time.Microsecond)
		err := s.cfg.Store.Reprove(
			ctx,
			now,
			reproveAtOnce,
			func(ctx context.Context, tx pgx.Tx, due []endpoint.Endpoint) error {
				n = len(due)
				offers := make([]endpoint.Offer, len(due))
				for i, e := range due {
					at, err := chance.Moment(s.cfg.Random, now, now.Add(reproveWithin))
					if err != nil {
						return err
					}
					id, err := uuid.NewRandomFromReader(s.cfg.Random)
					if err != nil {
						return fmt.Errorf("draw id: %w", err)
					}
					offers[i] = endpoint.Offer{
						ID:         id,
						EndpointID: e.ID,
						Kind:       vantage.KindControl,
						Proof:      e.Control,
						Mode:       probe.Full,
						Place:      vantage.Outside,
						Slot:       now,
						Attempt:    1,
						Due:        at,
						Until:      at.Add(proofFor),
					}
				}
				return enqueue(ctx, s.river, tx, offers)
			},
		)
		return n == reproveAtOnce, err
	})
}

// shred removes what described endpoints that are no longer claimed.
func (s *Scheduler) shred(ctx context.Context) (bool, error) {
	n, err := s.cfg.Store.Shred(ctx, s.cfg.Clock.Now().Add(-shredAfter))
	if err == nil && n > 0 {
		s.cfg.Log.InfoContext(ctx, "shredded endpoints that no application lists any more", slog.Int("endpoints", n))
	}
	return false, err
}

func (s *Scheduler) prune(ctx context.Context) (bool, error) {
	_, err := s.cfg.Store.Prune(ctx, s.cfg.Clock.Now())
	return false, err
}
