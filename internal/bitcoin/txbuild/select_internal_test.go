package txbuild

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// testCoin returns the n-th coin, received at an address of its own.
func testCoin(n int, amount btcutil.Amount) Coin {
	hash := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(n)))
	return Coin{OutPoint: wire.OutPoint{Hash: hash}, Amount: amount, Script: hash[:], Chain: wallet.ChainDeposit}
}

// newTestPool returns a pool of P2TR coins with these amounts that pays one
// P2WPKH payee, with room below every cap. Coins from the must-th on that are
// worth spending can be chosen.
func newTestPool(amounts []btcutil.Amount, must int, pay btcutil.Amount, rate, longRun FeeRate) *pool {
	coins := make([]Coin, len(amounts))
	for i, amount := range amounts {
		coins[i] = testCoin(i, amount)
	}
	return poolOf(coins, must, pay, rate, longRun)
}

func poolOf(coins []Coin, must int, pay btcutil.Amount, rate, longRun FeeRate) *pool {
	p := &pool{
		pay: pay, payees: 1, changes: 1, payeesWeight: 124, inputWeight: 230, changeWeight: 172, mostInputs: 10_000, maxInputs: 10_000, extra: 10_000, joinBelow: maxFeeRate,
		rate: rate, longRun: longRun, maxRate: maxFeeRate, maxFee: btcutil.MaxSatoshi,
	}
	p.changeCost = rate.part(p.changeWeight) + longRun.part(p.inputWeight)
	p.changeFloor = max(330, longRun.part(p.inputWeight))
	p.changeTarget = max(p.changeFloor, defaultChangeTarget)
	r := Request{Coins: coins, Payees: make([]Payee, 1)}
	for _, coin := range coins[:must] {
		r.Must = append(r.Must, coin.OutPoint)
	}
	if err := p.addCoins(r, true, true); err != nil {
		panic(err)
	}
	return p
}

// everyPick returns every set of groups.
func (p *pool) everyPick() []pick {
	var picks []pick
	for mask := range 1 << len(p.groups) {
		k := p.start()
		for i := range p.groups {
			if mask>>i&1 == 1 {
				k = p.with(k, i)
			}
		}
		picks = append(picks, k)
	}
	return picks
}

func (p *pool) choose(seed byte) (choice, bool) {
	c, ok, _, _ := p.best(p.candidates(stream([32]byte{seed}, "coins")))
	return c, ok
}

// drawPool draws coins in groups of one to four, and a payment that some set of
// them often matches nearly.
func drawPool(rt *rapid.T) *pool {
	sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 1, 1, 1, 2, 3, 4}), 1, 10).Draw(rt, "groups")
	var coins []Coin
	for i, size := range sizes {
		for range size {
			coin := testCoin(len(coins), btcutil.Amount(rapid.Int64Range(300, 200_000).Draw(rt, "sat")))
			coin.Script = []byte{byte(i)}
			coins = append(coins, coin)
		}
	}
	must := rapid.IntRange(0, min(2, len(coins))).Draw(rt, "must")
	rate := FeeRate(rapid.Int64Range(500, 50_000).Draw(rt, "rate"))
	longRun := FeeRate(rapid.Int64Range(500, 50_000).Draw(rt, "long run"))
	pay := btcutil.Amount(rapid.Int64Range(1_000, 300_000).Draw(rt, "pay"))
	if rapid.Bool().Draw(rt, "aim at a changeless set") {
		// Random amounts seldom match; make one set match nearly.
		probe := poolOf(coins, must, 0, rate, longRun)
		k := probe.start()
		for i := range probe.groups {
			if rapid.Bool().Draw(rt, "in") {
				k = probe.with(k, i)
			}
		}
		pay = k.amount - probe.need(k.inputs, false, btcutil.Amount(rapid.Int64Range(0, 2_000).Draw(rt, "off")))
	}
	p := poolOf(coins, must, max(1, pay), rate, longRun)
	p.needChange = rapid.IntRange(0, 4).Draw(rt, "change") == 0
	return p
}

// On pools small enough to try every set, selection finds a set whenever there
// is one, is never better than the best of all, and where coins are dearer now
// than in the long run it is the best.
func TestSelectionAgainstEverySet(t *testing.T) {
	t.Parallel()
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPool(rt)
		if rapid.Bool().Draw(rt, "bounded") {
			p.extra, p.joinBelow = rapid.IntRange(0, 8).Draw(rt, "extra"), p.longRun
			p.bound()
		}
		want, possible, _, _ := p.best(p.everyPick())
		got, ok := p.choose(0)
		if ok != possible {
			rt.Fatalf("selection found a set: %v; there is one: %v", ok, possible)
		}
		if !ok {
			return
		}
		found++
		if p.rank(got) != p.rank(want) {
			rt.Fatalf("rank %+v; the best set has %+v", p.rank(got), p.rank(want))
		}
		if got.waste < want.waste {
			rt.Fatalf("waste %d is below the optimum %d", got.waste, want.waste)
		}
		if p.rate >= p.longRun && got.waste != want.waste {
			rt.Fatalf("waste %d, optimum %d (%d inputs, change %d; optimum %d inputs, change %d)",
				got.waste, want.waste, got.inputs, got.change, want.inputs, want.change)
		}
	})
	if found < 20 {
		t.Errorf("only %d pools could pay: the draw is too poor", found)
	}
}

// At any rate, branch and bound finds the least wasteful set without change, and
// the search for the lightest set the one with the fewest inputs and the least
// amount of those.
func TestSearchesAgainstEverySet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPool(rt)
		var changeless, light *choice
		extra := rapid.SampledFrom([]btcutil.Amount{p.changeFloor, p.changeTarget}).Draw(rt, "extra")
		for _, k := range p.everyPick() {
			if c, ok := p.price(k, false); ok && (changeless == nil || c.waste < changeless.waste) {
				changeless = &c
			}
			if c, ok := p.price(k, true); ok && c.change >= extra &&
				(light == nil || c.inputs < light.inputs || (c.inputs == light.inputs && c.amount < light.amount)) {
				light = &c
			}
		}
		if !p.needChange {
			k, ok := p.branchAndBound()
			c, _ := p.price(k, false)
			if ok != (changeless != nil) || (ok && c.waste != changeless.waste) {
				rt.Fatalf("branch and bound: %v, %+v; best %+v", ok, c, changeless)
			}
		}
		few, ok := p.largestFirst(true, extra)
		if ok != (light != nil) {
			rt.Fatalf("largest first: %v; best %+v", ok, light)
		}
		if !ok {
			return
		}
		if k, _ := p.lightest(extra, few); k.inputs != light.inputs || k.amount != light.amount {
			rt.Fatalf("lightest: %+v, best %+v", k, light.pick)
		}
	})
}

func TestBranchAndBoundFindsTheExactSet(t *testing.T) {
	t.Parallel()
	amounts := []btcutil.Amount{1_000_003, 700_011, 450_017, 300_029, 120_041, 90_053, 55_061}
	p := newTestPool(amounts, 0, 0, 20_000, 10_000)
	p.pay = 700_011 + 300_029 + 55_061 - p.need(3, false, 0)
	set, _ := p.branchAndBound()
	c, ok := p.price(set, false)
	if !ok || set.inputs != 3 || c.fee != p.rate.Fee(c.weight) {
		t.Errorf("set %v, %+v, %v", set, c, ok)
	}
}

func TestLargestFirstTakesTheTightestSet(t *testing.T) {
	t.Parallel()
	p := newTestPool([]btcutil.Amount{900_000, 500_000, 400_000, 200_000, 100_000}, 0, 390_000, 1_000, 10_000)
	set, ok := p.largestFirst(false, 0)
	if !ok || set.inputs != 1 || set.amount != 400_000 {
		t.Errorf("got %v, want the 400,000 sat coin alone", set)
	}
}

// Cheap blockspace is the time to gather coins, dear blockspace to spend few.
func TestRateDecidesHowManyCoinsAreSpent(t *testing.T) {
	t.Parallel()
	amounts := make([]btcutil.Amount, 60)
	for i := range amounts {
		amounts[i] = btcutil.Amount(20_000 + 1_000*i)
	}
	amounts = append(amounts, 900_000)
	count := func(rate FeeRate) int {
		p := newTestPool(amounts, 0, 500_000, rate, 10_000)
		c, ok := p.choose(9)
		if !ok {
			t.Fatalf("no set at %d sat/kvB", rate)
		}
		return c.inputs
	}
	if low, high := count(1_000), count(100_000); low <= high || high != 1 {
		t.Errorf("%d coins at 1 sat/vB, %d at 100 sat/vB", low, high)
	}
}

// A bump is paid from change, so little change is made only where there is no
// other way.
func TestSmallChangeIsAvoided(t *testing.T) {
	t.Parallel()
	p := newTestPool([]btcutil.Amount{510_000, 100_000}, 0, 500_000, 10_000, 10_000)
	if c, ok := p.choose(0); !ok || c.change < p.changeTarget {
		t.Errorf("change %d of %d coins, want at least %d", c.change, c.inputs, p.changeTarget)
	}
	p = newTestPool([]btcutil.Amount{510_000}, 0, 500_000, 10_000, 10_000)
	if c, ok := p.choose(0); !ok || c.change == 0 || c.change >= p.changeTarget {
		t.Errorf("change %d, %v; want what is left", c.change, ok)
	}
}

// Where the weight runs out, the draw keeps the larger coins.
func TestRandomDrawKeepsWithinTheWeight(t *testing.T) {
	t.Parallel()
	amounts := make([]btcutil.Amount, 4_000)
	for i := range amounts {
		amounts[i] = btcutil.Amount(2_000 + 10*i)
	}
	p := newTestPool(amounts, 0, 50_000_000, 1_000, 10_000)
	set, ok := p.randomDraw(stream([32]byte{3}, "coins"), p.changeTarget)
	if !ok || p.weight(set.inputs, true) > MaxWeight {
		t.Errorf("%d coins", set.inputs)
	}
}
