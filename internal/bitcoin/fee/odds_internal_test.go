package fee

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The sum is held against chains that are drawn block by block.
func TestOddsAreThoseOfDrawnChains(t *testing.T) {
	t.Parallel()
	const second = blockRoom / 600.0 // the weight a second that fills all blocks
	tests := map[string]struct {
		ahead
		pace time.Duration
	}{
		"half a block waits, blocks fill up":  {ahead{blockRoom / 2, second, second}, blockInterval},
		"two blocks wait, half comes in":      {ahead{2.3 * blockRoom, second / 2, second / 2}, blockInterval},
		"three in four, and more after":       {ahead{0.7 * blockRoom, 0.75 * second, 1.1 * second}, blockInterval},
		"slow blocks":                         {ahead{1.1 * blockRoom, 0.5 * second, 0.5 * second}, 14 * time.Minute},
		"nothing comes in for the first hour": {ahead{5.5 * blockRoom, 0, 0.9 * second}, blockInterval},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const blocks, chains = 12, 40_000
			rng := rand.New(rand.NewPCG(1, 2))
			var late [blocks]float64
			for _, future := range futures() {
				for range chains {
					at, in := 0.0, false
					for k := range blocks {
						at += rng.ExpFloat64() * tt.pace.Seconds()
						came := tt.soon*min(at, 3600) + tt.later*max(at-3600, 0)
						in = in || tt.waits+future.times*came <= float64(k+1)*blockRoom
						if !in {
							late[k] += future.weight / chains
						}
					}
				}
			}

			got := tt.missed(blocks, tt.pace)

			for k := range late {
				if math.Abs(got[k]-late[k]) > 0.01 {
					t.Errorf("within %d: %.3f, drawn %.3f", k+1, got[k], late[k])
				}
			}
		})
	}
}

// What fits into the blocks is sure to be in when nothing comes, and of one block
// only its time counts.
func TestOddsAtTheEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ahead
		want []float64
	}{
		"nothing waits or comes":           {ahead{}, []float64{0, 0, 0}},
		"two and a half blocks wait":       {ahead{waits: 2.5 * blockRoom}, []float64{1, 1, 0}},
		"exactly two wait":                 {ahead{waits: 2 * blockRoom}, []float64{1, 0, 0}},
		"exactly two, and an hour without": {ahead{waits: 2 * blockRoom, later: 1}, []float64{1, 7 * math.Exp(-6), 0}},
		"far too much":                     {ahead{soon: 1e12, later: 1e12}, []float64{1, 1, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for k, got := range tt.missed(3, blockInterval) {
				if math.Abs(got-tt.want[k]) > 1e-5 {
					t.Errorf("within %d: %v, want %v", k+1, got, tt.want[k])
				}
			}
		})
	}
}

func TestOddsFallWithTimeAndRiseWithWhatIsAhead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		flow := rapid.Float64Range(0, 5*blockRoom/600)
		a := ahead{rapid.Float64Range(0, 30*blockRoom).Draw(t, "waits"), flow.Draw(t, "soon"), flow.Draw(t, "later")}
		pace := time.Duration(rapid.Int64Range(60, 3600).Draw(t, "pace")) * time.Second
		blocks := rapid.IntRange(1, 60).Draw(t, "blocks")

		got := a.missed(blocks, pace)

		a.waits += rapid.Float64Range(0, blockRoom).Draw(t, "more")
		a.soon += rapid.Float64Range(0, 1000).Draw(t, "more soon")
		for k, worse := range a.missed(blocks, pace) {
			if !(got[k] >= 0 && got[k] <= 1+1e-9) || got[k] > worse+1e-9 {
				t.Fatalf("within %d: %v, and %v with more ahead", k+1, got[k], worse)
			}
		}
		for k := 1; k < blocks; k++ {
			if got[k] > got[k-1]+1e-9 {
				t.Fatalf("within %d: %v, more than %v within one less", k+1, got[k], got[k-1])
			}
		}
	})
}
