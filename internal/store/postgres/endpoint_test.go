package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// TestOneCheckFromOfferToDay follows a check through every step of its life.
func TestOneCheckFromOfferToDay(t *testing.T) {
	t.Parallel()
	f := newField(t, 2)
	o := f.offer(t, 0, 0, checkSlot, 1)
	f.clock.Advance(time.Minute)

	if _, taken := f.take(t, 1, 10, 100); len(taken) != 0 {
		t.Fatalf("another prober got %d offers", len(taken))
	}
	lease, taken := f.take(t, 0, 10, 100)
	if len(taken) != 1 || taken[0].Offer.ID != o.ID || string(taken[0].Endpoint.Spec) != "sealed" || string(taken[0].Endpoint.DataKey.Bytes) != "key" {
		t.Fatalf("taken: %+v", taken)
	}
	again, err := f.app.Lease(t.Context(), f.vantages[0].ID, lease)
	if err != nil || len(again) != 1 {
		t.Fatalf("the lease read again: %d, %v", len(again), err)
	}
	_, err = f.app.Lease(t.Context(), f.vantages[1].ID, lease)
	wantCode(t, err, "lease_unknown")
	in := f.intake(t, 0, lease, taken, probe.Up, endpoint.SlotUp)
	if _, ok, err := f.app.ExitAttempt(t.Context(), f.endpoints[0], checkDay, checkDay.AddDate(0, 0, 1)); ok || err != nil {
		t.Errorf("before there is an attempt: %v, %v", ok, err)
	}
	in.Attempts[0].ExitKnown = true
	if err := f.app.Record(t.Context(), in); err != nil {
		t.Fatal(err)
	}

	got, err := f.app.Attempts(t.Context(), f.endpoints[0], checkDay, checkDay.AddDate(0, 0, 1), 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("attempts: %d, %v", len(got), err)
	}
	want := in.Attempts[0]
	want.Vantage = "fi-1"
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	exit, ok, err := f.app.ExitAttempt(t.Context(), f.endpoints[0], checkDay, checkDay.AddDate(0, 0, 1))
	if diff := cmp.Diff(want, exit); diff != "" || !ok || err != nil {
		t.Errorf("the attempt that saw an exit: %v, %v\n%s", ok, err, diff)
	}
	unopened, err := f.app.Unopened(t.Context(), f.endpoints[0], checkDay, checkDay.AddDate(0, 0, 1), 10)
	told := []endpoint.Attempt{{
		EndpointID: want.EndpointID, VantageID: want.VantageID, Kind: want.Kind, Place: want.Place, Slot: want.Slot, Attempt: want.Attempt, Started: want.Started, Verdict: want.Verdict,
		Class: want.Class,
	}}
	if diff := cmp.Diff(told, unopened); diff != "" || err != nil {
		t.Errorf("what it came to: %v\n%s", err, diff)
	}
	e, err := f.app.Endpoint(t.Context(), f.endpoints[0])
	if err != nil || e.LastVerdict != probe.Up || !e.LastAt.Equal(want.Started) || e.FailedSlots != 0 {
		t.Errorf("the endpoint: %+v, %v", e.Endpoint, err)
	}
	slot, err := f.worker.SlotAttempts(t.Context(), f.endpoints[0], vantage.Outside, checkSlot)
	if err != nil || len(slot) != 1 || slot[0].Record != nil || slot[0].SHA256 != want.SHA256 {
		t.Errorf("as the worker sees it: %+v, %v", slot, err)
	}
	n, err := f.worker.RollUp(t.Context(), checkDay, 1)
	if err != nil || n != 1 {
		t.Fatalf("first roll-up: %d, %v", n, err)
	}
	if n, err = f.worker.RollUp(t.Context(), checkDay, 10); err != nil || n != 1 {
		t.Fatalf("second roll-up: %d, %v", n, err)
	}
	if n, err = f.worker.RollUp(t.Context(), checkDay, 10); err != nil || n != 0 {
		t.Fatalf("third roll-up: %d, %v", n, err)
	}
	days, err := f.app.Days(t.Context(), f.endpoints[0], vantage.Outside, checkDay, checkDay.AddDate(0, 0, 1))
	if err != nil || len(days) != 1 || len(days[0].Marks) != 96 || days[0].Marks[48] != 'u' || days[0].Attempts != 1 {
		t.Errorf("days: %+v, %v", days, err)
	}
}

// TestALimitKeepsTheNewestAttempts holds that a page with many checks shows the
// latest and not those of two days ago.
func TestALimitKeepsTheNewestAttempts(t *testing.T) {
	t.Parallel()
	f := newField(t, 1)
	for attempt := 1; attempt <= 4; attempt++ {
		f.offer(t, 0, 0, checkSlot, attempt)
		f.clock.Advance(time.Minute)
		lease, taken := f.take(t, 0, 10, 100)
		f.report(t, 0, lease, taken, probe.Up, endpoint.SlotUp)
	}

	got, err := f.app.Attempts(t.Context(), f.endpoints[0], checkDay, checkDay.AddDate(0, 0, 1), 3)

	var numbers []int
	for _, a := range got {
		numbers = append(numbers, a.Attempt)
	}
	if diff := cmp.Diff([]int{2, 3, 4}, numbers); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
