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
	changes       int // outputs that change is split into, where there is any
	needChange    bool
	fewAdded      bool // no more than must is spent where that suffices
	minFee        btcutil.Amount
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
		outputs, outputsWeight = outputs+p.changes, outputsWeight+int64(p.changes)*p.changeWeight
	}
	return txWeight(inputs, outputs, int64(inputs)*p.inputWeight, outputsWeight)
}

// least is the least fee of so much weight.
func (p *pool) least(weight int64) btcutil.Amount { return max(p.minFee, p.rate.Fee(weight)) }

// leastChange is the least that all change outputs may hold together.
func (p *pool) leastChange() btcutil.Amount { return btcutil.Amount(p.changes) * p.changeFloor }

// need returns what inputs must hold together, with extra left for change.
func (p *pool) need(inputs int, change bool, extra btcutil.Amount) btcutil.Amount {
	return p.pay + p.least(p.weight(inputs, change)) + extra
}

// costOfChange is what a change output costs now and when it is spent later.
func (p *pool) costOfChange() btcutil.Amount {
	return btcutil.Amount(p.changes) * (p.rate.Fee(p.changeWeight) + p.longRun.Fee(p.inputWeight))
}

// inputsWaste is what spending so many coins costs now over what it would cost
// in the long run.
func (p *pool) inputsWaste(inputs int) btcutil.Amount {
	return btcutil.Amount(int64(p.rate-p.longRun) * int64(inputs) * p.inputWeight / weightPerKVB)
}

// mostGivenAway is the most that may go to the miner for want of a change
// output: what change would cost, or what is too little to be sent back.
func (p *pool) mostGivenAway(inputs int) btcutil.Amount {
	return max(p.costOfChange(), p.need(inputs, true, p.leastChange())-p.need(inputs, false, 0))
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
	least := p.least(c.weight)
	rest := sum - p.pay - least
	c.waste = p.inputsWaste(len(coins))
	switch {
	case rest < 0, len(coins) == 0, c.weight > MaxWeight:
		return choice{}, false
	case change && rest < p.leastChange():
		return choice{}, false
	case change:
		c.fee, c.change = least, rest
		c.waste += p.costOfChange()
	case p.needChange:
		return choice{}, false
	case rest > p.mostGivenAway(len(coins)):
		return choice{}, false
	default:
		c.fee = least + rest
		c.waste += rest
	}
	return c, true
}

func (p *pool) withinCaps(c choice) bool {
	return c.fee <= p.maxFee && c.fee <= p.maxRate.Fee(c.weight)
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
	if enough := p.addingNone(good); p.fewAdded && len(enough) > 0 {
		good = enough
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

// addingNone returns those choices that spend the required coins alone and leave
// change.
func (p *pool) addingNone(good []choice) []choice {
	return slices.DeleteFunc(slices.Clone(good), func(c choice) bool {
		return c.change == 0 || len(c.coins) > len(p.must)
	})
}

// candidates returns the sets of coins worth pricing, the same for a given
// stream of random numbers.
func (p *pool) candidates(rng *rand.Rand) [][]Coin {
	sets := [][]Coin{
		p.fewest(false, 0),
		p.fewest(true, p.changeTarget),
		p.fewest(true, p.leastChange()),
		p.branchAndBound(),
		p.randomDraw(rng, p.changeTarget),
		p.randomDraw(rng, p.leastChange()),
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
	last := len(p.free) - 1 // the smallest coin not taken yet
	for i := k - 1; i >= 0; i-- {
		back := sort.Search(last-i, func(j int) bool {
			return p.free[last-j].Amount >= p.free[i].Amount-spare
		})
		pick := last - back
		spare -= p.free[i].Amount - p.free[pick].Amount
		coins = append(coins, p.free[pick])
		last = pick - 1
	}
	return coins
}

// branchAndBound looks for coins that need no change output: what they leave
// over may be given away. Of those it keeps the least wasteful.
func (p *pool) branchAndBound() []Coin {
	if p.needChange {
		return nil
	}
	useful := len(p.free)
	for useful > 0 && p.free[useful-1].Amount <= p.rate.Fee(p.inputWeight) {
		useful-- // such a coin costs more than it brings
	}
	// gain[i] is at least what free[i:useful] can add to the excess.
	gain := make([]btcutil.Amount, useful+1)
	for i := useful - 1; i >= 0; i-- {
		gain[i] = gain[i+1] + p.free[i].Amount - p.rate.Fee(p.inputWeight) + 1
	}
	// What the search asks again and again, by the number of inputs.
	type bounds struct{ need, give, waste btcutil.Amount }
	var known []bounds
	at := func(inputs int) bounds {
		for n := len(known); n <= inputs; n++ {
			known = append(known, bounds{p.need(n, false, 0), p.mostGivenAway(n), p.inputsWaste(n)})
		}
		return known[inputs]
	}

	var best, current []int
	bestWaste := btcutil.Amount(0)
	tries := 0
	var search func(i int, sum btcutil.Amount)
	search = func(i int, sum btcutil.Amount) {
		tries++
		inputs := len(p.must) + len(current)
		b := at(inputs)
		excess := sum - b.need
		switch {
		case tries > bnbTries, excess > b.give:
			return
		case best != nil && p.rate >= p.longRun && b.waste > bestWaste:
			return
		case excess >= 0 && inputs > 0:
			if waste := b.waste + excess; best == nil || waste < bestWaste {
				best, bestWaste = slices.Clone(current), waste
			}
			return
		case i == useful || excess+gain[i] < 0:
			return
		}
		current = append(current, i)
		search(i+1, sum+p.free[i].Amount)
		current = current[:len(current)-1]
		next := i + 1
		for next < useful && p.free[next].Amount == p.free[i].Amount {
			next++ // leaving out one of several equal coins is leaving out any
		}
		search(next, sum)
	}
	search(0, p.prefix[0])
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
