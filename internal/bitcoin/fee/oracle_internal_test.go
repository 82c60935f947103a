package fee

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// oracle says how little can be paid by whoever does not know when blocks will be
// found. It knows what waits, what share of the weight pays how much, and how much
// weight comes in a second on average until the target; it draws when blocks come.
type oracle struct {
	bounds bounds
	share  []float64   // of the weight that comes in, by class, with all that pays more
	found  [][]float64 // seconds from now to each block, by draw
}

// oracleWeighs are what it is worth to the oracle to be mined in time, in multiples
// of what is usual.
func oracleWeighs() []float64 { return []float64{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16} }

func oracleName(weighs float64) string { return fmt.Sprintf("oracle %g", weighs) }

func newOracle(draws []waiting) *oracle {
	o := &oracle{bounds: newBounds()}
	o.share = make([]float64, len(o.bounds))
	var total float64
	for _, d := range draws {
		o.share[o.bounds.class(d.rate)] += float64(d.weight)
		total += float64(d.weight)
	}
	for class := range o.share {
		o.share[class] /= total
	}
	sumFromAbove(o.share)
	rng := rand.New(rand.NewPCG(7, 8))
	o.found = make([][]float64, 400)
	for i := range o.found {
		at := 0.0
		for range slices.Max(backtestTargets()) {
			at += rng.ExpFloat64() * blockInterval.Seconds()
			o.found[i] = append(o.found[i], at)
		}
	}
	return o
}

// sumFromAbove adds to each the sum of those after it.
func sumFromAbove(of []float64) {
	for i := len(of) - 2; i >= 0; i-- {
		of[i] += of[i+1]
	}
}

// answers are the rates for each weight in oracleWeighs.
func (o *oracle) answers(pool []simTx, coming []step, usual int64) map[string][]int64 {
	ahead := make([]float64, len(o.bounds))
	for _, tx := range pool {
		ahead[o.bounds.class(tx.rate)] += float64(tx.weight)
	}
	sumFromAbove(ahead)
	answers := map[string][]int64{}
	for _, target := range backtestTargets() {
		missed := o.missed(ahead, coming[:min(max(target, gateBlocks), len(coming))], target)
		for _, weighs := range oracleWeighs() {
			var rate int64
			lowest := math.Inf(1)
			for class, odds := range missed {
				offer := max(o.bounds[class], simFloor)
				if cost := float64(offer) + weighs*float64(usual)*odds; cost < lowest {
					lowest, rate = cost, offer
				}
			}
			name := oracleName(weighs)
			answers[name] = append(answers[name], rate)
		}
	}
	return answers
}

// missed is for each class in how many of the draws it is not mined in time.
func (o *oracle) missed(ahead []float64, coming []step, target int) []float64 {
	var seconds, weight float64
	for _, s := range coming {
		seconds += s.interval.Seconds()
		weight += float64(s.weight)
	}
	odds := make([]float64, len(o.bounds))
	for _, found := range o.found {
		least := len(o.bounds) - 1 // the cheapest class that is mined
		for k, at := range found[:target] {
			least = sort.Search(least, func(class int) bool {
				return ahead[class]+weight*at/seconds*o.share[class] <= float64(k+1)*blockRoom
			})
		}
		if least > 0 {
			odds[least-1] += 1 / float64(len(o.found))
		}
	}
	sumFromAbove(odds)
	return odds
}

// atMost is what the oracle pays when it misses so many per cent, between the two of
// its weights that are nearest; false when all of them miss more, or all less.
func atMost(percent float64, all []scores, target int) (paying float64, ok bool) {
	var before score
	for i, weighs := range oracleWeighs() {
		var sum score
		for _, chain := range all {
			sum.add(chain[oracleName(weighs)][target])
		}
		if i > 0 && before.missing() > percent && sum.missing() <= percent {
			part := (before.missing() - percent) / (before.missing() - sum.missing())
			return before.paying() + part*(sum.paying()-before.paying()), true
		}
		before = sum
	}
	return 0, false
}
