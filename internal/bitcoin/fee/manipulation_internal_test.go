package fee

import (
	"slices"
	"strings"
	"testing"
)

// flood puts two blocks' worth of transactions behind all others that only our node
// is shown, so that no miner takes them.
func (f *fake) flood(rate int64) {
	pool := f.pool
	f.pool = nil
	f.fill(80, rate)
	f.pool = append(pool, f.pool...)
}

// highest is the highest rate of the votes beside the mempool's.
func highest(est Estimate) int64 {
	return slices.Max([]int64{est.Votes[1].RatesSatKVB[0], est.Votes[2].RatesSatKVB[0]})
}

// Somebody shows our node alone transactions that pay 500 sat/vB: it costs him
// nothing. It doubles what we pay at most, blocks show that miners do not see them,
// and then they count no more.
func TestFloodThatMinersDoNotSee(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 8)
	f.flood(500_000)

	before := tick(t, f, e)
	if v := before.Votes[0]; !v.Used || v.RatesSatKVB[0] < 400_000 {
		t.Fatalf("the flood is not seen: %+v", v)
	}
	if got := before.Targets[0].RateSatKVB; !before.Trusted || got > 2*highest(before) {
		t.Errorf("trusted %v at %d, more than twice %d", before.Trusted, got, highest(before))
	}
	passed := busy(t, f, e, 2)
	if v := passed.Votes[0]; v.Used || !strings.Contains(v.Why, "Miners left transactions of our mempool") {
		t.Errorf("after two blocks: %+v", v)
	}
	if got := passed.RateSatKVB(2); !passed.Trusted || got < 27_001 || got > 31_000 {
		t.Errorf("after two blocks: trusted %v, %d sat/vB, want about 30", passed.Trusted, got)
	}
	after := busy(t, f, e, gateBlocks)
	if v := after.Votes[0]; !v.Used || v.RatesSatKVB[0] > 33_000 || len(e.pool) < 80 {
		t.Errorf("after eight blocks, %d wait: %+v", len(e.pool), v)
	}
}

// What pays for less than the cheapest quarter of blocks waits rightly: it stays
// counted, and nobody is blamed.
func TestWhatIsTooCheapIsNotPassedOver(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	busy(t, f, e, 8)
	f.flood(29_000)

	est := busy(t, f, e, gateBlocks)

	if v := est.Votes[0]; !v.Used || v.RatesSatKVB[1] < 29_000 {
		t.Errorf("%+v", v)
	}
	for id, tx := range e.pool {
		if tx.passed > 0 {
			t.Errorf("%s at %d was passed over", id, tx.rate)
		}
	}
}

// A miner of empty blocks makes nothing cheaper while others wait, and the room that
// he wastes is missed.
func TestEmptyBlocksAreNotCheapBlocks(t *testing.T) {
	t.Parallel()
	f := newFake()
	e := newEstimator(t, f, nil)
	before := busy(t, f, e, 8)
	pace := e.blocks.pace(f.clock.Now())
	for range 4 {
		f.guess++
		f.fill(40, 30_000)
		tick(t, f, e)
		f.mine()

		est := tick(t, f, e)

		if !est.Trusted {
			t.Errorf("not trusted: %s", est.Why)
		}
		for i, target := range est.Targets[:2] {
			if target.RateSatKVB < before.Targets[i].RateSatKVB {
				t.Errorf("within %d: %d, before %d", target.Blocks, target.RateSatKVB, before.Targets[i].RateSatKVB)
			}
		}
		if got, want := est.Votes[1].RatesSatKVB[0], before.Votes[1].RatesSatKVB[0]; got < want {
			t.Errorf("the blocks say %d, before %d", got, want)
		}
	}
	if now := e.blocks.pace(f.clock.Now()); now <= pace-pace/50 {
		t.Errorf("blocks that serve come each %v, before %v", now, pace)
	}
}

// What miners take without our seeing it come takes room from those who wait.
func TestUnseenTransactionsCompete(t *testing.T) {
	t.Parallel()
	in := newInflow()
	seen := []waiting{{rate: 10_000, weight: 300}, {rate: 40_000, weight: 100}}

	spread := in.spread(1000, seen)

	for rate, want := range map[int64]int64{10_000: 750, 40_000: 250, 20_000: 0} {
		if got := spread[in.bounds.class(rate)]; got != want {
			t.Errorf("at %d: %d, want %d", rate, got, want)
		}
	}
	if got := in.spread(1000, nil); got[len(got)-1] != 1000 {
		t.Error("what is like nothing that we saw does not come first")
	}
}

// Whoever is far from all others is not believed by himself, and a vote between
// them is.
func TestTrustNeedsTwoVotesThatAgree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rates   [3]int64
		trusted bool
	}{
		"all agree":                   {[3]int64{10_000, 20_000, 40_000}, true},
		"the mempool alone is dear":   {[3]int64{90_000, 10_000, 12_000}, true},
		"the mempool alone is cheap":  {[3]int64{1_000, 10_000, 12_000}, true},
		"the mempool and blocks":      {[3]int64{10_000, 12_000, 900_000}, true},
		"nobody agrees":               {[3]int64{1_000, 6_000, 40_000}, false},
		"only two, five times apart":  {[3]int64{10_000, 50_000, 0}, false},
		"only two, less far apart":    {[3]int64{10_000, 49_000, 0}, true},
		"without mempool, far apart":  {[3]int64{0, 10_000, 50_000}, false},
		"without mempool, they agree": {[3]int64{0, 10_000, 40_000}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			e := newEstimator(t, f, nil)
			var votes []Vote
			for i, who := range []string{VoteMempool, VoteBlocks, VoteEstimateFee} {
				votes = append(votes, Vote{Name: who, Used: tt.rates[i] > 0, RatesSatKVB: []int64{tt.rates[i], tt.rates[i], tt.rates[i], tt.rates[i]}})
			}

			est := e.decide(noon(), f.status, votes)

			if est.Trusted != tt.trusted || (!tt.trusted && !strings.Contains(est.Why, "far apart")) {
				t.Errorf("trusted %v: %s", est.Trusted, est.Why)
			}
		})
	}
}
