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
	relay         FeeRate // of a replacement, for its own relay
	minFee        btcutil.Amount
	replaces      btcutil.Amount // fees of what is replaced; 0: nothing
	roomForVoid   bool
	changeDust    btcutil.Amount
	maxFee        btcutil.Amount
	maxShare      int // of feeBase, in thousandths; 0: no such cap
	mostInputs    int // that the request allows
	maxInputs     int // that bound allows
	needChange    bool
	fewAdded      bool // no more than must is spent where that suffices

	amounts    []btcutil.Amount // of the coins that may be spent, the largest first
	extra      int              // most inputs beyond the fewest that pay
	joinBelow  FeeRate          // at this rate and above, no more is spent than needed
	fewInputs  int              // needed to pay and to keep change for bumps
	fewGroups  int              // the same in groups
	room       btcutil.Amount   // what bumps may take the fee to; 0: anything
	leave      int              // coins worth leaveWorth that should stay
	leaveWorth btcutil.Amount
	worthy     int // coins that there are worth leaveWorth, without must
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
	weight := p.weight(inputs, change)
	fee := max(p.minFee, p.rate.Fee(weight))
	if p.replaces > 0 {
		// BIP125: as much as all that it replaces (rule 3), and its own relay on top (rule 4).
		fee = max(fee, p.replaces+p.relay.Fee(weight))
	}
	return p.pay + fee + extra
}

// voidRoom is what a void of a transaction with so many inputs has to add to its
// fee.
func (p *pool) voidRoom(inputs int) btcutil.Amount {
	return p.relay.Fee(voidWeight(inputs, p.inputWeight, p.changeWeight))
}

// inputsWaste is what spending so many coins costs now over what it would cost
// in the long run; below zero while fees are low, when joining coins is a gain.
func (p *pool) inputsWaste(inputs int) btcutil.Amount {
	return btcutil.Amount(int64(p.rate-p.longRun) * int64(inputs) * p.inputWeight / weightPerKVB)
}

// few counts what it takes at least to pay and keep extra as change, coin by coin
// and group by group.
func (p *pool) few(change bool, extra btcutil.Amount) (inputs, groups int, ok bool) {
	enough := func(inputs int, amount btcutil.Amount) bool {
		return inputs > 0 && amount >= p.need(inputs, change, extra)
	}
	inputs, amount := len(p.must), p.mustAmount
	for i := 0; i < len(p.amounts) && !enough(inputs, amount); i++ {
		inputs, amount = inputs+1, amount+p.amounts[i]
	}
	k := p.start()
	for i := 0; i < len(p.groups) && !enough(k.inputs, k.amount); i++ {
		k = p.with(k, i)
	}
	return inputs, len(k.groups), enough(inputs, amount)
}

// bound keeps every set near the fewest inputs that pay. It is called once all
// else is known.
func (p *pool) bound() {
	floor := btcutil.Amount(0)
	if p.needChange {
		floor = p.changeFloor
	}
	inputs, groups, _ := p.few(p.needChange, floor)
	p.maxInputs = min(p.mostInputs, inputs+p.extra)
	p.fewInputs, p.fewGroups = inputs, groups
	if inputs, groups, ok := p.few(true, p.changeTarget); ok {
		p.fewInputs, p.fewGroups = max(p.fewInputs, inputs), max(p.fewGroups, groups)
	}
}

// allowed reports whether a set has no more than it needs, in coins or in groups,
// or more is cheap.
func (p *pool) allowed(k pick) bool {
	return p.rate < p.joinBelow || k.inputs <= p.fewInputs || len(k.groups) <= p.fewGroups
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
		if int64(c.fee)*1000 > int64(base)*int64(p.maxShare) {
			return false
		}
	}
	if p.roomForVoid {
		least := c.fee + p.voidRoom(c.inputs)
		if least > p.maxFee || c.amount < least+p.changeDust {
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
			if p.withinCaps(c) && p.allowed(k) {
				good = append(good, c)
			}
		}
	}
	if len(good) == 0 {
		return choice{}, false, priced, cheapest
	}
	return slices.MinFunc(good, func(a, b choice) int {
		return cmp.Or(p.rank(a).compare(p.rank(b)), cmp.Compare(a.waste, b.waste), cmp.Compare(a.inputs, b.inputs))
	}), true, priced, cheapest
}

// rank is what counts before the waste of a choice, the weightiest first; less is
// better.
type rank struct {
	added  int // more than the required coins, where those would do
	tight  int // no room for fee bumps
	takes  int // coins short of those that should stay for others
	little int // change hardly enough for a fee bump
}

func (r rank) compare(s rank) int {
	return cmp.Or(
		cmp.Compare(r.added, s.added),
		cmp.Compare(r.tight, s.tight),
		cmp.Compare(r.takes, s.takes),
		cmp.Compare(r.little, s.little),
	)
}

// crowds compares what a choice takes from later bumps and from others.
func (r rank) crowds(s rank) int {
	return cmp.Or(cmp.Compare(r.tight, s.tight), cmp.Compare(r.takes, s.takes))
}

func (p *pool) rank(c choice) rank {
	var r rank
	if p.fewAdded && (len(c.groups) > 0 || c.change == 0) {
		r.added = 1
	}
	r.tight = p.tight(c.inputs)
	if p.leave > 0 {
		r.takes = max(0, min(p.leave, p.worthy)-p.left(c.pick))
	}
	if c.change > 0 && c.change < p.changeTarget {
		r.little = 1
	}
	return r
}

// manyTimes is how far the fee of a batch should be able to rise where it cannot
// rise to its cap.
const manyTimes = 10

// tight says how little room for bumps a transaction of so many inputs has: 0
// where it reaches the highest feerate, 1 where it gets far, and more for each
// input where it does not.
func (p *pool) tight(inputs int) int {
	weight, room := p.weight(inputs, true), p.room
	if p.roomForVoid {
		room = min(room, max(p.maxFee-p.voidRoom(inputs), 1))
	}
	switch {
	case p.room == 0, p.maxRate.Fee(weight) <= room:
		return 0
	case manyTimes*p.rate.Fee(weight) <= room:
		return 1
	}
	return 2 + inputs
}

// left counts the coins worth leaving that k leaves.
func (p *pool) left(k pick) int {
	n := p.worthy
	for _, i := range k.groups {
		n -= p.groups[i].worthy
	}
	return n
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
		if add(few, ok) && (p.rate > p.longRun || !p.fits(few.inputs, true) || !p.allowed(few)) {
			add(p.lightest(extra, few))
		}
		add(p.randomDraw(rng, extra))
	}
	if p.leave > 0 {
		for _, spare := range []int{p.leave, p.leave - 1} {
			add(p.sparing(spare, p.changeTarget))
			add(p.sparing(spare, p.changeFloor))
		}
	}
	if p.rate < p.joinBelow {
		for _, k := range slices.Clone(picks) {
			add(p.gather(k), true)
		}
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
