package fee

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
)

func TestNewNeedsItsParts(t *testing.T) {
	t.Parallel()
	f := newFake()
	for _, cfg := range []Config{{}, {Node: f}, {Clock: f.clock}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestBusyNetworkIsPaidFor(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)

	est := busy(t, f, e, 8)

	if !est.Trusted || est.Why != "" || est.FloorSatKVB != 1000 || est.Height != 8 || !est.At.Equal(f.clock.Now()) {
		t.Errorf("%+v", est)
	}
	for _, v := range est.Votes {
		if !v.Used || v.Why != "" || v.RatesSatKVB[0] < 28_000 || v.RatesSatKVB[0] > 33_000 {
			t.Errorf("%+v", v)
		}
	}
	if got := est.RateSatVB(6); got < 29 || got > 33 {
		t.Errorf("got %d sat/vB, want about 30", got)
	}
}

// Each row changes a network that eight blocks have made trusted, and says what
// must be said afterwards.
func TestWhatTakesTrustAway(t *testing.T) {
	t.Parallel()
	const untrusted = "Say what to pay."
	tests := map[string]struct {
		config  func(*Config)
		change  func(t *testing.T, f *fake, e *Estimator)
		unused  []string // votes
		says    string   // in the reason of the last of them
		trusted bool
	}{
		"nothing":       {trusted: true},
		"few peers":     {change: func(_ *testing.T, f *fake, _ *Estimator) { f.status.Peers = 3 }},
		"own few peers": {config: func(c *Config) { c.MinPeers = 2 }, change: func(_ *testing.T, f *fake, _ *Estimator) { f.status.Peers = 3 }, trusted: true},
		"behind":        {change: func(_ *testing.T, f *fake, _ *Estimator) { f.status.Behind = 2 }},
		"a block is on its way": {
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.status.Behind = 1 }, trusted: true,
		},
		"old tip": {
			config: func(c *Config) { c.MaxTipAge = 3 * time.Hour },
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.status.TipTime = f.clock.Now().Add(-4 * time.Hour) },
		},
		"no estimatefee": {
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.guess = 0 },
			unused: []string{VoteEstimateFee}, says: "no estimate", trusted: true,
		},
		"estimatefee fails": {
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.guessErr = errDown() },
			unused: []string{VoteEstimateFee}, says: "The node is down.", trusted: true,
		},
		"estimatefee stands still": {
			change: func(t *testing.T, f *fake, e *Estimator) {
				for range 5 { // it moved before the last block
					f.fill(40, 30_000)
					tick(t, f, e)
					f.mineOldest()
					tick(t, f, e)
				}
			},
			unused: []string{VoteEstimateFee}, says: "not moved for 6 blocks", trusted: true,
		},
		"the mempool is missing for a moment": {
			change:  func(_ *testing.T, f *fake, _ *Estimator) { f.poolErr = errDown() },
			trusted: true,
		},
		"the mempool is missing": {
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.poolErr = errDown(); f.clock.Advance(2 * time.Minute) },
			unused: []string{VoteMempool}, says: "The node is down.", trusted: true,
		},
		"a block cannot be read": {
			change: func(_ *testing.T, f *fake, _ *Estimator) { f.mineOldest(); f.blockErr = errors.New("reset") },
			unused: []string{VoteBlocks}, says: "The node did not answer.", trusted: true,
		},
		"miners take what we do not see": {
			change: func(t *testing.T, f *fake, e *Estimator) {
				for range 2 {
					f.strange()
					tick(t, f, e)
				}
			},
			unused: []string{VoteMempool, VoteBlocks}, says: "of the last blocks' room 32 %",
		},
		"btcd lost its mempool": {
			change: func(t *testing.T, f *fake, e *Estimator) {
				f.fill(80, 3000)
				tick(t, f, e)
				f.pool = nil
			},
			unused: []string{VoteMempool}, says: "watched for 0 of the 10 minutes", trusted: true,
		},
		"nobody looked for an hour": {
			change: func(_ *testing.T, f *fake, _ *Estimator) {
				for range 6 {
					f.clock.Advance(10 * time.Minute)
					f.strange()
				}
				f.guess++
			},
			unused: []string{VoteMempool, VoteBlocks}, says: "of the last blocks' room 97 %",
		},
		"two that are far apart": {
			change: func(_ *testing.T, f *fake, _ *Estimator) {
				f.guess = 200_000
				f.poolErr = errDown()
				f.clock.Advance(2 * time.Minute)
			},
			unused: []string{VoteMempool}, says: "The node is down.",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			e := newEstimator(t, f, tt.config)
			if est := busy(t, f, e, 8); !est.Trusted {
				t.Fatalf("before: %+v", est)
			}
			if tt.change != nil {
				tt.change(t, f, e)
			}

			est := tick(t, f, e)

			if est.Trusted != tt.trusted || strings.HasSuffix(est.Why, untrusted) == tt.trusted {
				t.Errorf("trusted %v, want %v: %s", est.Trusted, tt.trusted, est.Why)
			}
			why := ""
			for _, v := range est.Votes {
				if v.Used == slices.Contains(tt.unused, v.Name) || v.Used == (v.Why != "") {
					t.Errorf("%+v", v)
				}
				if !v.Used {
					why = v.Why
				}
			}
			if !strings.Contains(strings.ToLower(why), strings.ToLower(tt.says)) {
				t.Errorf("says %q, want %q", why, tt.says)
			}
		})
	}
}

func TestBeginningIsNotTrustedUntilWatched(t *testing.T) {
	t.Parallel()
	f := newFake()
	for range 20 {
		f.strange()
	}
	e := newEstimator(t, f, nil)

	first := tick(t, f, e)
	if first.Trusted || f.read != gateBlocks || len(first.Targets) != 3 || first.Targets[0].RateSatKVB != first.FloorSatKVB {
		t.Errorf("after reading %d blocks: %+v", f.read, first)
	}
	later := busy(t, f, e, 2)
	if !later.Trusted || later.Votes[1].Used || !later.Votes[0].Used || !later.Votes[2].Used {
		t.Errorf("after two blocks: %+v", later)
	}
	if last := busy(t, f, e, 6); !last.Trusted || !last.Votes[1].Used {
		t.Errorf("after eight blocks: %+v", last)
	}
}

// A chain of one's own has no peers, empty blocks and a mempool that is empty.
func TestPrivateChainIsTrustedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.status.Peers = 0
	e := newEstimator(t, f, func(c *Config) { c.Private = true })
	f.mine()

	est := tick(t, f, e)

	if !est.Trusted || est.RateSatVB(6) != 1 {
		t.Errorf("%+v", est)
	}
}

func TestFloorIsWhatPeersAskFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		relay   int64
		filters []int64
		want    int64
	}{
		"the network's own":   {0, nil, 1000},
		"the node's":          {2500, nil, 2500},
		"six peers'":          {1000, []int64{1000, 9000, 3000, 4000, 6000, 2000}, 3500},
		"seven peers'":        {1000, []int64{1000, 9000, 3000, 4000, 6000, 2000, 1e15}, 4000},
		"too few peers":       {1000, []int64{5000, 5000, 5000, 5000, 5000}, 1000},
		"peers that are mute": {1000, []int64{5000, 5000, 5000, 5000, 5000, 0}, 1000},
		"peers ask for less":  {1000, []int64{100, 100, 100, 100, 100, 100}, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.status.RelayFeeSatKVB, f.status.PeerFiltersSatKVB = tt.relay, tt.filters
			e := newEstimator(t, f, nil)

			est := tick(t, f, e)

			if est.FloorSatKVB != tt.want || est.Targets[0].RateSatKVB < tt.want {
				t.Errorf("%+v, want %d", est, tt.want)
			}
		})
	}
}

func TestReorganisationTakesBlocksBack(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 10)
	old := slices.Clone(e.blocks.blocks)

	f.chain = f.chain[:len(f.chain)-3]
	f.forks++
	for range 4 {
		f.mine()
	}
	f.read = 0
	tick(t, f, e)

	if f.read != 4 || len(e.blocks.blocks) != 11 {
		t.Errorf("read %d blocks and has %d, want 4 and 11", f.read, len(e.blocks.blocks))
	}
	if diff := cmp.Diff(old[:7], e.blocks.blocks[:7], cmp.AllowUnexported(mined{})); diff != "" {
		t.Error(diff)
	}
	f.chain = f.chain[:len(f.chain)-2]
	tick(t, f, e)
	if n := len(e.blocks.blocks); n != 9 {
		t.Errorf("has %d blocks, want 9", n)
	}
}

// A block that could not be read is read the next time, with the transactions
// that stood in the mempool before it.
func TestBlockIsReadLaterWithWhatWasSeen(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 8)
	f.mineOldest()
	f.blockErr = errDown()
	tick(t, f, e)
	f.blockErr = nil

	est := tick(t, f, e)

	if last := e.blocks.blocks[len(e.blocks.blocks)-1]; len(e.blocks.blocks) != 9 || last.unseen != 0 || !est.Votes[0].Used {
		t.Errorf("%d blocks, the last %+v", len(e.blocks.blocks), last)
	}
}

func TestErrorsAreTheNodesAndTheContexts(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	f.statusErr = errDown()
	if _, err := e.Tick(t.Context()); errs.CodeOf(err) != "node_down" {
		t.Errorf("got %v", err)
	}
	f.statusErr = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Tick(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	for range 400 {
		f.fill(1, 5000)
		f.mine()
		tick(t, f, e)
		f.clock.Advance(time.Hour)
	}

	if n := len(e.blocks.blocks); n != keptBlocks {
		t.Errorf("%d blocks", n)
	}
	if n := len(e.pool); n != 400 {
		t.Errorf("%d transactions", n)
	}
	if len(e.inflow.hour.slots) != 60 || len(e.inflow.day.slots) != 24 {
		t.Errorf("%d and %d slots", len(e.inflow.hour.slots), len(e.inflow.day.slots))
	}
}

func TestRateForATarget(t *testing.T) {
	t.Parallel()
	est := Estimate{Targets: []Target{{6, 20_001}, {36, 5000}, {144, 1000}}}
	for blocks, want := range map[int]int64{0: 21, 1: 21, 6: 21, 35: 21, 36: 5, 143: 5, 144: 1, 1000: 1} {
		if got := est.RateSatVB(blocks); got != want {
			t.Errorf("%d blocks: got %d, want %d", blocks, got, want)
		}
	}
	if got := (Estimate{}).RateSatVB(6); got != 0 {
		t.Errorf("without targets: %d", got)
	}
}

// Whatever a node shows: floor <= rate <= highest vote, longer is never dearer,
// trust needs two votes, and the estimate survives JSON.
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
		for range rapid.IntRange(1, 40).Draw(rt, "ticks") {
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
	most, used := est.FloorSatKVB, 0
	for _, v := range est.Votes {
		if v.Used {
			used++
			most = max(most, slices.Max(v.RatesSatKVB))
		}
		if v.Used != (v.Why == "") || v.AgeSec < 0 {
			t.Errorf("%+v", v)
		}
	}
	var shorter int64
	for i, target := range est.Targets {
		if target.RateSatKVB < est.FloorSatKVB || target.RateSatKVB > most || (i > 0 && target.RateSatKVB > shorter) {
			t.Errorf("%+v", est)
		}
		shorter = target.RateSatKVB
	}
	if est.FloorSatKVB < MinFloorSatKVB || len(est.Targets) != 3 || est.Trusted != (est.Why == "") || (est.Trusted && used < minVotes) {
		t.Errorf("%+v", est)
	}
	text, err := json.Marshal(est)
	var back Estimate
	if err != nil || json.Unmarshal(text, &back) != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(est, back); diff != "" {
		t.Error(diff)
	}
}
