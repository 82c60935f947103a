package txbuild

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// pool is what selection works on: coins that have to be spent, and groups of
// which any may be. All coins weigh the same, so a set of groups is known by its
// amount and its number of inputs.
type pool struct {
	must       []Coin
	mustAmount btcutil.Amount
	groups     []group // the most effective first

	pay          btcutil.Amount
	payees       int
	payeesWeight int64
	inputWeight  int64
	changeWeight int64
	changes      int // outputs that change is split into, where there is any
	changeCost   btcutil.Amount
	changeFloor  btcutil.Amount // less than this is never sent back, all outputs together
	changeTarget btcutil.Amount // less than this is avoided

	rate, longRun FeeRate
	maxRate       FeeRate
	minFee        btcutil.Amount
	maxFee        btcutil.Amount
	maxShare      int // of feeBase, in per cent; 0: no such cap
	maxInputs     int
	needChange    bool
	fewAdded      bool // no more than must is spent where that suffices
}

// pick is a set of groups, by their places in the pool, counted together with
// the coins that have to be spent.
type pick struct {
	groups []int
	amount btcutil.Amount
	inputs int
}

// choice is a pick, priced.
type choice struct {
	pick
	fee    btcutil.Amount
	change btcutil.Amount // 0: no change output
	weight int64
	waste  btcutil.Amount
}

func (p *pool) start() pick { return pick{amount: p.mustAmount, inputs: len(p.must)} }

func (p *pool) with(k pick, i int) pick {
	g := p.groups[i]
	return pick{groups: append(k.groups, i), amount: k.amount + g.amount, inputs: k.inputs + g.inputs}
}

func (p *pool) coins(k pick) []Coin {
	coins := slices.Clone(p.must)
	for _, i := range k.groups {
		coins = append(coins, p.groups[i].coins...)
	}
	return coins
}

func (p *pool) weight(inputs int, change bool) int64 {
	outputs, outputsWeight := p.payees, p.payeesWeight
	if change {
		outputs, outputsWeight = outputs+p.changes, outputsWeight+int64(p.changes)*p.changeWeight
	}
	return txWeight(inputs, outputs, int64(inputs)*p.inputWeight, outputsWeight)
}

// fits reports whether so many inputs keep within the bounds of size.
func (p *pool) fits(inputs int, change bool) bool {
	return inputs <= p.maxInputs && p.weight(inputs, change) <= MaxWeight
}

// need returns what inputs must hold together, with extra left for change.
func (p *pool) need(inputs int, change bool, extra btcutil.Amount) btcutil.Amount {
	return p.pay + max(p.minFee, p.rate.Fee(p.weight(inputs, change))) + extra
}

// inputsWaste is what spending so many coins costs now over what it would cost
// in the long run.
func (p *pool) inputsWaste(inputs int) btcutil.Amount {
	return btcutil.Amount(int64(p.rate-p.longRun) * int64(inputs) * p.inputWeight / weightPerKVB)
}

// mostGivenAway is the most that may go to the miner for want of a change
// output: what change would cost, or what is too little to be sent back.
func (p *pool) mostGivenAway(inputs int) btcutil.Amount {
	return max(p.changeCost, p.need(inputs, true, p.changeFloor)-p.need(inputs, false, 0))
}

// price works out fee and change for a pick, with or without a change output.
// ok is false when the coins do not suffice for that.
//
// The waste is what these inputs cost now over what they would cost in the long
// run, plus the cost of change, plus the fee above what the rate asks. Less is
// better.
func (p *pool) price(k pick, change bool) (c choice, ok bool) {
	rest := k.amount - p.need(k.inputs, change, 0)
	switch {
	case rest < 0, k.inputs == 0, !p.fits(k.inputs, change):
		return choice{}, false
	case change && rest < p.changeFloor:
		return choice{}, false
	case !change && (p.needChange || rest > p.mostGivenAway(k.inputs)):
		return choice{}, false
	}
	c = choice{pick: k, weight: p.weight(k.inputs, change), waste: p.inputsWaste(k.inputs)}
	if change {
		c.change = rest - rest%btcutil.Amount(p.changes)
		c.waste += p.changeCost
	}
	c.fee = k.amount - p.pay - c.change
	c.waste += c.fee - p.rate.Fee(c.weight)
	return c, true
}

func (p *pool) withinCaps(c choice) bool {
	if p.maxShare > 0 {
		base := p.pay
		if p.payees == 0 {
			base = c.amount
		}
		if int64(c.fee)*100 > int64(base)*int64(p.maxShare) {
			return false
		}
	}
	return c.fee <= p.maxFee && c.fee <= p.maxRate.Fee(c.weight)
}

// best returns the choice with the least waste among those within the caps, and
// avoids change below the target while anything else is there. priced tells
// whether any pick sufficed at all; cheapest is the least fee of those.
func (p *pool) best(picks []pick) (c choice, ok, priced bool, cheapest btcutil.Amount) {
	var good []choice
	for _, k := range picks {
		for _, change := range []bool{false, true} {
			c, ok := p.price(k, change)
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
	return slices.MinFunc(good, func(a, b choice) int {
		return cmp.Or(cmp.Compare(p.rank(a), p.rank(b)), cmp.Compare(a.waste, b.waste), cmp.Compare(a.inputs, b.inputs))
	}), true, priced, cheapest
}

// rank puts choices in classes, the lower of which is taken whatever the waste.
func (p *pool) rank(c choice) int {
	switch {
	case p.fewAdded && len(c.groups) == 0 && c.change > 0:
		return 0
	case c.change == 0, c.change >= p.changeTarget:
		return 1
	default:
		return 2 // hardly enough left for a fee bump
	}
}

// candidates returns the picks worth pricing, the same for a given stream of
// random numbers.
func (p *pool) candidates(rng *rand.Rand) []pick {
	picks := []pick{p.start()}
	add := func(k pick, ok bool) bool {
		if ok {
			picks = append(picks, k)
		}
		return ok
	}
	if !p.needChange {
		add(p.largestFirst(false, 0))
		add(p.branchAndBound())
	}
	for _, extra := range []btcutil.Amount{p.changeTarget, p.changeFloor} {
		few, ok := p.largestFirst(true, extra)
		if add(few, ok) && p.rate > p.longRun {
			add(p.lightest(extra, few))
		}
		add(p.randomDraw(rng, extra))
	}
	return picks
}

// missing returns what the pool lacks to pay, with change where that is needed;
// 0 where it has enough and only the bounds of size stand against it.
func (p *pool) missing() btcutil.Amount {
	extra := btcutil.Amount(0)
	if p.needChange {
		extra = p.changeFloor
	}
	least := btcutil.Amount(math.MaxInt64)
	k := p.start()
	for i := -1; i < len(p.groups); i++ {
		if i >= 0 {
			k = p.with(k, i)
		}
		least = min(least, p.need(max(1, k.inputs), p.needChange, extra)-k.amount)
	}
	return max(0, least)
}
