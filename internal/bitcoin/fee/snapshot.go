package fee

import (
	"cmp"
	"math"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// waiting is a transaction of a snapshot at the rate with which a miner takes it.
type waiting struct {
	rate   int64 // satoshi per 1000 virtual bytes, of the package it is mined with
	weight int64
	passed uint8 // how many blocks took others that pay less; passes at most
}

// snapshot is what stood in the mempool at one moment.
type snapshot map[chainhash.Hash]waiting

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

// remember takes over from an older snapshot what was passed over.
func (s snapshot) remember(older snapshot) {
	for id, old := range older {
		if tx, ok := s[id]; ok && old.passed > 0 {
			tx.passed = old.passed
			s[id] = tx
		}
	}
}

// named is a transaction with its name.
type named struct {
	waiting
	id chainhash.Hash
}

// left lists what a block did not take of what is still counted, the dearest first.
func (s snapshot) left(taken map[chainhash.Hash]struct{}) []named {
	var list []named
	for id, tx := range s {
		if _, ok := taken[id]; !ok && tx.passed < passes {
			list = append(list, named{waiting: tx, id: id})
		}
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(b.rate, a.rate) })
	return list
}

// pass marks those of the list that pay more than a rate as passed over by one more
// block, and says how much they weigh. The list has the dearest first.
func (s snapshot) pass(list []named, above int64) int64 {
	var weight int64
	for _, tx := range list {
		if tx.rate <= above {
			break
		}
		weight += tx.weight
		if still, ok := s[tx.id]; ok {
			still.passed++
			s[tx.id] = still
		}
	}
	return weight
}

// percentile is the rate below which that many per cent of the weight lie; 0 of
// nothing.
func percentile(paid []waiting, percent int64) int64 {
	var total int64
	for _, p := range paid {
		total += p.weight
	}
	rate, _ := rateBelow(paid, total*percent)
	return rate
}

// quarterBelow is the rate below which a quarter of a block's room was taken; what
// pays more could have had it. There is none that high when less was taken.
func quarterBelow(paid []waiting) int64 {
	if rate, ok := rateBelow(paid, blockRoom*25); ok {
		return rate
	}
	return math.MaxInt64
}

// rateBelow is the rate up to which so much weight, in hundredths, was paid for.
func rateBelow(paid []waiting, hundredths int64) (int64, bool) {
	slices.SortFunc(paid, func(a, b waiting) int { return cmp.Compare(a.rate, b.rate) })
	var below int64
	for _, p := range paid {
		below += p.weight
		if below*100 >= hundredths {
			return p.rate, true
		}
	}
	return 0, false
}
