package money_test

import (
	"strconv"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

func TestParseSat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want btcutil.Amount
		code string
	}{
		{"1500000", 1_500_000, ""},
		{" 1 500 000 ", 1_500_000, ""},
		{"1\u202f500\u202f000", 1_500_000, ""},
		{"۱۵۰۰", 1500, ""},
		{"١٬٥٠٠", 1500, ""},
		{"2100000000000000", money.MaxSat, ""},
		{"", 0, "required"},
		{"0", 0, "not_positive"},
		{"-5", 0, "not_positive"},
		{"1.5", 0, "fractional_sat"},
		{"1,500", 0, "fractional_sat"},
		{"1e6", 0, "not_a_number"},
		{"0x10", 0, "not_a_number"},
		{"5-", 0, "not_a_number"},
		{"-", 0, "not_a_number"},
		{"2100000000000001", 0, "too_large"},
		{"99999999999999999999", 0, "too_large"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			t.Parallel()
			got, field := money.ParseSat("amount_sat", tc.in)
			code := ""
			if field != nil {
				code = string(field.Code)
			}
			if got != tc.want || code != tc.code {
				t.Errorf("ParseSat(%q) = %d, %q; want %d, %q", tc.in, got, code, tc.want, tc.code)
			}
		})
	}
}

func TestGroupedAmountParsesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := btcutil.Amount(rapid.Int64Range(1, int64(money.MaxSat)).Draw(t, "sat"))
		for _, text := range []string{money.Group(want, "\u202f"), strconv.FormatInt(int64(want), 10)} {
			got, field := money.ParseSat("a", text)
			if field != nil || got != want {
				t.Fatalf("%q parsed to %d (%v), want %d", text, got, field, want)
			}
		}
	})
}

func TestFormatBTC(t *testing.T) {
	t.Parallel()
	for in, want := range map[btcutil.Amount]string{0: "0.00000000", 1: "0.00000001", -150_000_000: "-1.50000000", money.MaxSat: "21000000.00000000"} {
		if got := money.FormatBTC(in); got != want {
			t.Errorf("FormatBTC(%d) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParseSat(f *testing.F) {
	for _, s := range []string{"1", "-1", "1.5", "۱۲۳", "٬", "1_000", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		amt, field := money.ParseSat("x", s)
		if (field == nil) != (amt > 0) || amt > money.MaxSat {
			t.Errorf("ParseSat(%q) = %d, %v", s, amt, field)
		}
	})
}
