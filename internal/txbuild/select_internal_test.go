package txbuild

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

// newTestPool returns a pool of P2TR coins with these amounts that pays one
// P2WPKH payee, with room below every cap.
func newTestPool(amounts []btcutil.Amount, must int, pay btcutil.Amount, rate, longRun FeeRate) *pool {
	p := &pool{
		pay: pay, payees: 1, changes: 1, payeesWeight: 124, inputWeight: 230, changeWeight: 172,
		rate: rate, longRun: longRun, maxRate: maxFeeRate, maxFee: btcutil.MaxSatoshi,
	}
	p.changeFloor = max(330, longRun.Fee(p.inputWeight))
	p.changeTarget = max(p.changeFloor, defaultChangeTarget)
	for i, amount := range amounts {
		hash := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		coin := Coin{OutPoint: wire.OutPoint{Hash: hash}, Amount: amount}
		if i < must {
			p.must = append(p.must, coin)
		} else {
			p.free = append(p.free, coin)
		}
	}
	slices.SortFunc(p.free, bySize)
	total := btcutil.Amount(0)
	for _, coin := range p.must {
		total += coin.Amount
	}
	p.prefix = []btcutil.Amount{total}
	for _, coin := range p.free {
		total += coin.Amount
		p.prefix = append(p.prefix, total)
	}
	return p
}

// subsets returns every set that holds all of must, and no other coin that
// costs more to spend than it brings.
func (p *pool) subsets() [][]Coin {
	useful := slices.DeleteFunc(slices.Clone(p.free), func(c Coin) bool { return c.Amount <= p.rate.Fee(p.inputWeight) })
	var sets [][]Coin
	for mask := range 1 << len(useful) {
		set := slices.Clone(p.must)
		for i, coin := range useful {
			if mask>>i&1 == 1 {
				set = append(set, coin)
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// On pools small enough to try every set, selection finds a set whenever there
// is one, is never better than the best of all, and where coins are dearer now
// than in the long run it is the best.
func TestSelectionAgainstEverySet(t *testing.T) {
	t.Parallel()
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) btcutil.Amount {
			return btcutil.Amount(rapid.Int64Range(300, 200_000).Draw(rt, "sat"))
		}), 1, 9).Draw(rt, "coins")
		must := rapid.IntRange(0, min(2, len(amounts))).Draw(rt, "must")
		rate := FeeRate(rapid.Int64Range(500, 50_000).Draw(rt, "rate"))
		longRun := FeeRate(rapid.Int64Range(500, 50_000).Draw(rt, "long run"))
		pay := btcutil.Amount(rapid.Int64Range(1_000, 300_000).Draw(rt, "pay"))
		if rapid.Bool().Draw(rt, "aim at a changeless set") {
			// Random amounts seldom match; make one set match nearly.
			sum, n := btcutil.Amount(0), 0
			for i := range amounts {
				if i < must || rapid.Bool().Draw(rt, "in") {
					sum, n = sum+amounts[i], n+1
				}
			}
			probe := newTestPool(amounts, must, 0, rate, longRun)
			pay = sum - probe.need(n, false, btcutil.Amount(rapid.Int64Range(0, 2_000).Draw(rt, "off")))
			if pay <= 0 {
				return
			}
		}
		p := newTestPool(amounts, must, pay, rate, longRun)
		want, possible, _, _ := p.best(p.subsets())
		got, ok, _, _ := p.best(p.candidates(stream([32]byte{}, "coins")))
		if ok != possible {
			rt.Fatalf("selection found a set: %v; there is one: %v", ok, possible)
		}
		if !ok {
			return
		}
		found++
		wantSmall := want.change > 0 && want.change < p.changeTarget
		gotSmall := got.change > 0 && got.change < p.changeTarget
		if wantSmall != gotSmall {
			rt.Fatalf("small change %v; the best set has small change %v", gotSmall, wantSmall)
		}
		if got.waste < want.waste {
			rt.Fatalf("waste %d is below the optimum %d", got.waste, want.waste)
		}
		if rate >= longRun && got.waste != want.waste {
			rt.Fatalf("waste %d, optimum %d (%d inputs, change %d; optimum %d inputs, change %d)",
				got.waste, want.waste, len(got.coins), got.change, len(want.coins), want.change)
		}
	})
	if found < 20 {
		t.Errorf("only %d pools could pay: the draw is too poor", found)
	}
}

func TestBranchAndBoundFindsTheExactSet(t *testing.T) {
	t.Parallel()
	amounts := []btcutil.Amount{1_000_003, 700_011, 450_017, 300_029, 120_041, 90_053, 55_061}
	p := newTestPool(amounts, 0, 0, 20_000, 10_000)
	p.pay = 700_011 + 300_029 + 55_061 - p.need(3, false, 0)
	set := p.branchAndBound()
	c, ok := p.price(set, false)
	if !ok || len(set) != 3 || c.fee != p.rate.Fee(c.weight) {
		t.Errorf("set %v, %+v, %v", set, c, ok)
	}
}

func TestFewestPrefersTheTightestSet(t *testing.T) {
	t.Parallel()
	p := newTestPool([]btcutil.Amount{900_000, 500_000, 400_000, 200_000, 100_000}, 0, 390_000, 1_000, 10_000)
	set := p.fewest(false, 0)
	if len(set) != 1 || set[0].Amount != 400_000 {
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
		c, ok, _, _ := p.best(p.candidates(stream([32]byte{9}, "coins")))
		if !ok {
			t.Fatalf("no set at %d sat/kvB", rate)
		}
		return len(c.coins)
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
	if c, ok, _, _ := p.best(p.candidates(stream([32]byte{}, "coins"))); !ok || c.change < p.changeTarget {
		t.Errorf("change %d of %d coins, want at least %d", c.change, len(c.coins), p.changeTarget)
	}
	p = newTestPool([]btcutil.Amount{510_000}, 0, 500_000, 10_000, 10_000)
	if c, ok, _, _ := p.best(p.candidates(stream([32]byte{}, "coins"))); !ok || c.change == 0 || c.change >= p.changeTarget {
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
	set := p.randomDraw(stream([32]byte{3}, "coins"), p.changeTarget)
	if set == nil || p.weight(len(set), true) > MaxWeight {
		t.Errorf("%d coins", len(set))
	}
}

func BenchmarkSelection(b *testing.B) {
	for _, n := range []int{100, 5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			amounts := make([]btcutil.Amount, n)
			rng := stream([32]byte{}, "bench")
			for i := range amounts {
				amounts[i] = btcutil.Amount(10_000 + rng.Int64N(5_000_000))
			}
			p := newTestPool(amounts, 1, 40_000_000, 20_000, 10_000)
			for b.Loop() {
				if _, ok, _, _ := p.best(p.candidates(stream([32]byte{}, "coins"))); !ok {
					b.Fatal("no set")
				}
			}
		})
	}
}
