package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const (
	// seenWithin is how lately a prober must have asked for work to be given some.
	seenWithin = 10 * time.Minute

	// vantagesFor is how long the list of probers is good for.
	vantagesFor = 5 * time.Second

	// waitForProber is how long a check waits when there is no prober for it.
	waitForProber = 30 * time.Second

	maxTries = 6
)

// checkArgs is an offer that waits for its moment. The names are short because
// there are many.
type checkArgs struct {
	ID       uuid.UUID     `json:"i"`
	Endpoint uuid.UUID     `json:"e"   river:"unique"`
	Check    vantage.Kind  `json:"k"   river:"unique"`
	Proof    control.Kind  `json:"f,omitempty"`
	Mode     probe.Mode    `json:"m"`
	Place    vantage.Place `json:"p"   river:"unique"`
	Slot     time.Time     `json:"s"   river:"unique"`
	Attempt  int           `json:"n"   river:"unique"`
	Due      time.Time     `json:"d"`
	Until    time.Time     `json:"u"`
}

// Kind names the job.
func (checkArgs) Kind() string { return "check" }

// checkOf returns the job of an offer, to be worked when the offer is due.
func checkOf(o endpoint.Offer) river.InsertManyParams {
	return river.InsertManyParams{
		Args: checkArgs{
			ID:       o.ID,
			Endpoint: o.EndpointID,
			Check:    o.Kind,
			Proof:    o.Proof,
			Mode:     o.Mode,
			Place:    o.Place,
			Slot:     o.Slot.UTC(),
			Attempt:  o.Attempt,
			Due:      o.Due.UTC(),
			Until:    o.Until.UTC(),
		},
		InsertOpts: &river.InsertOpts{ScheduledAt: o.Due},
	}
}

func (a checkArgs) offer() endpoint.Offer {
	return endpoint.Offer{
		ID:         a.ID,
		EndpointID: a.Endpoint,
		Kind:       a.Check,
		Proof:      a.Proof,
		Mode:       a.Mode,
		Place:      a.Place,
		Slot:       a.Slot,
		Attempt:    a.Attempt,
		Due:        a.Due,
		Until:      a.Until,
	}
}

type checkWorker struct {
	river.WorkerDefaults[checkArgs]
	s *Scheduler
}

// Work offers the check.
func (w *checkWorker) Work(ctx context.Context, job *river.Job[checkArgs]) error {
	wait, err := w.s.offer(ctx, job.Args.offer())
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

// offer offers o to a prober that it chooses. Where there is none it returns how
// long to wait; where o's time is over it does nothing.
func (s *Scheduler) offer(ctx context.Context, o endpoint.Offer) (wait time.Duration, err error) {
	now := s.cfg.Clock.Now()
	if !now.Before(o.Until) {
		return 0, nil
	}
	v, ok, err := s.choose(ctx, o, now)
	if err != nil {
		return 0, err
	}
	if !ok {
		return waitForProber, nil
	}
	o.VantageID = v.ID
	if o.ID == uuid.Nil {
		if o.ID, err = uuid.NewRandomFromReader(s.cfg.Random); err != nil {
			return 0, fmt.Errorf("draw id: %w", err)
		}
	}
	_, err = s.cfg.Store.Offer(ctx, o)
	return 0, err
}

// choose draws a prober for o among those that are trusted and were seen lately.
// One that was asked in this slot before is drawn only if there is no other.
func (s *Scheduler) choose(ctx context.Context, o endpoint.Offer, now time.Time) (endpoint.Vantage, bool, error) {
	all, err := s.probers(ctx, now)
	if err != nil {
		return endpoint.Vantage{}, false, err
	}
	able := func(v endpoint.Vantage) bool { return v.Place == o.Place && v.Trusted() && seen(v, now, seenWithin) }
	list := slices.DeleteFunc(slices.Clone(all), func(v endpoint.Vantage) bool { return !able(v) })
	if o.Kind == vantage.KindSlot && o.Attempt > 1 && len(list) > 1 {
		asked, err := s.cfg.Store.Asked(ctx, o.EndpointID, o.Place, o.Slot)
		if err != nil {
			return endpoint.Vantage{}, false, err
		}
		others := slices.DeleteFunc(
			slices.Clone(list),
			func(v endpoint.Vantage) bool { return slices.Contains(asked, v.ID) },
		)
		if len(others) > 0 {
			list = others
		}
	}
	if len(list) == 0 {
		return endpoint.Vantage{}, false, nil
	}
	i, err := chance.Below(s.cfg.Random, len(list))
	if err != nil {
		return endpoint.Vantage{}, false, err
	}
	return list[i], true, nil
}

// seen reports whether v works for us and asked for work within d before now.
func seen(v endpoint.Vantage, now time.Time, d time.Duration) bool {
	return v.DisabledAt == nil && len(v.PublicKey) > 0 && v.SeenAt != nil && now.Sub(*v.SeenAt) <= d
}

// probers returns all probers, as they were a few seconds ago at most.
func (s *Scheduler) probers(ctx context.Context, now time.Time) ([]endpoint.Vantage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.vantagesAt); s.vantages != nil && age >= 0 && age < vantagesFor {
		return s.vantages, nil
	}
	list, err := s.cfg.Store.Vantages(ctx, now)
	if err != nil {
		return nil, err
	}
	s.vantages, s.vantagesAt = list, now
	return list, nil
}

// retrySoon is for checks, which are worth nothing after their slot.
type retrySoon struct{ clock clock.Clock }

// NextRetry returns 2, 4, 8... seconds from now.
func (r retrySoon) NextRetry(job *rivertype.JobRow) time.Time {
	return r.clock.Now().Add(time.Second << min(max(len(job.Errors)+1, 1), maxTries))
}
