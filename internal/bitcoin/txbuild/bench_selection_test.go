package txbuild

import (
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
)

// A round of selection over pools of a treasury's size, at dear and at cheap
// rates.
func BenchmarkSelection(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 50_000} {
		for _, rate := range []FeeRate{2_000, 20_000} {
			b.Run(fmt.Sprintf("%d coins at %d sat per vB", n, rate/1_000), func(b *testing.B) {
				amounts := make([]btcutil.Amount, n)
				rng := stream([32]byte{}, "bench")
				for i := range amounts {
					amounts[i] = btcutil.Amount(10_000 + rng.Int64N(5_000_000))
				}
				p := newTestPool(amounts, 1, 40_000_000, rate, 10_000)
				for b.Loop() {
					if _, ok := p.choose(0); !ok {
						b.Fatal("no set")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/selection")
			})
		}
	}
}
