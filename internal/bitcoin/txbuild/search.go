package txbuild

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// maxTries bounds each of the two searches.
const maxTries = 100_000

// largestFirst takes the most effective groups until they suffice, leaving out
// what is too heavy, and puts smaller ones in their place while the rest allows.
// Where that fails, it takes those that bring most for their weight.
func (p *pool) largestFirst(change bool, extra btcutil.Amount) (pick, bool) {
	order := make([]int, len(p.groups))
	even := true
	for i, g := range p.groups {
		order[i] = i
		even = even && g.inputs == 1
	}
	if k, ok := p.take(order, change, extra); ok {
		return p.trim(k, change, extra), true
	}
	if even {
		return pick{}, false
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := p.groups[a], p.groups[b]
		return cmp.Compare(int64(y.amount)/int64(y.inputs), int64(x.amount)/int64(x.inputs))
	})
	return p.take(order, change, extra)
}

func (p *pool) take(order []int, change bool, extra btcutil.Amount) (pick, bool) {
	k := p.start()
	enough := func() bool { return k.inputs > 0 && k.amount >= p.need(k.inputs, change, extra) }
	for _, i := range order {
		if enough() {
			break
		}
		if p.fits(k.inputs+p.groups[i].inputs, change) {
			k = p.with(k, i)
		}
	}
	return k, enough() && p.fits(k.inputs, change)
}

// trim replaces groups of k, the least effective first, with smaller ones that
// are no heavier.
func (p *pool) trim(k pick, change bool, extra btcutil.Amount) pick {
	last := len(p.groups) - 1 // the smallest group not considered yet
	for at := len(k.groups) - 1; at >= 0; at-- {
		i := k.groups[at]
		amount, inputs := k.amount-p.groups[i].amount, k.inputs-p.groups[i].inputs
		spare := k.amount - p.need(k.inputs, change, extra)
		j := last - sort.Search(last-i, func(j int) bool {
			return p.groups[last-j].effective >= p.groups[i].effective-spare
		})
		for ; j > i; j-- {
			g := p.groups[j]
			if g.inputs <= p.groups[i].inputs && amount+g.amount >= p.need(inputs+g.inputs, change, extra) {
				k.groups[at], k.amount, k.inputs = j, amount+g.amount, inputs+g.inputs
				break
			}
		}
		last = max(i, j) - 1
	}
	return k
}

// gather adds as many groups to k as may be, the largest first: joining small coins
// costs as much and helps later payments less.
func (p *pool) gather(k pick) pick {
	in := make(map[int]bool, len(k.groups))
	for _, i := range k.groups {
		in[i] = true
	}
	k.groups = slices.Clone(k.groups)
	for i := 0; i < len(p.groups) && p.fits(k.inputs+1, true); i++ {
		if p.leave > 0 && p.left(k)-p.groups[i].worthy < p.leave {
			continue
		}
		if !in[i] && p.fits(k.inputs+p.groups[i].inputs, true) {
			k = p.with(k, i)
		}
	}
	return k
}

// sparing takes the most effective groups as largestFirst does, but not the
// smallest of those worth leaving: spare coins of them stay.
func (p *pool) sparing(spare int, extra btcutil.Amount) (pick, bool) {
	var order []int
	for i := len(p.groups) - 1; i >= 0; i-- {
		if worthy := p.groups[i].worthy; worthy > 0 && spare > 0 {
			spare -= worthy
			continue
		}
		order = append(order, i)
	}
	slices.Reverse(order)
	return p.take(order, true, extra)
}

// tail is what the groups from one place of the pool on can do for a search.
type tail struct {
	gain   btcutil.Amount // at least what all of them add to the excess
	lone   btcutil.Amount // at least what any one of them adds
	inputs int            // the fewest inputs that one of them has
}

func (p *pool) tails() []tail {
	tails := make([]tail, len(p.groups)+1)
	// Fees and sizes are rounded up, so that an input may cost a satoshi less, and so
	// much as three of four weight units.
	less := btcutil.Amount(1)
	if p.inputWeight%witnessScale != 0 {
		less += p.rate.part(witnessScale - 1)
	}
	for i := len(p.groups) - 1; i >= 0; i-- {
		g, gain := p.groups[i], p.groups[i].effective+less
		if p.minFee > 0 {
			gain = g.amount // it costs nothing until the rate asks for more than the floor
		}
		tails[i] = tail{gain: tails[i+1].gain + gain, lone: max(gain, tails[i+1].lone), inputs: g.inputs}
		if i+1 < len(p.groups) {
			tails[i].inputs = min(g.inputs, tails[i+1].inputs)
		}
	}
	return tails
}

// byInputs keeps the answers of f, which a search asks again and again.
func byInputs[T any](f func(inputs int) T) func(inputs int) T {
	var known []T
	return func(inputs int) T {
		for n := len(known); n <= inputs; n++ {
			known = append(known, f(n))
		}
		return known[inputs]
	}
}

// nextUnlike returns the place after i of the first group that would not do the
// same there: leaving out one of several alike is leaving out any.
func (p *pool) nextUnlike(i int) int {
	next := i + 1
	for next < len(p.groups) && p.groups[next].effective == p.groups[i].effective && p.groups[next].inputs == p.groups[i].inputs {
		next++
	}
	return next
}

// branchAndBound looks for groups that need no change output: what they leave
// over may be given away. Of those it keeps the least wasteful.
func (p *pool) branchAndBound() (pick, bool) {
	type bounds struct {
		need, give, waste btcutil.Amount
		fits              bool
	}
	at := byInputs(func(n int) bounds {
		return bounds{p.need(n, false, 0), p.mostGivenAway(n), p.inputsWaste(n), p.fits(n, false)}
	})
	tails := p.tails()
	dear := p.rate >= p.longRun // then no input makes up for the waste so far
	var best pick
	bestWaste, found := btcutil.Amount(0), false
	tries := 0
	var search func(i int, k pick)
	search = func(i int, k pick) {
		tries++
		b := at(k.inputs)
		excess := k.amount - b.need
		if tries > maxTries || excess > b.give || !b.fits || !p.allowed(k) || (dear && found && b.waste > bestWaste) {
			return
		}
		if excess >= 0 && k.inputs > 0 {
			waste := b.waste + k.amount - p.pay - p.rate.Fee(p.weight(k.inputs, false))
			if !found || waste < bestWaste {
				best, bestWaste, found = k, waste, true
				best.groups = slices.Clone(k.groups)
			}
			if dear && p.minFee == 0 {
				return // anything more is waste
			}
		}
		if i == len(p.groups) || excess+tails[i].gain < 0 {
			return
		}
		search(i+1, p.with(k, i))
		search(p.nextUnlike(i), k)
	}
	search(0, p.start())
	return best, found
}

// lightest looks for the groups with the fewest inputs that leave extra as
// change, and of those for the ones with the least amount; limit is a pick known
// to do.
func (p *pool) lightest(extra btcutil.Amount, limit pick) (pick, bool) {
	need := byInputs(func(n int) btcutil.Amount { return p.need(n, true, extra) })
	tails := p.tails()
	best := limit
	tries := 0
	var search func(i int, k pick)
	search = func(i int, k pick) {
		tries++
		excess := k.amount - need(k.inputs)
		if tries > maxTries || k.inputs > best.inputs || !p.allowed(k) {
			return
		}
		if excess >= 0 && k.inputs > 0 {
			if k.inputs < best.inputs || k.amount < best.amount {
				best = k
				best.groups = slices.Clone(k.groups)
			}
			return
		}
		if i == len(p.groups) || excess+tails[i].gain < 0 {
			return
		}
		more := int((-excess + tails[i].lone - 1) / tails[i].lone) // so many groups at the least
		if k.inputs+max(1, more)*tails[i].inputs > best.inputs {
			return
		}
		search(i+1, p.with(k, i))
		search(p.nextUnlike(i), k)
	}
	search(0, p.start())
	return best, true
}

// randomDraw takes groups at random until they pay for everything and leave
// extra as change. Where the weight runs out it drops the least effective again.
func (p *pool) randomDraw(rng *rand.Rand, extra btcutil.Amount) (pick, bool) {
	k := p.start()
	enough := func() bool { return k.inputs > 0 && k.amount >= p.need(k.inputs, true, extra) }
	for _, i := range rng.Perm(len(p.groups)) {
		if enough() {
			break
		}
		k.amount, k.inputs = k.amount+p.groups[i].amount, k.inputs+p.groups[i].inputs
		place, _ := slices.BinarySearch(k.groups, i)
		k.groups = slices.Insert(k.groups, place, i)
		for !p.fits(k.inputs, true) && len(k.groups) > 0 {
			least := p.groups[k.groups[len(k.groups)-1]]
			k.amount, k.inputs = k.amount-least.amount, k.inputs-least.inputs
			k.groups = k.groups[:len(k.groups)-1]
		}
	}
	return k, enough() && p.fits(k.inputs, true)
}
