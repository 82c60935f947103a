package fee

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// blocksAt fills so many blocks with transactions of one rate.
func blocksAt(pool snapshot, blocks float64, rate int64) {
	for left := int64(blocks * blockRoom); left > 0; left -= 100_000 {
		pool[id(len(pool))] = waiting{rate: rate, weight: min(left, 100_000)}
	}
}

func TestDepthIsTheRateThatFits(t *testing.T) {
	t.Parallel()
	pool := snapshot{}
	blocksAt(pool, 0.9, 50_000)
	blocksAt(pool, 4, 20_000)
	blocksAt(pool, 30, 5_000)
	in := newInflow()
	at := func(rate int64) int64 { return in.bounds[in.bounds.class(rate)+1] } // above the whole class

	got := depth(noon(), pool, in, blockInterval, 20_000, simFloor, []int{1, 4, 6, 36, 144})

	want := []int64{at(20_000), at(20_000), at(5_000), 0, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := depth(noon(), nil, in, blockInterval, 20_000, simFloor, []int{1}); got[0] != 0 {
		t.Errorf("empty: %d", got)
	}
}

func TestDepthCountsWhatComesIn(t *testing.T) {
	t.Parallel()
	in := newInflow()
	in.restart(noon())
	came := make(sums, len(in.bounds))
	came[in.bounds.class(30_000)] = 12 * blockRoom // twelve blocks' weight in half an hour
	in.add(noon(), came)

	soon := depth(noon().Add(30*time.Minute), nil, in, blockInterval, 20_000, simFloor, []int{1, 6, 36})
	if least := in.bounds[in.bounds.class(30_000)+1]; soon[0] != least || soon[2] != least {
		t.Errorf("with twelve blocks in half an hour: %v, want %d", soon, least)
	}
	later := depth(noon().Add(65*time.Minute), nil, in, blockInterval, 20_000, simFloor, []int{1, 6, 36})
	if later[0] != 0 {
		t.Errorf("an hour later: %v, want 0", later)
	}
}

func TestInflowOfADayRulesADay(t *testing.T) {
	t.Parallel()
	in := newInflow()
	start := noon()
	in.restart(start)
	busy := make(sums, len(in.bounds))
	busy[in.bounds.class(30_000)] = 2 * blockRoom / 10
	for minute := range 60 { // the last hour brings two blocks in ten minutes, nothing before
		in.add(start.Add(9*time.Hour+time.Duration(minute)*time.Minute), busy)
	}

	got := depth(start.Add(10*time.Hour), nil, in, blockInterval, 20_000, simFloor, []int{6, 144})

	if got[0] == 0 || got[1] != 0 {
		t.Errorf("got %v, want something for an hour and nothing for a day", got)
	}
}

func TestReplacedTransactionsCountOnce(t *testing.T) {
	t.Parallel()
	in := newInflow()
	before := snapshot{id(1): {rate: 5000, weight: 400}, id(2): {rate: 9000, weight: 600}}
	after := snapshot{id(2): {rate: 9000, weight: 600}, id(3): {rate: 5001, weight: 440}}

	came, left, of := in.change(before, after)

	want := make(sums, len(in.bounds))
	want[in.bounds.class(5000)] = 40
	if diff := cmp.Diff(want, came); diff != "" || left != 400 || of != 1000 {
		t.Errorf("%d of %d left, (-want +got)\n%s", left, of, diff)
	}
}

func TestWhatLeftIsNoRoomToCome(t *testing.T) {
	t.Parallel()
	in := newInflow()
	in.restart(noon())
	gone := make(sums, len(in.bounds))
	gone[in.bounds.class(30_000)] = -10 * blockRoom
	in.add(noon(), gone)
	pool := snapshot{}
	blocksAt(pool, 7, 20_000)

	got := depth(noon().Add(20*time.Minute), pool, in, blockInterval, 20_000, simFloor, []int{6})

	if got[0] <= 20_000 {
		t.Errorf("got %v, want more than 20000", got)
	}
}

// Rates below 1 sat/vB are told apart: where nodes relay from 0.1 sat/vB on, a mempool
// full at 0.2 is outbid at little more.
func TestDepthBelowOneSatAVByte(t *testing.T) {
	t.Parallel()
	pool := snapshot{}
	blocksAt(pool, 0.9, 500)
	blocksAt(pool, 30, 200)
	in := newInflow()

	got := depth(noon(), pool, in, blockInterval, 400, 100, []int{1, 6, 36})

	above := in.bounds[in.bounds.class(200)+1]
	if diff := cmp.Diff([]int64{above, above, 0}, got); diff != "" || above <= 200 || above > 220 {
		t.Errorf("above 200 is %d (-want +got)\n%s", above, diff)
	}
}

func TestClassesHoldTheirRates(t *testing.T) {
	t.Parallel()
	b := newBounds()
	if !slices.IsSorted(b) || b[0] != 0 || b[1] < 100 || b[1] > 105 || !slices.Contains(b, 1000) || len(b) > 250 {
		t.Errorf("%d classes from %v", len(b), b[:2])
	}
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(0, math.MaxInt64).Draw(t, "rate")
		c := b.class(rate)
		if b[c] > rate || (c+1 < len(b) && rate >= b[c+1]) {
			t.Errorf("%d in class %d", rate, c)
		}
	})
}

func TestPercentileIsByWeight(t *testing.T) {
	t.Parallel()
	paid := []waiting{{rate: 9, weight: 50}, {rate: 1, weight: 24}, {rate: 5, weight: 26}}
	for percent, want := range map[int64]int64{0: 1, 24: 1, 25: 5, 50: 5, 51: 9, 100: 9} {
		if got := percentile(paid, percent); got != want {
			t.Errorf("%d %%: got %d, want %d", percent, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}
