package books_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/payout/books"
)

const (
	txid   = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16"
	digest = "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a"
	block  = "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee"
)

// samples are two payments of one batch, one whose block is young, and one that
// is in no block yet.
func samples() []books.Payment {
	paid := time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC)
	return []books.Payment{
		{
			GrantReference: "GR-7K3FQ2", InstalmentID: uuid.MustParse("0198c0de-0000-7000-8000-000000000001"), DecisionDigest: digest, Period: 1, BatchNumber: 3,
			Designation: "Amber \"Heron\", phase [2026-01-01]; 1", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
			AmountSat: 1_500_000, FeeShareSat: 142, TxID: txid, Vout: 1, Height: 925_001, BlockHash: block, PaidAt: paid, State: "final",
		},
		{
			GrantReference: "GR-9M2XA1", InstalmentID: uuid.MustParse("0198c0de-0000-7000-8000-000000000002"), DecisionDigest: digest, Period: 2, BatchNumber: 3,
			Designation: "=HYPERLINK(\"http://127.0.0.1\")", Address: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
			AmountSat: 1, FeeShareSat: 141, TxID: txid, Vout: 0, Height: 925_001, BlockHash: block, PaidAt: paid, State: "paid",
		},
		{
			GrantReference: "GR-4T8BC7", InstalmentID: uuid.MustParse("0198c0de-0000-7000-8000-000000000003"), DecisionDigest: digest, Period: 12, BatchNumber: 4,
			Address: "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", AmountSat: 21_0000_0000, FeeShareSat: 0,
			TxID: strings.Repeat("ab", 32), Vout: 7, Height: 925_140, BlockHash: strings.Repeat("0", 63) + "1", PaidAt: paid.Add(48 * time.Hour), State: "mined",
		},
		{
			GrantReference: "GR-2P5LD9", InstalmentID: uuid.MustParse("0198c0de-0000-7000-8000-000000000004"), DecisionDigest: digest, Period: 36, BatchNumber: 5,
			Address: "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", AmountSat: 70_000, State: "maybe_paid",
		},
	}
}

type writer func(io.Writer, []books.Payment) error

func writers() map[string]writer {
	return map[string]writer{
		"payments.csv":  books.WriteCSV,
		"payments.json": books.WriteJSON,
		"sat.ledger":    func(w io.Writer, p []books.Payment) error { return books.WriteLedger(w, p, books.SAT) },
		"btc.ledger":    func(w io.Writer, p []books.Payment) error { return books.WriteLedger(w, p, books.BTC) },
		"sat.beancount": func(w io.Writer, p []books.Payment) error { return books.WriteBeancount(w, p, books.SAT) },
		"btc.beancount": func(w io.Writer, p []books.Payment) error { return books.WriteBeancount(w, p, books.BTC) },
		"labels.jsonl":  books.WriteLabels,
	}
}

func written(tb testing.TB, write writer, payments []books.Payment) string {
	tb.Helper()
	var b bytes.Buffer
	if err := write(&b, payments); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// TestGolden holds every format. GOLDEN_UPDATE=1 writes the files again.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, write := range writers() {
		path := filepath.Join("testdata", name)
		// The line ends of CSV are written out, so that no tool changes them.
		got := strings.ReplaceAll(written(t, write, samples()), "\r", "\\r")
		if os.Getenv("GOLDEN_UPDATE") != "" {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// hostile draws text that somebody would try on the reader of an export.
func hostile(t *rapid.T, name string) string {
	pieces := rapid.SampledFrom([]string{
		"=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\t", "\r\n", "\n", "\"", "'", ",", ";", "  ", "|", "\\", "\u202e", "[2020-01-01]",
		"2020-01-01 * x", "\x00", "\x1b[2J", "\xff", "\u2028", "é", "Expenses:X  1 SAT", "a",
	})
	return strings.Join(rapid.SliceOfN(pieces, 0, 5).Draw(t, name), "")
}

func hostilePayments(t *rapid.T) []books.Payment {
	payments := samples()
	for i := range payments {
		p := &payments[i]
		p.GrantReference, p.Designation, p.State = hostile(t, "reference"), hostile(t, "designation"), hostile(t, "state")
		p.AmountSat = btcutil.Amount(rapid.Int64Range(1, btcutil.MaxSatoshi).Draw(t, "amount"))
		p.FeeShareSat = btcutil.Amount(rapid.Int64Range(0, 1_000_000).Draw(t, "fee"))
	}
	return payments
}

func TestCSVHoldsEveryPaymentAndNoFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payments := hostilePayments(t)
		var b bytes.Buffer
		if err := books.WriteCSV(&b, payments); err != nil {
			t.Fatal(err)
		}

		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) != len(payments)+1 {
			t.Fatalf("%d rows, error %v; want %d", len(rows), err, len(payments)+1)
		}

		for i, row := range rows[1:] {
			for _, cell := range row {
				if strings.IndexAny(strings.TrimSpace(cell), "=+-@＝＋－＠") == 0 || strings.ContainsAny(cell, "\r\n\x00\x1b\u202e") {
					t.Fatalf("cell %q", cell)
				}
			}
			if row[7] != strconv.FormatInt(int64(payments[i].AmountSat), 10) || strings.Replace(row[8], ".", "", 1) != padded(payments[i].AmountSat) {
				t.Fatalf("amounts %q and %q, want %d", row[7], row[8], int64(payments[i].AmountSat))
			}
		}
	})
}

// padded is an amount in satoshi with the zeros that bitcoin with eight decimals
// begins with.
func padded(a btcutil.Amount) string {
	s := strconv.FormatInt(int64(a), 10)
	return strings.Repeat("0", max(0, 9-len(s))) + s
}

// TestJournalsBalance reads the postings back, whatever the texts are, and adds
// them up by transaction.
func TestJournalsBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		payments := hostilePayments(t)
		for name, write := range writers() {
			if !strings.HasSuffix(name, ".ledger") && !strings.HasSuffix(name, ".beancount") {
				continue
			}
			var b bytes.Buffer
			if err := write(&b, payments); err != nil {
				t.Fatal(err)
			}
			transactions, comments := 0, 0
			var sum, spent btcutil.Amount
			for text := range strings.Lines(b.String()) {
				fields := strings.Fields(text)
				switch {
				case strings.HasPrefix(text, "; Not booked"):
					comments++
				case strings.HasPrefix(text, "2026") && !strings.Contains(text, " open "):
					transactions++
				case len(fields) == 3 && (strings.HasPrefix(fields[0], "Expenses:") || strings.HasPrefix(fields[0], "Assets:")):
					sat, err := strconv.ParseInt(strings.Replace(fields[1], ".", "", 1), 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					sum += btcutil.Amount(sat)
					if fields[0] == "Expenses:Grants" {
						spent += btcutil.Amount(sat)
					}
				}
			}
			want := payments[0].AmountSat + payments[1].AmountSat + payments[2].AmountSat
			if transactions != 3 || comments != 1 || sum != 0 || spent != want {
				t.Fatalf("%s: %d transactions, %d not booked, sum %d, grants %d, want 3, 1, 0, %d:\n%s", name, transactions, comments, sum, spent, want, &b)
			}
		}
	})
}

func TestLabelsFollowTheBIP(t *testing.T) {
	t.Parallel()
	payments := samples()
	for range 40 { // one address, many grants
		p := payments[0]
		p.GrantReference = "GR-" + strconv.Itoa(len(payments))
		payments = append(payments, p)
	}
	text := written(t, books.WriteLabels, payments)
	if !utf8.ValidString(text) || strings.Contains(text, "\r") {
		t.Error("not UTF-8 with plain line feeds")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		var l struct {
			Type, Ref, Label string
			Height           int32
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		known := l.Type == "tx" || l.Type == "output" || l.Type == "addr"
		if seen[l.Type+l.Ref] || !known || l.Ref == "" || l.Label == "" || len([]rune(l.Label)) > 255 {
			t.Errorf("record %+v", l)
		}
		if l.Height != 0 && strings.HasPrefix(l.Ref, "abab") {
			t.Error("a height was given before the payment was settled")
		}
		seen[l.Type+l.Ref] = true
	}
	if want := "GR-2P5LD9"; !strings.Contains(text, want) {
		t.Errorf("no address label for %s, which is in no block yet", want)
	}
}

func TestFeeSharesSumToTheFee(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fee := btcutil.Amount(rapid.Int64Range(0, btcutil.MaxSatoshi).Draw(t, "fee"))
		weights := rapid.SliceOfN(rapid.Int64Range(1, 4_000_000), 1, 300).Draw(t, "weights")

		shares, err := books.FeeShares(fee, weights)
		if err != nil {
			t.Fatal(err)
		}

		var sum btcutil.Amount
		var total int64
		for _, w := range weights {
			total += w
		}
		for i, share := range shares {
			sum += share
			exact := float64(fee) * float64(weights[i]) / float64(total)
			if off := float64(share) - exact; i > 0 && (off > 1 || off < -2) {
				t.Fatalf("share %d of %d for weight %d of %d", share, fee, weights[i], total)
			}
		}
		if sum != fee || len(shares) != len(weights) || shares[0] < 0 {
			t.Fatalf("%d shares sum to %d, want %d that sum to %d", len(shares), sum, len(weights), fee)
		}
	})
}

func TestFeeShares(t *testing.T) {
	t.Parallel()
	// P2WPKH, P2TR, P2PKH: 31, 43 and 34 bytes.
	weights := []int64{books.OutputWeight(make([]byte, 22)), books.OutputWeight(make([]byte, 34)), books.OutputWeight(make([]byte, 25))}
	got, err := books.FeeShares(1000, weights)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]btcutil.Amount{288, 398, 314}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, bad := range map[string]struct {
		fee     btcutil.Amount
		weights []int64
	}{
		"nobody": {1, nil}, "negative": {-1, weights}, "too much": {btcutil.MaxSatoshi + 1, weights}, "no weight": {1, []int64{1, 0}}, "heavy": {1, []int64{4_000_001}},
	} {
		if _, err := books.FeeShares(bad.fee, bad.weights); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreReported(t *testing.T) {
	t.Parallel()
	for name, write := range writers() {
		if err := write(full{}, samples()); err == nil {
			t.Errorf("%s: no error from a full disk", name)
		}
	}
}
