package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/jobs"
)

// behind is the machine's clock, some time ago. River itself keeps to the machine's
// clock, so what is due later in a slot of then is due for it.
type behind struct{ by time.Duration }

func (b behind) Now() time.Time { return clock.Real{}.Now().Add(-b.by) }

// atHalf is a clock that stands in the middle of a slot of a day ago.
func atHalf() behind {
	now := clock.Real{}.Now()
	return behind{now.Sub(now.Truncate(15 * time.Minute).Add(-24*time.Hour + 7*time.Minute))}
}

// until waits for a condition, far longer than it takes.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("no %s in a minute", what)
		case <-tick.C:
		}
	}
}

// run runs a scheduler and returns what stops it.
func run(t *testing.T, s *jobs.Scheduler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// TestTwoSchedulersOfferEveryCheckOnce runs River itself. One scheduler is stopped
// in the middle of the work, and another one comes in its place.
func TestTwoSchedulersOfferEveryCheckOnce(t *testing.T) {
	t.Parallel()
	const n = 600
	r := newRigAt(t, n, atHalf())
	must(t, r.scheduler.Do(t.Context(), "partitions"))
	offers := func() int { return r.count(t, "SELECT count(*) FROM check_offer") }

	stop := run(t, r.scheduler)
	run(t, r.newScheduler(t))
	until(t, "offer", func() bool { return offers() > 0 })
	stop()
	run(t, r.newScheduler(t))
	until(t, "offer for everybody", func() bool { return offers() >= n })
	until(t, "end of the jobs", func() bool {
		return r.count(t, "SELECT count(*) FROM river.river_job WHERE kind = 'check' AND state <> 'completed'") == 0
	})

	if got := offers(); got != n {
		t.Errorf("%d offers for %d endpoints", got, n)
	}
	if got := r.count(t, "SELECT count(*) FROM river.river_job WHERE kind = 'check'"); got != n {
		t.Errorf("%d jobs for %d checks", got, n)
	}
	if got := r.count(t, "SELECT count(DISTINCT endpoint_id) FROM check_offer"); got != n {
		t.Errorf("%d endpoints were offered", got)
	}
	if got := r.count(t, "SELECT count(*) FROM check_plan WHERE done_at IS NOT NULL AND planned = $1", n); got != 1 {
		t.Errorf("the slot's plan says otherwise")
	}
	if got := r.count(t, "SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'retryable')"); got != 0 {
		t.Errorf("%d jobs failed", got)
	}
	// Each piece of upkeep was added once for its time, by whichever was first.
	if got := r.count(t, "SELECT count(*) FROM (SELECT args FROM river.river_job WHERE kind <> 'check' GROUP BY kind, args HAVING count(*) > 1) x"); got != 0 {
		t.Errorf("%d pieces of upkeep were added twice", got)
	}
}

// TestARecheckIsOfferedByRiver follows an operator's wish from the application's
// transaction to the prober.
func TestARecheckIsOfferedByRiver(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, 1, atHalf())
	id := r.endpoint(t)
	ask := func(fail error) uuid.UUID {
		offer := uuid.New()
		_, err := r.app.UpdateEndpoint(t.Context(), id, func(c *endpoint.Change) error {
			c.Endpoint.RecheckedAt = &c.Now
			c.NewOffers = append(c.NewOffers, endpoint.Offer{
				ID: offer, EndpointID: id, Kind: vantage.KindRecheck, Mode: probe.Full, Place: vantage.Outside, Slot: c.Now, Attempt: 1,
				Due: c.Now.Add(5 * time.Second), Until: c.Now.Add(5 * time.Minute),
			})
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
		return offer
	}
	changed := errors.New("the operator may not")
	refused := ask(changed)
	asked := ask(nil)
	run(t, r.scheduler)
	until(t, "offer", func() bool { return r.offered(t, asked) != uuid.Nil })

	if r.offered(t, refused) != uuid.Nil || r.count(t, "SELECT count(*) FROM river.river_job WHERE args->>'k' = 'recheck'") != 1 {
		t.Error("what was refused was queued")
	}
	e, err := r.app.Endpoint(t.Context(), id)
	if err != nil || !e.Pending {
		t.Errorf("pending %v, %v", e.Pending, err)
	}
}
