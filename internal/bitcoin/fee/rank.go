package fee

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
)

// MaxTxs is how many waiting transactions are looked at. btcd's mempool has no
// limit; beyond this the cheapest are left out, which no block reaches for weeks.
const MaxTxs = 200_000

// maxAncestors is how many waiting ancestors a transaction may have to be
// counted. btcd has no limit, but the nodes of miners have (25, or 64 in a
// cluster), so a longer chain is not mined as one.
const maxAncestors = 64

// rateOf is satoshi per 1000 virtual bytes. It cannot overflow: no fee is above
// 21 million BTC, and 4000 times that fits.
func rateOf(feeSat, weight int64) int64 {
	return min(feeSat, btcutil.MaxSatoshi) * 4000 / weight
}

// rank finds for each transaction the rate of the package that brings it into a
// block: the best of all sets of a transaction with its waiting ancestors is
// taken first, then the best of what is left, as miners do. A child thus lifts
// its parent, and a cheap parent holds its child down.
func rank(txs []Tx) snapshot {
	txs = slices.DeleteFunc(slices.Clone(txs), func(t Tx) bool {
		return t.Weight <= 0 || t.Weight > maxBlockWeight || t.FeeSat < 0 || t.FeeSat > btcutil.MaxSatoshi
	})
	if len(txs) > MaxTxs {
		slices.SortFunc(txs, func(a, b Tx) int {
			return cmp.Compare(rateOf(b.FeeSat, b.Weight), rateOf(a.FeeSat, a.Weight))
		})
		txs = txs[:MaxTxs]
	}
	ranked := make(snapshot, len(txs))
	txs = alone(txs, ranked)
	r := newRanking(txs)
	for r.queue.Len() > 0 {
		best, ok := heap.Pop(&r.queue).(candidate)
		if !ok || r.taken[best.tx] || best.rate != r.rate(best.tx) {
			continue // an older entry of a transaction whose ancestors were taken since
		}
		for _, tx := range append([]int32{best.tx}, r.ancestors[best.tx]...) {
			if r.taken[tx] {
				continue
			}
			r.take(tx)
			ranked[txs[tx].TxID] = waiting{rate: best.rate, weight: txs[tx].Weight}
		}
	}
	return ranked
}

// alone ranks those that neither stand on another nor are stood on, which are
// most, and returns the rest.
func alone(txs []Tx, ranked snapshot) []Tx {
	parents := map[chainhash.Hash]struct{}{}
	for _, t := range txs {
		for _, parent := range t.Depends {
			parents[parent] = struct{}{}
		}
	}
	return slices.DeleteFunc(txs, func(t Tx) bool {
		if _, parent := parents[t.TxID]; parent || len(t.Depends) > 0 {
			return false
		}
		ranked[t.TxID] = waiting{rate: rateOf(t.FeeSat, t.Weight), weight: t.Weight}
		return true
	})
}

// ranking is the state of rank. Each pair of ancestor and descendant is touched
// once, so the work is at most maxAncestors a transaction.
type ranking struct {
	txs         []Tx
	ancestors   [][]int32
	descendants [][]int32
	fee, weight []int64 // of the transaction with its ancestors that are not taken
	taken       []bool
	queue       queue
}

func newRanking(txs []Tx) *ranking {
	n := len(txs)
	r := &ranking{
		txs: txs, ancestors: make([][]int32, n), descendants: make([][]int32, n),
		fee: make([]int64, n), weight: make([]int64, n), taken: make([]bool, n), queue: make(queue, 0, n),
	}
	index := make(map[chainhash.Hash]int32, n)
	for i, t := range txs {
		index[t.TxID] = int32(i)
	}
	for i := range txs {
		ancestors, ok := r.ancestorsOf(int32(i), index)
		if !ok {
			r.taken[i] = true // too deep: not mined with what it stands on
			continue
		}
		r.ancestors[i] = ancestors
		r.fee[i], r.weight[i] = txs[i].FeeSat, txs[i].Weight
		for _, a := range ancestors {
			r.descendants[a] = append(r.descendants[a], int32(i))
			r.fee[i] += txs[a].FeeSat
			r.weight[i] += txs[a].Weight
		}
		r.queue = append(r.queue, candidate{tx: int32(i), rate: r.rate(int32(i))})
	}
	heap.Init(&r.queue)
	return r
}

// ancestorsOf lists the waiting ancestors of a transaction, and false when there
// are more than maxAncestors or when one is itself.
func (r *ranking) ancestorsOf(tx int32, index map[chainhash.Hash]int32) ([]int32, bool) {
	if len(r.txs[tx].Depends) == 0 {
		return nil, true
	}
	var found []int32
	todo := []int32{tx}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, parent := range r.txs[next].Depends {
			p, waits := index[parent]
			if !waits || slices.Contains(found, p) {
				continue
			}
			if p == tx || len(found) == maxAncestors {
				return nil, false
			}
			found = append(found, p)
			todo = append(todo, p)
		}
	}
	return found, true
}

func (r *ranking) rate(tx int32) int64 { return rateOf(r.fee[tx], r.weight[tx]) }

// take marks a transaction as mined and offers its descendants anew.
func (r *ranking) take(tx int32) {
	r.taken[tx] = true
	for _, d := range r.descendants[tx] {
		if r.taken[d] {
			continue
		}
		r.fee[d] -= r.txs[tx].FeeSat
		r.weight[d] -= r.txs[tx].Weight
		heap.Push(&r.queue, candidate{tx: d, rate: r.rate(d)})
	}
}

// candidate is a transaction that could be mined next with its ancestors.
type candidate struct {
	tx   int32
	rate int64
}

// queue is a heap with the best rate on top.
type queue []candidate

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].rate > q[j].rate }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(x any) {
	if c, ok := x.(candidate); ok {
		*q = append(*q, c)
	}
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}
