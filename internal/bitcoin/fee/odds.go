package fee

import (
	"math"
	"time"
)

const (
	// hourWeighs is what it is worth to be mined within an hour or less, in multiples
	// of what blocks have asked for in the last day: whoever is mined a block later has
	// still paid less, so certainty is not bought at any price.
	hourWeighs = 7
	// bearable is how likely it may be at most that a rate is not mined in time,
	// however dear the next one is, and negligible from where on less is worth nothing.
	bearable, negligible = 0.3, 0.01
	// swing is by how much the inflow of the next hours differs from what it is
	// forecast to be, as the standard deviation of its logarithm. From one hour to the
	// next it is 0.18 in the recorded fortnight. Less is used: 0.2 made long targets
	// dearer in the backtest.
	swing = 0.1
)

// missWeighs is what it is worth to be mined within so many blocks. The longer the
// time that there is, the less another block adds to it: by the cube root of hours.
func missWeighs(target int) float64 {
	return hourWeighs / math.Cbrt(max(1, float64(target)/gateBlocks))
}

// futures are three courses that the inflow may take, as multiples of the
// forecast, with their weights: the points at which Gauss and Hermite sum up a
// normal distribution.
func futures() [3]struct{ times, weight float64 } {
	step := math.Exp(math.Sqrt(3) * swing)
	return [3]struct{ times, weight float64 }{{1 / step, 1.0 / 6}, {1, 2.0 / 3}, {step, 1.0 / 6}}
}

// ahead is what is mined before a transaction: the weight that waits at its rate
// or above, and how much a second comes in there.
type ahead struct{ waits, soon, later float64 }

// until is the time in seconds that it takes for so much weight to come in, if
// times as much comes as was forecast; infinite when it never does.
func (a ahead) until(weight, times float64) float64 {
	hour := time.Hour.Seconds()
	if soon := a.soon * times; weight < soon*hour {
		return weight / soon
	}
	return hour + (weight-a.soon*times*hour)/(a.later*times)
}

// missed is how likely it is that the transaction is in none of the next blocks,
// for one block, two and so on up to the last target.
//
// It is in by the k-th block if at one of them, j, what waited and what came in
// until then fits into j blocks: if the j-th block is found before the rest of
// their room is taken. As blocks are found by chance, at a steady rate, this asks
// that of the blocks found until each such time there is never one enough. The
// sum runs over how many there are.
func (a ahead) missed(blocks int, pace time.Duration) []float64 {
	odds := make([]float64, blocks)
	found, next := make([]float64, blocks), make([]float64, blocks)
	chance := make([]float64, blocks)
	for _, future := range futures() {
		clear(found)
		clear(next)
		found[0] = 1 // how likely it is that so many blocks were found and each was late
		since := 0.0 // when, in blocks' time
		for k := 1; k <= blocks; k++ {
			room := float64(k)*blockRoom - a.waits
			if room < 0 {
				odds[k-1] += future.weight
				continue
			}
			at := a.until(room, future.times) / pace.Seconds()
			likely := poisson(chance[:k], at-since)
			late := 0.0
			for n := range k {
				next[n] = 0
				for more := 0; more <= n && more < likely; more++ {
					next[n] += found[n-more] * chance[more]
				}
				late += next[n]
			}
			if late < improbable {
				break // and the more so for later blocks
			}
			odds[k-1] += future.weight * late
			found, next, since = next, found, at
		}
	}
	return odds
}

// improbable is what is left out of sums.
const improbable = 1e-7

// poisson fills in how likely it is that 0, 1, 2 and so on happen where mean are
// expected, and returns from which number on it is improbable.
func poisson(chance []float64, mean float64) int {
	if math.IsInf(mean, 1) || math.IsNaN(mean) { // NaN: from one infinite time to the next
		return 0
	}
	sum := math.Exp(-mean)
	chance[0] = sum
	n := 1
	for ; n < len(chance) && 1-sum > improbable; n++ {
		chance[n] = chance[n-1] * mean / float64(n)
		sum += chance[n]
	}
	return n
}
