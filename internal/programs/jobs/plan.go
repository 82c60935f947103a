package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const (
	// planAtOnce endpoints are planned in one transaction.
	planAtOnce = 2000

	// slotGrace is how long after its slot a check may still be made.
	slotGrace = 2 * time.Minute

	// insideWithin is how lately a prober inside must have been seen for checks
	// inside to be planned.
	insideWithin = time.Hour
)

// planArgs asks for the plan of a slot. Try counts the minutes of the slot.
type planArgs struct {
	Slot time.Time `json:"slot"`
	Try  int       `json:"try"`
}

// Kind names the job.
func (planArgs) Kind() string { return "plan" }

type planWorker struct {
	river.WorkerDefaults[planArgs]
	s *Scheduler
}

// Work plans what is left of the slot.
func (w *planWorker) Work(ctx context.Context, job *river.Job[planArgs]) error {
	return w.s.plan(ctx, job.Args.Slot)
}

// plan draws the moment of every endpoint's check in a slot and adds the jobs. It
// goes on where an earlier one stopped, and does nothing for a slot that is over
// or has not begun.
func (s *Scheduler) plan(ctx context.Context, slot time.Time) error {
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	end := slot.Add(policy.Slot)
	if now.Before(slot) || !now.Before(end) || !slot.Equal(slot.Truncate(policy.Slot)) {
		return nil
	}
	places, err := s.places(ctx, now)
	if err != nil {
		return err
	}
	for {
		done, err := s.cfg.Store.PlanSlot(
			ctx,
			slot,
			s.cfg.Clock.Now(),
			planAtOnce,
			func(ctx context.Context, tx pgx.Tx, batch []endpoint.Plan) error {
				jobs, err := s.draw(batch, policy, places, slot, s.cfg.Clock.Now())
				if err != nil || len(jobs) == 0 {
					return err
				}
				if _, err := s.river.InsertManyFastTx(ctx, tx, jobs); err != nil {
					return fmt.Errorf("add %d checks: %w", len(jobs), err)
				}
				return nil
			},
		)
		if err != nil || done {
			return err
		}
	}
}

// places returns where checks are made from: inside only while a prober is there.
func (s *Scheduler) places(ctx context.Context, now time.Time) ([]vantage.Place, error) {
	places := []vantage.Place{vantage.Outside}
	list, err := s.probers(ctx, now)
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if v.Place == vantage.Inside && seen(v, now, insideWithin) {
			return append(places, vantage.Inside), nil
		}
	}
	return places, nil
}

// draw returns the jobs of a batch of endpoints.
func (s *Scheduler) draw(
	batch []endpoint.Plan,
	policy endpoint.Policy,
	places []vantage.Place,
	slot, now time.Time,
) ([]river.InsertManyParams, error) {
	end := slot.Add(policy.Slot)
	from := slot
	if now.After(from) {
		from = now // what is past cannot be drawn any more
	}
	jobs := make([]river.InsertManyParams, 0, len(batch)*len(places))
	for _, p := range batch {
		check, err := s.wanted(p, policy, slot)
		if err != nil {
			return nil, err
		}
		if !check {
			continue
		}
		for _, place := range places {
			o := endpoint.Offer{
				EndpointID: p.EndpointID,
				Kind:       vantage.KindSlot,
				Place:      place,
				Slot:       slot,
				Attempt:    1,
				Until:      end.Add(slotGrace),
			}
			if o.ID, err = uuid.NewRandomFromReader(s.cfg.Random); err != nil {
				return nil, fmt.Errorf("draw id: %w", err)
			}
			if o.Mode, err = s.mode(policy); err != nil {
				return nil, err
			}
			if o.Due, err = chance.Moment(s.cfg.Random, from, end); err != nil {
				return nil, err
			}
			jobs = append(jobs, checkOf(o))
		}
	}
	return jobs, nil
}

// mode draws full or light.
func (s *Scheduler) mode(policy endpoint.Policy) (probe.Mode, error) {
	n, err := chance.Below(s.cfg.Random, 1000)
	if n < policy.FullPermille {
		return probe.Full, err
	}
	return probe.Light, err
}

// wanted reports whether p is checked in this slot. An endpoint that has been down
// for long is checked once in each stretch of BackoffEvery, in a slot that is as
// likely as any other: with r slots left and none checked yet, one in r.
func (s *Scheduler) wanted(p endpoint.Plan, policy endpoint.Policy, slot time.Time) (bool, error) {
	if policy.BackoffAfter <= 0 || p.FailedSlots < policy.BackoffAfter || policy.BackoffEvery <= policy.Slot {
		return true, nil
	}
	stretch := slot.Truncate(policy.BackoffEvery)
	if p.LastSlot != nil && !p.LastSlot.Before(stretch) {
		return false, nil
	}
	left := int64(stretch.Add(policy.BackoffEvery).Sub(slot) / policy.Slot)
	n, err := chance.Below(s.cfg.Random, max(left, 1))
	return n == 0, err
}
