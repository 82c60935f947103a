package fee_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
)

func TestEscalateRunsStraightToTheLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		start, limit             int64
		broadcast, deadline, tip int32
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
		if got := fee.Escalate(tt.start, tt.limit, tt.broadcast, tt.deadline, tt.tip); got != tt.want {
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
		if got := fee.Due(tt.current, tt.wanted, 1); got != tt.want {
			t.Errorf("%d to %d: got %v", tt.current, tt.wanted, got)
		}
	}
}

// A replacement pays the relay fee on top, so less than that is no step.
func TestDueAsksForTheRelayFee(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		current, wanted, relay int64
		want                   bool
	}{
		{100, 199, 100, false},
		{100, 200, 100, true},
		{1000, 1999, 1000, false},
		{1000, 2000, 1000, true},
		{4000, 5000, 1000, true},
		{5000, 6249, 1000, false},
		{5000, 6250, 1000, true},
		{200, 299, 100, false},
	} {
		if got := fee.Due(tt.current, tt.wanted, tt.relay); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// Each step multiplies by the eighth root of limit/start or more, and by a quarter or
// more; the step to the limit is due whatever it is worth.
func TestDueOfSizesStepsForTheWholeWay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		current, wanted, start, limit int64
		want                          bool
	}{
		{10, 13, 10, 100, false},
		{10, 14, 10, 100, true},
		{40, 53, 10, 100, false},
		{40, 54, 10, 100, true},
		{1, 3, 1, 10_000, false},
		{1, 4, 1, 10_000, true},
		{10, 12, 10, 14, false}, // not a quarter more
		{10, 13, 10, 14, true},
		{99, 100, 10, 100, true}, // the limit itself
		{100, 100, 10, 100, false},
		{100, 90, 10, 100, false},
		{0, 1, 0, 100, true},
	}
	for _, tt := range tests {
		if got := fee.DueOf(tt.current, tt.wanted, tt.start, tt.limit, 1); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

// A batch that nobody mines pays its limit when the deadline has come, after MaxBumps
// steps of its own at most, however often people raise it in between and whatever
// the next block is said to cost before.
func TestTheLimitIsAlwaysReached(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(1, 300_000).Draw(t, "start")
		limit := rapid.Int64Range(start, 10_000_000).Draw(t, "limit")
		relay := rapid.SampledFrom([]int64{1, 100, 1000}).Draw(t, "relay")
		deadline := rapid.Int32Range(1, 1000).Draw(t, "deadline")
		asked := rapid.SliceOfN(rapid.Int64Range(1, 20_000), 0, 30).Draw(t, "asked for more by")

		current, bumps := start, 0
		for tip := int32(0); tip <= deadline; tip++ {
			if n := len(asked); n > 0 && int(tip)%7 == 3 {
				current = min(current+asked[n-1], limit)
				asked = asked[:n-1]
			}
			wanted := fee.Escalate(start, limit, 0, deadline, tip)
			if wanted < start || wanted > limit {
				t.Fatalf("%d at block %d", wanted, tip)
			}
			if tip < deadline { // later the next block is dear enough
				wanted = min(wanted, rapid.Int64Range(1, 10_000_000).Draw(t, "ceiling"))
			}
			if fee.DueOf(current, wanted, start, limit, relay) {
				if !fee.Due(current, wanted, relay) && wanted != limit {
					t.Fatalf("raised from %d to %d", current, wanted)
				}
				current = wanted
				bumps++
			}
		}

		if bumps > fee.MaxBumps || current != limit {
			t.Errorf("%d after %d bumps, limit %d", current, bumps, limit)
		}
	})
}

func TestTheCeilingIsABelievedEstimateForTwoBlocks(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	good := fee.Estimate{At: at, Trusted: true, Targets: []fee.Target{{Blocks: 2, RateSatKVB: 20_000}, {Blocks: 6, RateSatKVB: 9_000}}}
	untrusted, empty, old := good, good, good
	untrusted.Trusted, empty.Targets, old.At = false, nil, at.Add(-time.Hour-time.Second)
	for name, tc := range map[string]struct {
		e    *fee.Estimate
		want int64
	}{"believed": {&good, 25_000}, "not trusted": {&untrusted, 0}, "without targets": {&empty, 0}, "old": {&old, 0}, "none": {nil, 0}} {
		if got, ok := tc.e.Ceiling(at); got != tc.want || ok != (tc.want > 0) {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
}
