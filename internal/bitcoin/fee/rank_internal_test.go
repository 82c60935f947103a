package fee

import (
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func id(n int) chainhash.Hash { return hashOf(uint64(n)) }

// tx is a transaction of 1000 virtual bytes.
func tx(n int, feeSat int64, depends ...int) Tx {
	t := Tx{TxID: id(n), Weight: 4000, FeeSat: feeSat}
	for _, d := range depends {
		t.Depends = append(t.Depends, id(d))
	}
	return t
}

func TestRankIsTheRateOfThePackageThatIsMined(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		txs  []Tx
		want []int64 // by number from 1 on; -1 is one that is left out
	}{
		"alone":                             {[]Tx{tx(1, 1000), tx(2, 3000)}, []int64{1000, 3000}},
		"a child lifts its parent":          {[]Tx{tx(1, 1000), tx(2, 9000, 1)}, []int64{5000, 5000}},
		"a cheap child lowers nobody":       {[]Tx{tx(1, 9000), tx(2, 1000, 1)}, []int64{9000, 1000}},
		"a parent is lifted once":           {[]Tx{tx(1, 1000), tx(2, 9000, 1), tx(3, 7000, 1)}, []int64{5000, 5000, 7000}},
		"a dear child makes a brother wait": {[]Tx{tx(1, 1000), tx(2, 9000, 1), tx(3, 2000, 1)}, []int64{5000, 5000, 2000}},
		"a child of two":                    {[]Tx{tx(1, 1000), tx(2, 2000), tx(3, 9000, 1, 2)}, []int64{4000, 4000, 4000}},
		"a grandchild lifts all":            {[]Tx{tx(3, 28000, 2), tx(2, 1000, 1), tx(1, 1000)}, []int64{10000, 10000, 10000}},
		"a parent that does not wait":       {[]Tx{tx(1, 1000, 99)}, []int64{1000}},
		"named twice":                       {[]Tx{tx(1, 1000), tx(2, 3000, 1, 1)}, []int64{2000, 2000}},
		"its own ancestor":                  {[]Tx{tx(1, 1000, 2), tx(2, 3000, 1), tx(3, 500)}, []int64{-1, -1, 500}},
		"nonsense": {
			[]Tx{{TxID: id(1), FeeSat: 5}, {TxID: id(2), Weight: 4_000_001, FeeSat: 5}, {TxID: id(3), Weight: 4, FeeSat: -1}, {TxID: id(4), Weight: 4, FeeSat: btcutil.MaxSatoshi + 1}},
			[]int64{-1, -1, -1, -1},
		},
		"all the money there is": {[]Tx{{TxID: id(1), Weight: 1, FeeSat: btcutil.MaxSatoshi}}, []int64{btcutil.MaxSatoshi * 4000}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rank(tt.txs)
			for i, want := range tt.want {
				w, ok := got[id(i+1)]
				if !ok {
					w.rate = -1
				}
				if w.rate != want {
					t.Errorf("%d: got %d, want %d", i+1, w.rate, want)
				}
			}
		})
	}
}

// btcd takes chains of any length, and a stranger may fill its mempool with one.
func TestRankLeavesOutWhatStandsTooDeep(t *testing.T) {
	t.Parallel()
	txs := []Tx{tx(0, 1000)}
	for i := 1; i < 5_000; i++ {
		txs = append(txs, tx(i, 1000, i-1))
	}

	got := rank(txs)

	if len(got) != maxAncestors+1 {
		t.Errorf("%d are ranked, want %d", len(got), maxAncestors+1)
	}
}

func TestRankKeepsTheDearestOfTooMany(t *testing.T) {
	t.Parallel()
	txs := make([]Tx, MaxTxs+1000)
	for i := range txs {
		txs[i] = tx(i, int64(1000+i))
	}

	got := rank(txs)

	if _, cheapest := got[id(999)]; len(got) != MaxTxs || cheapest {
		t.Errorf("%d are kept, want %d", len(got), MaxTxs)
	}
}

// TestRankEqualsTheSlowWay holds rank against the plain procedure: look at each
// one with what it stands on, take the best, begin again.
func TestRankEqualsTheSlowWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		txs := make([]Tx, rapid.IntRange(0, 12).Draw(t, "txs"))
		for i := range txs {
			// Distinct sums of fees, so that no two packages are equally good.
			txs[i] = Tx{TxID: id(i), Weight: rapid.Int64Range(400, 9000).Draw(t, "weight"), FeeSat: rapid.Int64Range(0, 1e6).Draw(t, "fee")*4096 + 1<<i}
			for j := range i {
				if rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
					txs[i].Depends = append(txs[i].Depends, id(j))
				}
			}
		}
		shuffled := rapid.Permutation(txs).Draw(t, "order")

		if diff := cmp.Diff(slowly(txs), rank(shuffled), cmp.AllowUnexported(waiting{})); diff != "" {
			t.Error(diff)
		}
	})
}

// slowly takes transactions with parents before children.
func slowly(txs []Tx) snapshot {
	left := map[chainhash.Hash]Tx{}
	for _, t := range txs {
		left[t.TxID] = t
	}
	var with func(t Tx, into map[chainhash.Hash]Tx)
	with = func(t Tx, into map[chainhash.Hash]Tx) {
		into[t.TxID] = t
		for _, d := range t.Depends {
			if parent, waits := left[d]; waits {
				with(parent, into)
			}
		}
	}
	ranked := snapshot{}
	for len(left) > 0 {
		var best map[chainhash.Hash]Tx
		var bestRate int64 = -1
		for _, t := range txs {
			if _, waits := left[t.TxID]; !waits {
				continue
			}
			members := map[chainhash.Hash]Tx{}
			with(t, members)
			var fees, weight int64
			for _, m := range members {
				fees += m.FeeSat
				weight += m.Weight
			}
			if rate := rateOf(fees, weight); rate > bestRate {
				best, bestRate = members, rate
			}
		}
		for h, m := range best {
			ranked[h] = waiting{rate: bestRate, weight: m.Weight}
			delete(left, h)
		}
	}
	return ranked
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			txs := make([]Tx, n)
			for i := range txs {
				txs[i] = tx(i, int64(i*7919%100_000))
				if i%3 == 2 {
					txs[i].Depends = []chainhash.Hash{id(i - 1)}
				}
			}
			for b.Loop() {
				rank(txs)
			}
		})
	}
}
