package jobs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

func TestASlotIsPlannedOnceForEachEndpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4100) // more than two batches
	other := r.newScheduler(t)
	var wait sync.WaitGroup
	for _, s := range []interface {
		Plan(ctx context.Context, slot time.Time) error
	}{r.scheduler, other, r.scheduler} {
		wait.Go(func() {
			if err := s.Plan(t.Context(), noon); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()

	seen := map[uuid.UUID]bool{}
	var minutes [15]int
	full := 0
	for _, q := range r.checks(t) {
		if seen[q.Endpoint] {
			t.Fatalf("%s is planned twice", q.Endpoint)
		}
		seen[q.Endpoint] = true
		if q.Kind != vantage.KindSlot || q.Attempt != 1 || q.Place != vantage.Outside || !q.Slot.Equal(noon) || !q.Until.Equal(noon.Add(17*time.Minute)) {
			t.Fatalf("planned %+v", q)
		}
		minutes[int(q.Due.Sub(noon)/time.Minute)]++ // out of range: due outside of the slot
		if q.Mode == probe.Full {
			full++
		}
	}
	if len(seen) != 4100 {
		t.Errorf("%d endpoints are planned", len(seen))
	}
	// 273 a minute with a standard deviation of 16; 1025 with one of 28.
	for i, n := range minutes {
		if n < 190 || n > 360 {
			t.Errorf("minute %d has %d checks: not even", i, n)
		}
	}
	if full < 880 || full > 1170 {
		t.Errorf("%d of 4100 checks are full, want about a quarter", full)
	}
}

func TestAPlannerThatDiedIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4100)
	batches := 0
	died := errors.New("killed")
	for {
		_, err := r.worker.PlanSlot(t.Context(), noon, noon, 1000, func(context.Context, pgx.Tx, []endpoint.Plan) error {
			if batches++; batches == 3 {
				return died // nothing of this batch may stay
			}
			return nil
		})
		if errors.Is(err, died) {
			break
		}
		must(t, err)
	}

	r.fake.Advance(5 * time.Minute)
	must(t, r.scheduler.Plan(t.Context(), noon))

	list := r.checks(t)
	if len(list) != 2100 {
		t.Errorf("%d endpoints were left to plan, want 2100", len(list))
	}
	for _, q := range list {
		if q.Due.Before(noon.Add(5 * time.Minute)) {
			t.Fatalf("due at %s, which is past", q.Due)
		}
	}
}

func TestWhatIsPastIsNotPlanned(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for name, slot := range map[string]time.Time{
		"over": noon.Add(-15 * time.Minute), "not begun": noon.Add(15 * time.Minute), "no slot": noon.Add(-time.Minute),
	} {
		must(t, r.scheduler.Plan(t.Context(), slot))
		if n := len(r.checks(t)); n != 0 {
			t.Errorf("%s: %d checks", name, n)
		}
	}
}

func TestOnlyLiveEndpointsWhoseTimeHasComeArePlanned(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	r.exec(t, "UPDATE endpoint SET checks_from = $1 WHERE position = 1", noon.Add(time.Second))
	r.exec(t, "UPDATE endpoint SET state = 'retired', retired_at = now() WHERE position = 2")

	must(t, r.scheduler.Plan(t.Context(), noon))

	if n := len(r.checks(t)); n != 2 {
		t.Errorf("%d checks, want 2", n)
	}
}

func TestInsideIsCheckedWhileAProberIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.newVantage(t, "ru-1", vantage.Inside)
	r.fake.Advance(time.Minute)
	must(t, r.scheduler.Plan(t.Context(), noon))
	inside := 0
	for _, q := range r.checks(t) {
		if q.Place == vantage.Inside {
			inside++
		}
	}
	if n := len(r.checks(t)); n != 6 || inside != 3 {
		t.Errorf("%d checks, %d inside; want 6 and 3", n, inside)
	}

	r.exec(t, "DELETE FROM river.river_job")
	r.fake.Advance(2 * time.Hour)
	must(t, r.scheduler.Plan(t.Context(), noon.Add(2*time.Hour)))
	if n := len(r.checks(t)); n != 3 {
		t.Errorf("nobody was seen inside for two hours, and there are %d checks", n)
	}
}

// TestBackOffChecksOneSlotOfEachHour draws many hours: one check in each, and each
// slot as often as another.
func TestBackOffChecksOneSlotOfEachHour(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	policy, err := r.worker.Policy(t.Context())
	must(t, err)
	if policy.Slot != 15*time.Minute || policy.BackoffAfter != 8 || policy.FullPermille != 250 || policy.KeepRaw != 35*24*time.Hour {
		t.Errorf("the policy of a new fund: %+v", policy)
	}
	p := endpoint.Plan{EndpointID: uuid.New(), FailedSlots: 8}
	var at [4]int
	const hours = 2000
	for h := range hours {
		checked := 0
		for i := range 4 {
			slot := day.Add(time.Duration(h)*time.Hour + time.Duration(i)*policy.Slot)
			wanted, err := r.scheduler.Wanted(p, policy, slot)
			must(t, err)
			if wanted {
				at[i]++
				checked++
				p.LastSlot = &slot
			}
		}
		if checked != 1 {
			t.Fatalf("hour %d has %d checks", h, checked)
		}
	}
	for i, n := range at { // 500 each, with a standard deviation of 19
		if n < 400 || n > 600 {
			t.Errorf("slot %d of the hour is checked %d times of %d", i, n, hours)
		}
	}
	p.FailedSlots = 7
	if wanted, err := r.scheduler.Wanted(p, policy, *p.LastSlot); err != nil || !wanted {
		t.Errorf("seven failed slots: wanted %v, %v", wanted, err)
	}
}
