package fee

import (
	"math"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
)

const (
	// maxBlockWeight is what a block may weigh (BIP141).
	maxBlockWeight = 4_000_000
	// blockRoom is what a block has for transactions that pay: the limit without
	// the room that miners keep for header and coinbase.
	blockRoom     = 3_990_000
	blockInterval = 10 * time.Minute
)

// bounds are the lower ends of the classes of rates, in satoshi per 1000 virtual
// bytes: all below 1000 in the first, then 5 % steps up to 10,000 sat/vB.
type bounds []int64

func newBounds() bounds {
	b := bounds{0}
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
	window := min(now.Sub(since), time.Duration(len(f.slots))*f.width)
	rate := make([]float64, classes)
	if window <= 0 {
		return rate
	}
	number := now.UnixNano() / int64(f.width)
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
			came[in.bounds.class(tx.rate)] -= tx.weight
			left += tx.weight
		}
	}
	return came, left, of
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

// within is the weight of one class that comes in within a time.
func (f forecast) within(class int, ahead time.Duration) float64 {
	soon := min(ahead, time.Hour)
	return f.soon[class]*soon.Seconds() + f.later[class]*(ahead-soon).Seconds()
}

// lateBlocks is how long the next blocks take in five of six cases, by the
// Wilson-Hilferty approximation of the gamma distribution.
func lateBlocks(blocks int) time.Duration {
	const z = 1.036 // 85 % of the normal distribution lies below
	n := float64(blocks)
	return time.Duration(n * math.Pow(1-1/(9*n)+z/(3*math.Sqrt(n)), 3) * float64(blockInterval))
}

// depth is the lowest rate, for each target, at which what waits and what comes
// in ahead of it fits into the blocks until then. The same rate would do for a
// transaction that a later block takes, so a longer target is never dearer.
func depth(now time.Time, pool snapshot, in *inflow, targets []int) []int64 {
	classes := len(in.bounds)
	backlog := make(sums, classes)
	for _, tx := range pool {
		backlog[in.bounds.class(tx.rate)] += tx.weight
	}
	come := in.forecast(now)
	rates := make([]int64, len(targets))
	best, block := in.bounds[classes-1], 0
	for i, target := range targets {
		for block < target {
			block++
			late := lateBlocks(block)
			waits, comes, room := 0.0, 0.0, float64(block)*blockRoom
			for class := classes - 1; class >= 0; class-- {
				waits += float64(backlog[class])
				comes += come.within(class, late)
				// What will leave is no reason to wait for it.
				if waits+max(comes, 0) > room {
					break
				}
				best = min(best, in.bounds[class])
			}
		}
		rates[i] = best
	}
	return rates
}

// without drops mined transactions from a snapshot.
func (s snapshot) without(txs []BlockTx) {
	for _, tx := range txs {
		delete(s, tx.TxID)
	}
}

// find looks a transaction up in the newer snapshot and then in the older one.
func find(id chainhash.Hash, after, before snapshot) (waiting, bool) {
	if tx, ok := after[id]; ok {
		return tx, true
	}
	tx, ok := before[id]
	return tx, ok
}
