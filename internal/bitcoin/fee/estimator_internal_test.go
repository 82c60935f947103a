package fee

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	if got := est.RateSatKVB(6); got < 28_001 || got > 33_000 {
		t.Errorf("got %d sat/kvB, want about 30,000", got)
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
			unused: []string{VoteMempool, VoteBlocks}, says: "of the last blocks' room 32.5 %",
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
			unused: []string{VoteMempool, VoteBlocks}, says: "of the last blocks' room 97.7 %",
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
	if first.Trusted || f.read != gateBlocks || len(first.Targets) != 4 || first.Targets[0].RateSatKVB != first.FloorSatKVB {
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

// After btcd has lost its mempool the blocks before do not vouch for the new one.
func TestLostMempoolIsProvedByABlock(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 8)
	f.fill(80, 3000)
	tick(t, f, e)
	f.pool = nil
	var est Estimate
	for range 25 {
		f.fill(4, 30_000)
		est = tick(t, f, e)
	}
	if v := est.Votes[0]; v.Used || !strings.Contains(v.Why, "No block has shown") {
		t.Errorf("before a block: %+v", v)
	}

	f.mineOldest()
	if v := tick(t, f, e).Votes[0]; !v.Used {
		t.Errorf("after a block: %+v", v)
	}
}

func TestWithoutABlockNothingIsKnown(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, func(c *Config) { c.Private = true })

	est := tick(t, f, e)

	if est.Trusted || est.Votes[0].Used || est.Votes[1].Used {
		t.Errorf("%+v", est)
	}
}

func TestRoomThatWasLeftCostsTheFloor(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	for range gateBlocks {
		f.fill(20, 50_000) // half a block
		tick(t, f, e)
		f.mineOldest()
	}

	v := tick(t, f, e).Votes[1]

	if !v.Used || v.RatesSatKVB[0] != 1000 {
		t.Errorf("%+v", v)
	}
}

// A block that comes after the mempool was listed takes its transactions out of
// that list, or they would seem to have left unmined with the next.
func TestBlockBetweenTwoQuestions(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 2)
	f.fill(30, 30_000)
	f.between = func() { f.mine(f.pool...) }

	est := tick(t, f, e)

	if len(e.pool) != 0 || e.blocks.blocks[2].unseen != 0 || !est.Votes[0].Used {
		t.Errorf("%d wait, %+v", len(e.pool), e.blocks.blocks)
	}
}

func TestInflowBeginsAnewAfterAPause(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 2)
	f.clock.Advance(11 * time.Minute)

	if v := tick(t, f, e).Votes[0]; v.Used || !e.inflow.since.Equal(f.clock.Now()) {
		t.Errorf("%+v", v)
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

	if !est.Trusted || est.RateSatKVB(6) != 1000 {
		t.Errorf("%+v", est)
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
	for range 200 {
		f.fill(1, 5000)
		f.mine()
		tick(t, f, e)
		f.clock.Advance(time.Hour)
	}

	if n := len(e.blocks.blocks); n != keptBlocks {
		t.Errorf("%d blocks", n)
	}
	if n := len(e.pool); n != 200 {
		t.Errorf("%d transactions", n)
	}
	if len(e.inflow.hour.slots) != 60 || len(e.inflow.day.slots) != 24 {
		t.Errorf("%d and %d slots", len(e.inflow.hour.slots), len(e.inflow.day.slots))
	}
}

// Whoever can wait a day is not held to the dear hour that blocks show now, and
// pays no more than now when the day was dear.
func TestBlocksVoteByTheTimeThereIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		day  int64
		last [gateBlocks]int64
		want []int64
	}{
		"a dear hour":  {4000, [gateBlocks]int64{40_000, 40_000, 40_000, 40_000, 40_000, 40_000}, []int64{40_000, 4000, 4000}},
		"a cheap hour": {40_000, [gateBlocks]int64{4000, 4000, 4000, 4000, 4000, 4000}, []int64{4000, 4000, 4000}},
		"a median":     {9000, [gateBlocks]int64{60_000, 1000, 8000, 9000, 0, 7000}, []int64{7000, 7000, 7000}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := history{}
			for range keptBlocks - gateBlocks {
				h.add(mined{rate: tt.day})
			}
			for _, rate := range tt.last {
				h.add(mined{rate: rate})
			}

			got, why := h.vote([]int{6, 36, 144})

			if diff := cmp.Diff(tt.want, got); diff != "" || why != "" {
				t.Errorf("%q, (-want +got)\n%s", why, diff)
			}
		})
	}
}
