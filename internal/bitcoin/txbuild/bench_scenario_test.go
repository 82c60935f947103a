package txbuild

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func scriptKinds() []scriptKind {
	return []scriptKind{
		{name: "tr", input: 230, change: 172, dust: 330},
		// The weights with which results of other wallets are published.
		{name: "core-compat", input: 272, change: 124, dust: 294},
	}
}

// readAmounts returns what a wallet received and, negative, paid.
func readAmounts(t testing.TB, name string) []btcutil.Amount {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var amounts []btcutil.Amount
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		n, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		amounts = append(amounts, btcutil.Amount(n))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return amounts
}

// scenario returns the first ops of a wallet's history.
func scenario(t testing.TB, name string, ops int) []btcutil.Amount {
	t.Helper()
	amounts := readAmounts(t, name)
	if name == "UTXO-post-LF" { // it has no history: it starts with these coins
		return append(amounts, scenario(t, "derived-balanced", ops)...)
	}
	return amounts[:min(ops, len(amounts))]
}

// rates returns n fee rates that wander about 12 sat/vB, between 1 and 300, as
// rates do: the next is near the last. They are made up, and the same each time.
func rates(n int) []FeeRate {
	rng := stream([32]byte{}, "fee rates")
	log, out := 0.0, make([]FeeRate, n)
	for i := range out {
		log = 0.995*log + 0.12*rng.NormFloat64()
		out[i] = FeeRate(min(300_000, max(1_000, 12_000*math.Exp(log))))
	}
	return out
}

// tally is what a selector made of a scenario.
type tally struct {
	paid, unpaid, inputs, changes int
	fees                          btcutil.Amount
	left                          []Coin
	spent                         time.Duration
}

// total is the fees with the cost of spending what is left at the long-run rate.
func (y tally) total(kind scriptKind) btcutil.Amount {
	return y.fees + longRunRate.Fee(int64(len(y.left))*kind.input)
}

// run plays amounts against a selector: what is received becomes a coin, what is
// paid takes coins and may return change.
func run(t testing.TB, s selector, kind scriptKind, amounts []btcutil.Amount) tally {
	t.Helper()
	var y tally
	made := uint32(0)
	receive := func(amount btcutil.Amount, chain uint32) {
		made++
		coin := Coin{OutPoint: wire.OutPoint{Index: made}, Amount: amount, Chain: chain, Script: binary.BigEndian.AppendUint32(nil, made)}
		y.left = append(y.left, coin)
	}
	feeRates := rates(len(amounts))
	for i, amount := range amounts {
		if amount > 0 {
			receive(amount, 0)
			continue
		}
		pay := payment{coins: y.left, amount: -amount, rate: feeRates[i], kind: kind}
		binary.BigEndian.PutUint32(pay.seed[:], uint32(i))
		start := time.Now()
		coins, change, ok := s.choose(pay)
		y.spent += time.Since(start)
		if !ok {
			y.unpaid++
			continue
		}
		fee := amount - change
		gone := make(map[wire.OutPoint]bool, len(coins))
		for _, coin := range coins {
			fee += coin.Amount
			gone[coin.OutPoint] = true
		}
		if least := pay.fee(len(coins), change > 0); fee < least {
			t.Fatalf("%s: fee %d, the rate asks for %d", s.name, fee, least)
		}
		y.left = slices.DeleteFunc(y.left, func(c Coin) bool { return gone[c.OutPoint] })
		y.paid, y.inputs, y.fees = y.paid+1, y.inputs+len(coins), y.fees+fee
		if change > 0 {
			y.changes++
			receive(change, 1)
		}
	}
	return y
}

// Over a wallet's history, ours costs less than any of the peers.
func TestSelectionCostsLessThanPeers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"moneypot", "derived-balanced"} {
		amounts := scenario(t, name, 600)
		for _, kind := range scriptKinds() {
			own := btcutil.Amount(0)
			for i, s := range selectors() {
				y := run(t, s, kind, amounts)
				if i == 0 {
					own = y.total(kind)
				} else if own >= y.total(kind) {
					t.Errorf("%s, %s: %d sat, and %d by %s", name, kind.name, own, y.total(kind), s.name)
				}
			}
		}
	}
}

// The selector beside its peers on the histories of wallets. total is the fees
// and the cost of spending what is left at 10 sat/vB; x is to the best peer's.
func BenchmarkScenarios(b *testing.B) {
	for _, of := range []struct {
		name string
		ops  int
	}{{"moneypot", 3_000}, {"derived-1I-2O", 2_000}, {"derived-balanced", 2_000}, {"UTXO-post-LF", 200}} {
		for _, kind := range scriptKinds() {
			b.Run(of.name+"/"+kind.name, func(b *testing.B) {
				amounts := scenario(b, of.name, of.ops)
				for b.Loop() {
					table(b, kind, amounts)
				}
			})
		}
	}
}

func table(b *testing.B, kind scriptKind, amounts []btcutil.Amount) {
	b.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "selector\tfees sat\ttotal@10 sat\tpaid\tunpaid\tinputs\tchange\tcoins left\tms/selection\t")
	var own, best btcutil.Amount
	for i, s := range selectors() {
		y := run(b, s, kind, amounts)
		total := y.total(kind)
		ms := y.spent.Seconds() * 1_000 / float64(max(1, y.paid))
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.2f\t\n",
			s.name, y.fees, total, y.paid, y.unpaid, y.inputs, y.changes, len(y.left), ms)
		switch {
		case i == 0:
			own = total
			b.ReportMetric(ms, "ms/selection")
		case best == 0 || total < best:
			best = total
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(own)/float64(best), "x_best_peer")
	b.Logf("\n%s", text.String())
}
