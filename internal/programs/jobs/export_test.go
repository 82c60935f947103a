package jobs

import (
	"context"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
)

// Plan is plan.
func (s *Scheduler) Plan(ctx context.Context, slot time.Time) error { return s.plan(ctx, slot) }

// Offer is offer.
func (s *Scheduler) Offer(ctx context.Context, o endpoint.Offer) (time.Duration, error) {
	return s.offer(ctx, o)
}

// Wanted is wanted.
func (s *Scheduler) Wanted(p endpoint.Plan, policy endpoint.Policy, slot time.Time) (bool, error) {
	return s.wanted(p, policy, slot)
}

// Do does the upkeep of this name, all of it.
func (s *Scheduler) Do(ctx context.Context, name string) error {
	for _, u := range upkeep() {
		for more := u.name == name; more; {
			var err error
			if more, err = u.do(s, ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
