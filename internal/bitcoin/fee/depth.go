package fee

import (
	"math"
	"slices"
	"sort"
	"time"
)

const (
	// maxBlockWeight is what a block may weigh (BIP141).
	maxBlockWeight = 4_000_000
	// blockRoom is what a block has for transactions that pay: the limit without
	// the room that miners keep for header and coinbase.
	blockRoom = 3_990_000
)

// bounds are the lower ends of the classes of rates, in satoshi per 1000 virtual
// bytes: all below 100 in the first, which few nodes relay, then 5 % steps up to
// 10,000 sat/vB.
type bounds []int64

func newBounds() bounds {
	var b bounds
	for rate := 1000.0 / 1.05; rate >= 100; rate /= 1.05 {
		b = append(b, int64(rate))
	}
	b = append(b, 0)
	slices.Reverse(b)
	for rate := 1000.0; rate <= 10_000_000; rate *= 1.05 {
		b = append(b, int64(rate))
	}
	return b
}

// class is the index of the class that holds a rate.
func (b bounds) class(rate int64) int {
	i, exact := slices.BinarySearch(b, rate)
	if !exact {
		i--
	}
	return max(i, 0)
}

// sums is weight by class of rate.
type sums []int64

// flow sums up what came into the mempool, less what left it unmined, in a ring
// of slots of one width.
type flow struct {
	width time.Duration
	slots []flowSlot
}

type flowSlot struct {
	number int64 // time divided by width; tells an old turn of the ring from this one
	sums   sums
}

func newFlow(width time.Duration, slots int) *flow {
	return &flow{width: width, slots: make([]flowSlot, slots)}
}

func (f *flow) add(now time.Time, came sums) {
	number := now.UnixNano() / int64(f.width)
	slot := &f.slots[int(number%int64(len(f.slots)))]
	if slot.sums == nil || slot.number != number {
		*slot = flowSlot{number: number, sums: make(sums, len(came))}
	}
	for class, weight := range came {
		slot.sums[class] += weight
	}
}

// perSecond is the average flow by class over what the ring holds, which was
// watched since then; below 0 where more left than came.
func (f *flow) perSecond(now, since time.Time, classes int) []float64 {
	number := now.UnixNano() / int64(f.width)
	oldest := time.Unix(0, (number-int64(len(f.slots))+1)*int64(f.width)) // the present slot has only begun
	if since.Before(oldest) {
		since = oldest
	}
	window := now.Sub(since)
	rate := make([]float64, classes)
	if window <= 0 {
		return rate
	}
	for _, slot := range f.slots {
		if slot.sums == nil || number-slot.number >= int64(len(f.slots)) {
			continue
		}
		for class, weight := range slot.sums {
			rate[class] += float64(weight) / window.Seconds()
		}
	}
	return rate
}

func (f *flow) reset() { clear(f.slots) }

// inflow remembers an hour by the minute and a day by the hour.
type inflow struct {
	bounds    bounds
	hour, day *flow
	since     time.Time // when watching began; zero before the first snapshot
}

func newInflow() *inflow {
	return &inflow{bounds: newBounds(), hour: newFlow(time.Minute, 60), day: newFlow(time.Hour, 24)}
}

// restart forgets everything: what was watched is not the network's mempool.
func (in *inflow) restart(now time.Time) {
	in.hour.reset()
	in.day.reset()
	in.since = now
}

func (in *inflow) add(now time.Time, came sums) {
	in.hour.add(now, came)
	in.day.add(now, came)
}

// change is what differs between two snapshots: by class what is new less what
// left without being mined, since replaced transactions would else count twice;
// and how much left, of how much.
func (in *inflow) change(before, after snapshot) (came sums, left, of int64) {
	came = make(sums, len(in.bounds))
	for id, tx := range after {
		if _, old := before[id]; !old {
			came[in.bounds.class(tx.rate)] += tx.weight
		}
	}
	for id, tx := range before {
		of += tx.weight
		if _, still := after[id]; !still {
			left += tx.weight
			if tx.passed < passes { // else it was not counted any more
				came[in.bounds.class(tx.rate)] -= tx.weight
			}
		}
	}
	return came, left, of
}

// spread is by class what blocks took that we did not see come: it must have paid
// like what they took else, and more than anybody when we saw nothing of that.
func (in *inflow) spread(weight int64, seen []waiting) sums {
	came := make(sums, len(in.bounds))
	var total int64
	for _, tx := range seen {
		total += tx.weight
	}
	if total == 0 {
		came[len(came)-1] = weight
		return came
	}
	for _, tx := range seen {
		came[in.bounds.class(tx.rate)] += weight * tx.weight / total
	}
	return came
}

// forecast is the flow by class in weight units a second: for the next hour, and
// after it.
type forecast struct{ soon, later []float64 }

// forecast takes the last hour for the next one and the last day for later, once
// six hours of it were watched: an hour is no measure for a day.
func (in *inflow) forecast(now time.Time) forecast {
	f := forecast{soon: in.hour.perSecond(now, in.since, len(in.bounds))}
	f.later = f.soon
	if now.Sub(in.since) >= 6*time.Hour {
		f.later = in.day.perSecond(now, in.since, len(in.bounds))
	}
	return f
}

// depth is for each target the rate that costs the least, given what waits and what
// comes in, when not to be mined in time costs as well: missWeighs times what is
// usual. It is in time with a likelihood that is bearable. What is mined sooner is
// also mined in time, so a longer target is never dearer. Nobody pays less than floor.
func depth(now time.Time, pool snapshot, in *inflow, pace time.Duration, usual, floor int64, targets []int) []int64 {
	before := in.ahead(now, pool)
	rates := make([]int64, len(targets))
	best := len(in.bounds) - 1
	for i, target := range targets {
		late := missWeighs(target) * float64(usual)
		known := map[ahead]float64{}
		missed := func(class int) float64 {
			odds, ok := known[before[class]]
			if !ok {
				odds = before[class].missed(target, pace)[target-1]
				known[before[class]] = odds
			}
			return odds
		}
		class := sort.Search(best, func(class int) bool { return missed(class) <= bearable })
		lowest := math.Inf(1)
		for ; class <= best; class++ {
			rate := float64(max(in.bounds[class], floor))
			if rate >= lowest {
				break // it costs more than another with all its risk
			}
			if cost := rate + late*max(missed(class), negligible); cost < lowest {
				lowest, rates[i] = cost, in.bounds[class]
			}
		}
		best = in.bounds.class(rates[i])
	}
	return rates
}

// ahead is for each class what is mined before a transaction that pays its lower end.
func (in *inflow) ahead(now time.Time, pool snapshot) []ahead {
	classes := len(in.bounds)
	backlog := make(sums, classes)
	for _, tx := range pool {
		if tx.passed < passes {
			backlog[in.bounds.class(tx.rate)] += tx.weight
		}
	}
	come := in.forecast(now)
	before := make([]ahead, classes)
	var sum ahead
	for class := classes - 1; class >= 0; class-- {
		sum.waits += float64(backlog[class])
		sum.soon += come.soon[class]
		sum.later += come.later[class]
		// What will leave is no reason to wait for it.
		before[class] = ahead{waits: sum.waits, soon: max(sum.soon, 0), later: max(sum.later, 0)}
	}
	return before
}
