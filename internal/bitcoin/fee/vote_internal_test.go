package fee

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The mempool's vote counts, up to twice the highest of the others, for more than an
// hour up to twice their highest for an hour; without it their mean. One vote alone
// does not make a longer target cheaper.
func TestMempoolLeadsAndTheOthersBoundIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mempool, blocks, guess []int64
		want                   []int64
	}{
		"three":                {[]int64{40, 30, 8, 2}, []int64{20, 20, 10, 4}, []int64{35, 25}, []int64{40, 30, 8, 2}},
		"a dear mempool":       {[]int64{400, 300, 80, 20}, []int64{20, 20, 10, 4}, []int64{35, 15}, []int64{70, 40, 40, 20}},
		"a flooded mempool":    {[]int64{400, 400, 400, 400}, []int64{20, 20, 10, 4}, []int64{35, 15}, []int64{70, 40, 40, 40}},
		"a day that gets dear": {[]int64{40, 40, 30, 25}, []int64{20, 20, 4, 1}, []int64{35, 15}, []int64{40, 40, 30, 25}},
		"a cheap mempool":      {[]int64{2, 2, 1, 1}, []int64{20, 20, 10, 4}, []int64{35, 15}, []int64{2, 2, 1, 1}},
		"without blocks":       {[]int64{40, 30, 8, 2}, nil, []int64{40, 14}, []int64{40, 28, 28, 28}},
		"without estimatefee":  {[]int64{40, 30, 8, 2}, []int64{20, 12, 12, 12}, nil, []int64{40, 24, 8, 2}},
		"without mempool":      {nil, []int64{20, 12, 10, 4}, []int64{40, 14}, []int64{30, 13, 13, 13}},
		"one":                  {[]int64{40, 30, 8, 2}, nil, nil, []int64{40, 40, 40, 40}},
		"none":                 {nil, nil, nil, []int64{1, 1, 1, 1}},
		"below the floor":      {[]int64{0, 0, 0, 0}, []int64{0, 0, 0, 0}, nil, []int64{1, 1, 1, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			e := newEstimator(t, f, nil)
			var votes []Vote
			for i, rates := range [][]int64{tt.mempool, tt.blocks, tt.guess} {
				v := Vote{Name: []string{VoteMempool, VoteBlocks, VoteEstimateFee}[i], Used: rates != nil}
				for _, rate := range rates {
					v.RatesSatKVB = append(v.RatesSatKVB, 1000*rate)
				}
				votes = append(votes, v)
			}

			est := e.decide(noon(), f.status, votes)

			for i, target := range est.Targets {
				if target.RateSatKVB != 1000*tt.want[i] {
					t.Errorf("within %d blocks: %d, want %d", target.Blocks, target.RateSatKVB, 1000*tt.want[i])
				}
			}
		})
	}
}

// An estimate that stands still since before we came may be frozen.
func TestEstimateFeeMustMoveBeforeItIsHeard(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.guess = 45_000
	e := newEstimator(t, f, nil)
	f.mine()

	if v := tick(t, f, e).Votes[2]; v.Used || !strings.Contains(v.Why, "not moved since it is watched") {
		t.Errorf("%+v", v)
	}
	f.guess++
	if v := tick(t, f, e).Votes[2]; !v.Used {
		t.Errorf("%+v", v)
	}
}

func TestFloorIsWhatPeersAskFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		relay   int64
		filters []int64
		want    int64
	}{
		"a node for nothing":  {0, nil, 1},
		"a tenth of 1 sat/vB": {100, nil, 100},
		"the node's":          {2500, nil, 2500},
		"six peers'":          {1000, []int64{1000, 9000, 3000, 4000, 6000, 2000}, 3500},
		"seven peers'":        {1000, []int64{1000, 9000, 3000, 4000, 6000, 2000, 1e15}, 4000},
		"too few peers":       {1000, []int64{5000, 5000, 5000, 5000, 5000}, 1000},
		"peers that are mute": {1000, []int64{5000, 5000, 5000, 5000, 5000, 0}, 1000},
		"peers ask for less":  {1000, []int64{100, 100, 100, 100, 100, 100}, 1000},
		"peers ask for more":  {100, []int64{1000, 1000, 1000, 1000, 1000, 1000}, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.status.RelayFeeSatKVB, f.status.PeerFiltersSatKVB = tt.relay, tt.filters
			e := newEstimator(t, f, nil)

			est := tick(t, f, e)

			if est.FloorSatKVB != tt.want || est.RelaySatKVB != max(tt.relay, 1) || est.Targets[0].RateSatKVB < tt.want {
				t.Errorf("%+v, want %d", est, tt.want)
			}
		})
	}
}

func TestRateForATarget(t *testing.T) {
	t.Parallel()
	est := Estimate{Targets: []Target{{6, 20_001}, {36, 5000}, {144, 1000}}}
	for blocks, want := range map[int]int64{0: 20_001, 1: 20_001, 6: 20_001, 35: 20_001, 36: 5000, 143: 5000, 144: 1000, 1000: 1000} {
		if got := est.RateSatKVB(blocks); got != want {
			t.Errorf("%d blocks: got %d, want %d", blocks, got, want)
		}
	}
	if got := (Estimate{}).RateSatKVB(6); got != 0 {
		t.Errorf("without targets: %d", got)
	}
}

// Whatever a node shows: floor <= rate <= highest vote and twice the highest beside
// the mempool's, longer is never dearer, trust needs two votes, and the estimate
// survives JSON.
func TestEstimateKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake()
		e := newEstimator(t, f, func(c *Config) { c.Private = rapid.Bool().Draw(rt, "private") })
		rate := rapid.Int64Range(0, 200_000)
		fault := func(name string) error {
			if rapid.IntRange(0, 9).Draw(rt, name) == 0 {
				return errDown()
			}
			return nil
		}
		for range rapid.IntRange(1, 15).Draw(rt, "ticks") {
			f.poolErr, f.blockErr, f.guessErr = fault("pool"), fault("block"), fault("guess")
			f.guess = rate.Draw(rt, "estimate")
			f.status.RelayFeeSatKVB = rapid.Int64Range(0, 3000).Draw(rt, "relay")
			f.status.PeerFiltersSatKVB = rapid.SliceOfN(rapid.Int64Range(0, 30_000), 0, 8).Draw(rt, "filters")
			f.fill(rapid.IntRange(0, 60).Draw(rt, "come"), rate.Draw(rt, "rate"))
			f.clock.Advance(rapid.SampledFrom([]time.Duration{0, 5 * time.Minute, time.Hour}).Draw(rt, "pause"))
			switch rapid.IntRange(0, 5).Draw(rt, "event") {
			case 0:
				f.mineOldest()
			case 1:
				f.strange()
			case 2:
				f.pool = nil
			case 3:
				f.forks++
				f.chain = f.chain[:max(1, len(f.chain)-2)]
				f.mine()
			}

			est := tick(t, f, e)

			checkPromises(rt, est)
		}
	})
}

func checkPromises(t *rapid.T, est Estimate) {
	t.Helper()
	most, bound, used := est.FloorSatKVB, est.FloorSatKVB, 0
	for _, v := range est.Votes {
		if v.Used {
			used++
			most = max(most, slices.Max(v.RatesSatKVB))
			if v.Name != VoteMempool {
				bound = max(bound, mostOver*slices.Max(v.RatesSatKVB))
			}
		}
		falls := slices.IsSortedFunc(v.RatesSatKVB, func(a, b int64) int { return cmp.Compare(b, a) })
		if v.Used != (v.Why == "") || v.AgeSec < 0 || !falls {
			t.Errorf("%+v", v)
		}
	}
	if used >= minVotes {
		most = min(most, bound)
	}
	var shorter int64
	for i, target := range est.Targets {
		if target.RateSatKVB < est.FloorSatKVB || target.RateSatKVB > most || (i > 0 && target.RateSatKVB > shorter) {
			t.Errorf("%+v", est)
		}
		shorter = target.RateSatKVB
	}
	if est.FloorSatKVB < max(est.RelaySatKVB, 1) || len(est.Targets) != 4 || est.Trusted != (est.Why == "") || (est.Trusted && used < minVotes) {
		t.Errorf("%+v", est)
	}
	text, err := json.Marshal(est)
	var back Estimate
	if err != nil || json.Unmarshal(text, &back) != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(est, back); diff != "" {
		t.Error(diff)
	}
}
