package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// standing keeps for the dashboard where the leading worker is and what keeps it
// from going on. It is for the goroutine that leads.
type standing struct {
	w      *worker
	epoch  int64
	now    payout.Progress
	stored payout.Progress
}

const (
	standEvery  = time.Second      // while blocks are walked
	standAtRest = 30 * time.Second // when nothing changes
)

// moved notes a walked block; it is the follower's progress.
func (s *standing) moved(ctx context.Context) func(done, target int32) {
	return func(done, target int32) {
		s.w.metrics.tip.Set(float64(done))
		s.now.Walked, s.now.Target = done, target
		far := target-done > 10
		if now := s.w.clock.Now(); far && now.Sub(s.stored.At) >= standEvery {
			s.w.cfg.Log.InfoContext(
				ctx,
				"walking the chain",
				slog.Int("height", int(done)),
				slog.Int("target", int(target)),
			)
			s.store(ctx, now)
		}
	}
}

// rest stores what the round that ended leaves behind.
func (s *standing) rest(ctx context.Context) {
	s.now.Trouble = ""
	if trouble := s.w.trouble.Load(); trouble != nil {
		s.now.Trouble = *trouble
	}
	if s.now.Target == 0 {
		if tip, ok, err := s.w.store.Head(ctx); err == nil && ok {
			s.now.Walked, s.now.Target = tip.Height, tip.Height
		}
	}
	now := s.w.clock.Now()
	same := s.now
	same.At = s.stored.At
	if same != s.stored || now.Sub(s.stored.At) >= standAtRest {
		s.store(ctx, now)
	}
}

// store writes; a failure costs nothing but a line on a page, and is tried again.
func (s *standing) store(ctx context.Context, now time.Time) {
	p := s.now
	p.At = now
	if err := s.w.store.SetProgress(ctx, s.epoch, p); err == nil {
		s.stored = p
	}
}
