package txbuild

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// bnbTries bounds the branch-and-bound search.
const bnbTries = 100_000

// pool is what selection works on. All coins weigh the same, so free is simply
// sorted by amount, largest first.
type pool struct {
	must, free    []Coin
	prefix        []btcutil.Amount // prefix[k] is must and the k largest of free
	pay           btcutil.Amount
	payees        int
	payeesWeight  int64
	inputWeight   int64
	changeWeight  int64
	rate, longRun FeeRate
	maxRate       FeeRate
	maxFee        btcutil.Amount
	changeFloor   btcutil.Amount // less than this is never sent back
	changeTarget  btcutil.Amount // less than this is avoided
}

// choice is one set of coins, priced.
type choice struct {
	coins  []Coin
	fee    btcutil.Amount
	change btcutil.Amount // 0: no change output
	weight int64
	waste  btcutil.Amount
}

func (p *pool) weight(inputs int, change bool) int64 {
	outputs, outputsWeight := p.payees, p.payeesWeight
	if change {
		outputs, outputsWeight = outputs+1, outputsWeight+p.changeWeight
	}
	return txWeight(inputs, outputs, int64(inputs)*p.inputWeight, outputsWeight)
}

// need returns what inputs must hold together, with extra left for change.
func (p *pool) need(inputs int, change bool, extra btcutil.Amount) btcutil.Amount {
	return p.pay + p.rate.Fee(p.weight(inputs, change)) + extra
}

// costOfChange is what a change output costs now and when it is spent later.
func (p *pool) costOfChange() btcutil.Amount {
	return p.rate.Fee(p.changeWeight) + p.longRun.Fee(p.inputWeight)
}

// price works out fee and change for a set of coins, with or without a change
// output. ok is false when the coins do not suffice for that.
//
// The waste is what these inputs cost now over what they would cost in the long
// run, plus the cost of change or the excess given to the miner. Less is better.
func (p *pool) price(coins []Coin, change bool) (c choice, ok bool) {
	c = choice{coins: coins, weight: p.weight(len(coins), change)}
	sum := btcutil.Amount(0)
	for _, coin := range coins {
		sum += coin.Amount
	}
	least := p.rate.Fee(c.weight)
	rest := sum - p.pay - least
	inputs := int64(len(coins)) * p.inputWeight
	c.waste = p.rate.Fee(inputs) - p.longRun.Fee(inputs)
	switch {
	case rest < 0, len(coins) == 0:
		return choice{}, false
	case change && rest < p.changeFloor:
		return choice{}, false
	case change:
		c.fee, c.change = least, rest
		c.waste += p.costOfChange()
	case p.payees == 0:
		return choice{}, false // there would be no output at all
	case rest > max(p.costOfChange(), p.rate.Fee(p.changeWeight)+p.changeFloor):
		return choice{}, false // too much to give away
	default:
		c.fee = least + rest
		c.waste += rest
	}
	return c, true
}

func (p *pool) withinCaps(c choice) bool {
	return c.fee <= p.maxFee && c.fee <= p.maxRate.Fee(c.weight) && c.weight <= MaxWeight
}

// best returns the choice with the least waste among those within the caps, and
// avoids change below the target while anything else is there. priced tells
// whether any set of coins sufficed at all; cheapest is the least fee of those.
func (p *pool) best(sets [][]Coin) (c choice, ok, priced bool, cheapest btcutil.Amount) {
	var good []choice
	for _, coins := range sets {
		for _, change := range []bool{false, true} {
			c, ok := p.price(coins, change)
			if !ok {
				continue
			}
			if !priced || c.fee < cheapest {
				priced, cheapest = true, c.fee
			}
			if p.withinCaps(c) {
				good = append(good, c)
			}
		}
	}
	if len(good) == 0 {
		return choice{}, false, priced, cheapest
	}
	small := func(c choice) int {
		if c.change > 0 && c.change < p.changeTarget {
			return 1
		}
		return 0
	}
	return slices.MinFunc(good, func(a, b choice) int {
		return cmp.Or(cmp.Compare(small(a), small(b)), cmp.Compare(a.waste, b.waste), cmp.Compare(len(a.coins), len(b.coins)))
	}), true, priced, cheapest
}

// candidates returns the sets of coins worth pricing, the same for a given
// stream of random numbers.
func (p *pool) candidates(rng *rand.Rand) [][]Coin {
	sets := [][]Coin{
		p.fewest(false, 0),
		p.fewest(true, p.changeTarget),
		p.fewest(true, p.changeFloor),
		p.branchAndBound(),
		p.randomDraw(rng, p.changeTarget),
		p.randomDraw(rng, p.changeFloor),
	}
	return slices.DeleteFunc(sets, func(s []Coin) bool { return s == nil })
}

// fewest returns a set with the fewest coins that suffices, and of those sets
// one with little to spare. nil means that none suffices.
func (p *pool) fewest(change bool, extra btcutil.Amount) []Coin {
	for k := range p.prefix {
		n := len(p.must) + k
		if n == 0 {
			continue
		}
		if p.weight(n, change) > MaxWeight {
			return nil
		}
		if need := p.need(n, change, extra); p.prefix[k] >= need {
			return p.trim(k, p.prefix[k]-need)
		}
	}
	return nil
}

// trim starts from the k largest coins and puts smaller ones in their place
// while spare allows.
func (p *pool) trim(k int, spare btcutil.Amount) []Coin {
	coins := slices.Clone(p.must)
	last := len(p.free) - 1
	for i := k - 1; i >= 0; i-- {
		pick := i
		// The smallest coin, from the end of what is left, that is big enough.
		smaller := sort.Search(last-i, func(j int) bool {
			return p.free[last-j].Amount >= p.free[i].Amount-spare
		})
		if j := last - smaller; j > i {
			pick, last = j, j-1
			spare -= p.free[i].Amount - p.free[j].Amount
		}
		coins = append(coins, p.free[pick])
	}
	return coins
}

// branchAndBound looks for coins that need no change output: their effective
// values, the amounts less what spending them costs, add up to the target or to
// at most the cost of change above it.
func (p *pool) branchAndBound() []Coin {
	perInput := p.rate.Fee(p.inputWeight)
	useful := len(p.free)
	for useful > 0 && p.free[useful-1].Amount <= perInput {
		useful--
	}
	// The count of inputs is not known yet: reckon with its longest spelling.
	base := p.weight(0, false) + int64(witnessScale*2)
	low := p.pay + p.rate.Fee(base) + p.rate.Fee(int64(len(p.must))*p.inputWeight) - p.prefix[0]
	if low <= 0 || p.payees == 0 {
		return nil
	}
	high := low + p.costOfChange()
	rest := make([]btcutil.Amount, useful+1) // effective value of free[i:useful]
	for i := useful - 1; i >= 0; i-- {
		rest[i] = rest[i+1] + p.free[i].Amount - perInput
	}
	inputWaste := perInput - p.longRun.Fee(p.inputWeight)

	var best, current []int
	bestWaste := btcutil.Amount(0)
	tries := 0
	var search func(i int, sum btcutil.Amount)
	search = func(i int, sum btcutil.Amount) {
		tries++
		waste := inputWaste * btcutil.Amount(len(current))
		switch {
		case tries > bnbTries, sum > high:
			return
		case best != nil && inputWaste >= 0 && waste > bestWaste:
			return
		case sum >= low:
			if waste += sum - low; best == nil || waste < bestWaste {
				best, bestWaste = slices.Clone(current), waste
			}
			return
		case i == useful || sum+rest[i] < low:
			return
		}
		current = append(current, i)
		search(i+1, sum+p.free[i].Amount-perInput)
		current = current[:len(current)-1]
		next := i + 1
		for next < useful && p.free[next].Amount == p.free[i].Amount {
			next++ // leaving out one of several equal coins is leaving out any
		}
		search(next, sum)
	}
	search(0, 0)
	if best == nil {
		return nil
	}
	coins := slices.Clone(p.must)
	for _, i := range best {
		coins = append(coins, p.free[i])
	}
	return coins
}

// randomDraw takes coins at random until they pay for everything and leave
// extra as change. Where the weight runs out it drops the smallest again.
func (p *pool) randomDraw(rng *rand.Rand, extra btcutil.Amount) []Coin {
	perInput := p.rate.Fee(p.inputWeight)
	coins, sum := slices.Clone(p.must), p.prefix[0]
	for _, i := range rng.Perm(len(p.free)) {
		if len(coins) > 0 && sum >= p.need(len(coins), true, extra) {
			break
		}
		coin := p.free[i]
		if coin.Amount <= perInput {
			continue
		}
		coins, sum = append(coins, coin), sum+coin.Amount
		if p.weight(len(coins), true) <= MaxWeight {
			continue
		}
		drawn := coins[len(p.must):]
		least := 0
		for j := range drawn {
			if drawn[j].Amount < drawn[least].Amount {
				least = j
			}
		}
		sum -= drawn[least].Amount
		coins = slices.Delete(coins, len(p.must)+least, len(p.must)+least+1)
	}
	if len(coins) == 0 || sum < p.need(len(coins), true, extra) {
		return nil
	}
	return coins
}
