package money_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
)

func TestParseFeeRate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want int64
		code string
	}{
		{"1", 1000, ""},
		{"0.1", 100, ""},
		{"0.001", 1, ""},
		{"1.234", 1234, ""},
		{"1.50", 1500, ""},
		{"007.5", 7500, ""},
		{" 12 ", 12_000, ""},
		{"۱٫۵", 1500, ""},
		{"٠٫١", 100, ""},
		{"10000", money.MaxFeeRateSatKVB, ""},
		{"10000.000", money.MaxFeeRateSatKVB, ""},
		{"", 0, "required"},
		{" \t", 0, "required"},
		{"0", 0, "not_positive"},
		{"0.000", 0, "not_positive"},
		{"-1.5", 0, "not_positive"},
		{"−1", 0, "not_positive"},
		{"-99999999999999999999", 0, "not_positive"},
		{"0.0001", 0, "too_precise"},
		{"1.2345", 0, "too_precise"},
		{"1.0000", 0, "too_precise"},
		{"10000.001", 0, "too_large"},
		{"9223372036854775.808", 0, "too_large"},
		{"99999999999999999999", 0, "too_large"},
		{"1,5", 0, "not_a_number"},
		{"1,000", 0, "not_a_number"},
		{"1 000", 0, "not_a_number"},
		{".5", 0, "not_a_number"},
		{"5.", 0, "not_a_number"},
		{".", 0, "not_a_number"},
		{"-", 0, "not_a_number"},
		{"1.2.3", 0, "not_a_number"},
		{"1e3", 0, "not_a_number"},
		{"0x10", 0, "not_a_number"},
		{"+1", 0, "not_a_number"},
		{"--1", 0, "not_a_number"},
		{"1.-5", 0, "not_a_number"},
		{"NaN", 0, "not_a_number"},
		{"1 sat/vB", 0, "not_a_number"},
		{"²", 0, "not_a_number"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			t.Parallel()
			got, field := money.ParseFeeRate("feerate_sat_kvb", tc.in)
			code := ""
			if field != nil {
				code = string(field.Code)
				if field.Field != "feerate_sat_kvb" || field.Message == "" {
					t.Errorf("ParseFeeRate(%q): field %q, message %q", tc.in, field.Field, field.Message)
				}
			}
			if got != tc.want || code != tc.code {
				t.Errorf("ParseFeeRate(%q) = %d, %q; want %d, %q", tc.in, got, code, tc.want, tc.code)
			}
		})
	}
}

func TestFormatFeeRate(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 1: "0.001", 100: "0.1", 1000: "1", 1010: "1.01", 1234: "1.234", 1500: "1.5", 100_000: "100",
		-1: "-0.001", -1500: "-1.5", math.MaxInt64: "9223372036854775.807", math.MinInt64: "-9223372036854775.808",
	} {
		if got := money.FormatFeeRate(n); got != want {
			t.Errorf("FormatFeeRate(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFormatPermille(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 1: "0.1", 10: "1", 50: "5", 938: "93.8", 1000: "100", -5: "-0.5", -15: "-1.5",
		math.MaxInt64: "922337203685477580.7", math.MinInt64: "-922337203685477580.8",
	} {
		if got := money.FormatPermille(n); got != want {
			t.Errorf("FormatPermille(%d) = %q, want %q", n, got, want)
		}
	}
}

// Every feerate that may be asked for is read back from what people are shown.
func TestEveryFeeRateParsesBack(t *testing.T) {
	t.Parallel()
	for rate := int64(1); rate <= money.MaxFeeRateSatKVB; rate++ {
		if rate > 20_000 && rate < money.MaxFeeRateSatKVB-2000 {
			rate += rate % 977 // the middle of the range in uneven steps
		}
		s := money.FormatFeeRate(rate)
		got, field := money.ParseFeeRate("feerate", s)
		if field != nil || got != rate {
			t.Fatalf("%d is shown as %q, which is read as %d, %v", rate, s, got, field)
		}
	}
}

// The fee is what whole numbers of any size say, up to all bitcoin.
func TestFeeAtIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		vsize, rate := rapid.Int64().Draw(t, "vsize"), rapid.Int64().Draw(t, "rate")
		if rapid.Bool().Draw(t, "small") {
			vsize, rate = vsize%1_000_000, rate%20_000_000
		}
		want := new(big.Int)
		if vsize > 0 && rate > 0 {
			want.Mul(big.NewInt(vsize), big.NewInt(rate))
			want.Add(want, big.NewInt(999))
			want.Quo(want, big.NewInt(1000))
		}
		if most := big.NewInt(int64(money.MaxSat)); want.Cmp(most) > 0 {
			want = most
		}
		got := money.FeeAt(vsize, rate)
		if want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("FeeAt(%d, %d) = %d, want %s", vsize, rate, got, want)
		}
	})
}

// A fee at a feerate makes at least that feerate, a satoshi less makes less, and the
// two ways of rounding enclose the fee.
func TestFeeRatesEncloseTheFee(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		vsize := rapid.Int64Range(1, 1_000_000).Draw(t, "vsize")
		rate := rapid.Int64Range(1, money.MaxFeeRateSatKVB).Draw(t, "rate")
		fee := money.FeeAt(vsize, rate)
		if money.FeeRateOf(fee, vsize) < rate || money.FeeRateOf(fee-1, vsize) >= rate {
			t.Fatalf("%d sat for %d vB at %d: makes %d, a satoshi less %d", fee, vsize, rate, money.FeeRateOf(fee, vsize), money.FeeRateOf(fee-1, vsize))
		}
		paid := btcutil.Amount(rapid.Int64Range(1, int64(money.MaxSat)).Draw(t, "paid"))
		below, above := money.FeeRateOf(paid, vsize), money.FeeRateAbove(paid, vsize)
		if above < below || above > below+1 || money.FeeAt(vsize, below) > paid || money.FeeAt(vsize, above) < paid {
			t.Fatalf("%d sat for %d vB: %d to %d", paid, vsize, below, above)
		}
	})
}

func TestFeeRateOfTheSmallestAndLargest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fee          btcutil.Amount
		vsize        int64
		below, above int64
	}{
		{0, 100, 0, 0},
		{-1, 100, 0, 0},
		{100, 0, 0, 0},
		{100, -1, 0, 0},
		{1, 1000, 1, 1},
		{1, 1001, 0, 1},
		{141, 141, 1000, 1000},
		{math.MaxInt64, 1, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, 999, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, 1000, 1000},
		{1, math.MaxInt64, 0, 1},
	} {
		if below, above := money.FeeRateOf(tc.fee, tc.vsize), money.FeeRateAbove(tc.fee, tc.vsize); below != tc.below || above != tc.above {
			t.Errorf("%d sat for %d vB: %d to %d, want %d to %d", tc.fee, tc.vsize, below, above, tc.below, tc.above)
		}
	}
}

func FuzzParseFeeRate(f *testing.F) {
	for _, s := range []string{"1.234", "0.1", "1,5", "10000.001", "٠٫١", "−1", "1.2.3", strings.Repeat("9", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rate, field := money.ParseFeeRate("feerate", s)
		if field != nil {
			if rate != 0 || field.Code == "" || field.Message == "" {
				t.Fatalf("ParseFeeRate(%q) = %d, %+v", s, rate, field)
			}
			return
		}
		if rate < 1 || rate > money.MaxFeeRateSatKVB {
			t.Fatalf("ParseFeeRate(%q) = %d", s, rate)
		}
		if again, field := money.ParseFeeRate("feerate", money.FormatFeeRate(rate)); field != nil || again != rate {
			t.Fatalf("%q is %d, shown as %q and read as %d, %v", s, rate, money.FormatFeeRate(rate), again, field)
		}
	})
}

func TestFeeRateFlag(t *testing.T) {
	t.Parallel()
	var f money.FeeRateFlag
	if f.String() != "" || f.Type() != "sat/vB" {
		t.Errorf("unset: %q of type %q", f.String(), f.Type())
	}
	if err := f.Set("1.50"); err != nil || f != 1500 || f.String() != "1.5" {
		t.Errorf("%v: %d, shown as %q", err, int64(f), f.String())
	}
	for _, bad := range []string{"", "0", "1,5", "10000.001", "0.0001"} {
		if err := f.Set(bad); errs.KindOf(err) != errs.Invalid || f != 1500 {
			t.Errorf("%q: %v, %d", bad, err, int64(f))
		}
	}
}
