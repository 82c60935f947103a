package fee_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fee"
)

func TestEscalateRunsStraightToTheLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		start, limit             int64
		announced, deadline, tip int32
		want                     int64
	}{
		{5, 105, 100, 100, 99, 5}, // a reorganisation took the height away
		{5, 105, 100, 100, 100, 5},
		{5, 105, 100, 100, 101, 6},
		{5, 105, 100, 100, 150, 55},
		{5, 105, 100, 100, 199, 104},
		{5, 105, 100, 100, 200, 105},
		{5, 105, 100, 100, 5000, 105},
		{5, 5, 100, 100, 100, 5},
		{50, 20, 100, 100, 100, 20}, // never above the limit
		{5, 105, 100, 0, 100, 105},  // no time at all
		{5, 9, 100, 144, 135, 5},
		{5, 9, 100, 144, 136, 6},
		{0, math.MaxInt64, 0, math.MaxInt32, math.MaxInt32 - 1, math.MaxInt64 - math.MaxInt64/math.MaxInt32 - 1},
	}
	for _, tt := range tests {
		if got := fee.Escalate(tt.start, tt.limit, tt.announced, tt.deadline, tt.tip); got != tt.want {
			t.Errorf("%+v: got %d", tt, got)
		}
	}
}

func TestDueAsksForAQuarterMore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		current, wanted int64
		want            bool
	}{
		{1, 1, false},
		{1, 2, true},
		{2, 1, false},
		{3, 4, true},
		{4, 5, true},
		{5, 6, false},
		{5, 7, true},
		{8, 10, true},
		{100, 124, false},
		{100, 125, true},
		{0, 1, true},
		{0, 0, false},
		{100, 50, false},
	}
	for _, tt := range tests {
		if got := fee.Due(tt.current, tt.wanted); got != tt.want {
			t.Errorf("%d to %d: got %v", tt.current, tt.wanted, got)
		}
	}
}

// With n steps left each must be the n-th root of what is missing, or a quarter.
func TestDueOfSavesStepsForTheEnd(t *testing.T) {
	t.Parallel()
	tests := []struct {
		current, wanted, limit int64
		left                   int
		want                   bool
	}{
		{10, 99, 100, 1, false},
		{10, 100, 100, 1, true},
		{10, 31, 100, 2, false},
		{10, 32, 100, 2, true},
		{10, 13, 100, 8, false},
		{10, 14, 100, 8, true},
		{10, 12, 13, 8, false}, // not a quarter more
		{10, 13, 13, 8, true},
		{10, 100, 100, 0, false},
		{0, 1, 100, 8, true},
	}
	for _, tt := range tests {
		if got := fee.DueOf(tt.current, tt.wanted, tt.limit, tt.left); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// A batch that nobody mines is raised at most MaxBumps times, each time by a
// quarter or more, and pays its limit when the deadline has come, unless it is
// then within a quarter of it.
func TestBumpsLastUntilTheDeadline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(1, 300).Draw(t, "start")
		limit := rapid.Int64Range(start, 1000).Draw(t, "limit")
		deadline := rapid.Int32Range(1, 1000).Draw(t, "deadline")

		current, bumps := start, 0
		for tip := int32(0); tip <= deadline; tip++ {
			wanted := fee.Escalate(start, limit, 0, deadline, tip)
			if wanted < start || wanted > limit {
				t.Fatalf("%d at block %d", wanted, tip)
			}
			if fee.DueOf(current, wanted, limit, fee.MaxBumps-bumps) {
				if !fee.Due(current, wanted) {
					t.Fatalf("raised from %d to %d", current, wanted)
				}
				current = wanted
				bumps++
			}
		}

		if bumps > fee.MaxBumps || fee.Due(current, limit) {
			t.Errorf("%d after %d bumps, limit %d", current, bumps, limit)
		}
	})
}
