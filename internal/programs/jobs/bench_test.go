package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// BenchmarkSlotOf100000 runs one slot of 15 minutes with 100,000 endpoints as fast
// as this machine can: it plans them, has River offer each, and twelve probers take
// and answer them in reports of 100. "behind" is the time that all of it took, as a
// share of the slot: above 1 the queue grows without end.
func BenchmarkSlotOf100000(b *testing.B) {
	const n, probers, slot = 100_000, 12, 15 * time.Minute
	for b.Loop() {
		r := newRigAt(b, n, atHalf())
		must(b, r.scheduler.Do(b.Context(), "partitions"))
		for i := range probers - 2 {
			r.newVantage(b, fmt.Sprintf("v-%d", i), vantage.Outside)
		}
		r.exec(b, "ANALYZE")
		start := clock.Real{}.Now()
		since := func() time.Duration { return clock.Real{}.Now().Sub(start) }

		must(b, r.scheduler.Plan(b.Context(), r.clock.Now().Truncate(slot)))
		planned := since()
		b.ReportMetric(n/planned.Seconds(), "planned/s")

		start = clock.Real{}.Now()
		ctx, stop := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- r.scheduler.Run(ctx) }()
		poll := time.NewTicker(100 * time.Millisecond)
		for r.count(b, "SELECT count(*) FROM check_offer") < n && since() < slot {
			<-poll.C
		}
		poll.Stop()
		offered := since()
		stop()
		must(b, <-done)
		b.ReportMetric(n/offered.Seconds(), "offered/s")

		b.Logf("planned in %s, offered in %s", planned, offered)
		// Their moments were drawn over the rest of the slot.
		r.exec(b, "UPDATE check_offer SET due = $1, until = $2", r.clock.Now().Add(-time.Second), r.clock.Now().Add(time.Hour))
		r.exec(b, "ANALYZE") // which autovacuum does elsewhere
		start = clock.Real{}.Now()
		answered := 0
		for answered < n {
			round := 0
			for _, v := range r.vantages {
				round += r.answer(b, v.ID, 100, probe.Up, endpoint.SlotUp, nil)
			}
			if answered += round; round == 0 {
				b.Fatalf("%d of %d were answered", answered, n)
			}
		}
		reported := since()
		b.ReportMetric(n/reported.Seconds(), "answered/s")
		b.ReportMetric((planned+offered+reported).Seconds()/slot.Seconds(), "behind")

		start = clock.Real{}.Now()
		for id, more := uuid.Nil, true; more; {
			batch, err := r.worker.Planned(b.Context(), r.clock.Now(), id, 2000)
			must(b, err)
			if more = len(batch) == 2000; more {
				id = batch[len(batch)-1].EndpointID
			}
		}
		b.ReportMetric(n/since().Seconds(), "listed/s")
		start = clock.Real{}.Now()
		day := r.clock.Now().Truncate(24 * time.Hour)
		for more := true; more; {
			rolled, err := r.worker.RollUp(b.Context(), day, 500)
			must(b, err)
			more = rolled > 0
		}
		b.ReportMetric(n/since().Seconds(), "rolled/s")
	}
}
