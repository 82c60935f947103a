package decision_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestDue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		first  time.Time
		every  string
		period int
		want   time.Time
	}{
		{day(2026, 12, 1), decision.Once, 1, day(2026, 12, 1)},
		{day(2026, 12, 1), decision.EveryMonth, 1, day(2026, 12, 1)},
		{day(2026, 12, 1), decision.EveryMonth, 2, day(2027, 1, 1)},
		{day(2026, 12, 1), decision.EveryMonth, 36, day(2029, 11, 1)},
		{day(2027, 1, 31), decision.EveryMonth, 2, day(2027, 2, 28)},
		{day(2027, 1, 31), decision.EveryMonth, 3, day(2027, 3, 31)}, // back on the day that was approved
		{day(2027, 1, 31), decision.EveryMonth, 4, day(2027, 4, 30)},
		{day(2027, 1, 29), decision.EveryMonth, 2, day(2027, 2, 28)},
		{day(2028, 1, 31), decision.EveryMonth, 2, day(2028, 2, 29)},
		{day(2028, 2, 29), decision.EveryMonth, 13, day(2029, 2, 28)},
		{day(2100, 1, 30), decision.EveryMonth, 2, day(2100, 2, 28)}, // no leap year
		{day(2026, 12, 31), decision.EveryMonth, 3, day(2027, 2, 28)},
		{day(2026, 12, 28), decision.EveryWeek, 2, day(2027, 1, 4)},
		{day(2028, 2, 26), decision.EveryWeek, 2, day(2028, 3, 4)},
		{day(2026, 1, 1), decision.EveryWeek, 36, day(2026, 9, 3)},
	} {
		n := example()
		n.FirstDue, n.Every, n.Periods, n.PayWithinDays = tc.first, tc.every, decision.MaxPeriods, 60
		if got := n.Due(tc.period); !got.Equal(tc.want) || got.Location() != time.UTC {
			t.Errorf("%s every %s, period %d: got %s, want %s", tc.first.Format(time.DateOnly), tc.every, tc.period, got, tc.want)
		}
		if got := n.Until(tc.period); !got.Equal(tc.want.AddDate(0, 0, 60)) {
			t.Errorf("until %s", got)
		}
	}
}

// Months are counted here in another way: day by day.
func TestEachMonthHasItsDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := stipend()
		n.FirstDue = day(2020, 1, 1).AddDate(0, 0, rapid.IntRange(0, 20_000).Draw(t, "days"))
		n.Periods = decision.MaxPeriods
		at, period := n.FirstDue, 1
		for at.Before(n.FirstDue.AddDate(3, 0, -1)) && period < n.Periods {
			next := at.AddDate(0, 0, 1)
			for next.Month() == at.Month() {
				next = next.AddDate(0, 0, 1)
			}
			last := next // the last day of the next month, or the day that was approved
			for last.AddDate(0, 0, 1).Month() == next.Month() && last.Day() < n.FirstDue.Day() {
				last = last.AddDate(0, 0, 1)
			}
			at, period = last, period+1
			if got := n.Due(period); !got.Equal(at) {
				t.Fatalf("period %d after %s: got %s, want %s", period, n.FirstDue, got, at)
			}
		}
	})
}

func TestSat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		currency          string
		amount, rate      int64
		least, most, want btcutil.Amount
		code              errs.Code
	}{
		"satoshi need no rate":        {"sat", 500_000, 0, 500_000, 500_000, 500_000, ""},
		"and read none":               {"sat", 500_000, 7, 500_000, 500_000, 500_000, ""},
		"exact":                       {"EUR", 50_000, 5_000_000, 1, 2_000_000, 1_000_000, ""},
		"rounded up":                  {"EUR", 50_000, 6_000_000, 1, 2_000_000, 833_334, ""},
		"a satoshi and a bit":         {"EUR", 1, 99_999_999, 1, 2, 2, ""},
		"less than a satoshi":         {"EUR", 1, math.MaxInt64, 1, 2, 1, ""},
		"922 million rial":            {"IRR", 922_000_000_00, 10_000_000_000_00, 1, 100_000_000_000, 9_220_000, ""},
		"where 64 bits are too few":   {"IRR", 184_467_440_738, 100_000_000, 1, 21e14, 184_467_440_738, ""},
		"the largest amount":          {"IRR", math.MaxInt64, math.MaxInt64, 1, 21e14, 100_000_000, ""},
		"at the least":                {"EUR", 50_000, 5_000_000, 1_000_000, 2_000_000, 1_000_000, ""},
		"at the most":                 {"EUR", 50_000, 5_000_000, 1, 1_000_000, 1_000_000, ""},
		"below the least":             {"EUR", 50_000, 5_000_000, 1_000_001, 2_000_000, 0, "amount_outside"},
		"above the most":              {"EUR", 50_000, 5_000_000, 1, 999_999, 0, "amount_outside"},
		"more than can exist":         {"IRR", math.MaxInt64, 1, 1, 21e14, 0, "amount_outside"},
		"more than 64 bits hold":      {"IRR", math.MaxInt64, 2, 1, 21e14, 0, "amount_outside"},
		"a rate of nothing":           {"EUR", 50_000, 0, 1, 2_000_000, 0, "bad_rate"},
		"a rate below nothing":        {"EUR", 50_000, -5_000_000, 1, 2_000_000, 0, "bad_rate"},
		"the lowest rate is no crash": {"EUR", 50_000, math.MinInt64, 1, 2_000_000, 0, "bad_rate"},
	} {
		n := stipend()
		n.Currency, n.Amount, n.SatLeast, n.SatMost = tc.currency, tc.amount, tc.least, tc.most
		got, err := n.Sat(1, tc.rate)
		if got != tc.want || (tc.code == "") != (err == nil) || tc.code != "" && !errs.Is(err, tc.code) {
			t.Errorf("%s: got %d, %v; want %d, %q", name, int64(got), err, int64(tc.want), tc.code)
		}
	}
	n := stipend()
	for _, period := range []int{math.MinInt, -1, 0, 4, math.MaxInt} {
		if _, err := n.Sat(period, 5_000_000); !errs.Is(err, "no_such_period") || n.Has(period) {
			t.Errorf("period %d: got %v, want no_such_period", period, err)
		}
	}
}

// Held against arithmetic without any limit.
func TestSatIsCeil(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := stipend()
		n.Amount = rapid.Int64Range(1, math.MaxInt64).Draw(t, "amount")
		n.SatLeast = btcutil.Amount(rapid.Int64Range(1, btcutil.MaxSatoshi).Draw(t, "least"))
		n.SatMost = btcutil.Amount(rapid.Int64Range(int64(n.SatLeast), btcutil.MaxSatoshi).Draw(t, "most"))
		rate := rapid.Int64Range(1, math.MaxInt64).Draw(t, "rate")
		if rapid.Bool().Draw(t, "near") { // a rate that gives about as much as is allowed
			rate = max(1, new(big.Int).Div(
				new(big.Int).Mul(big.NewInt(n.Amount), big.NewInt(1e8)), big.NewInt(int64(n.SatMost))).Int64())
		}
		want := new(big.Int).Mul(big.NewInt(n.Amount), big.NewInt(1e8))
		want.Add(want, big.NewInt(rate-1)).Div(want, big.NewInt(rate))
		inside := want.Cmp(big.NewInt(int64(n.SatLeast))) >= 0 && want.Cmp(big.NewInt(int64(n.SatMost))) <= 0
		got, err := n.Sat(1, rate)
		if inside != (err == nil) || inside && want.Int64() != int64(got) {
			t.Fatalf("%d at %d: got %d, %v; want %s in %d to %d", n.Amount, rate, int64(got), err, want, int64(n.SatLeast), int64(n.SatMost))
		}
	})
}

func TestMost(t *testing.T) {
	t.Parallel()
	n := stipend()
	if n.Most() != 2_700_000 {
		t.Errorf("got %d", int64(n.Most()))
	}
	n.SatMost, n.Periods = btcutil.MaxSatoshi, decision.MaxPeriods
	if want := btcutil.Amount(decision.MaxPeriods * btcutil.MaxSatoshi); n.Most() != want {
		t.Errorf("got %d, want %d", int64(n.Most()), int64(want))
	}
	n.SatMost, n.Periods = math.MaxInt64, 2
	if n.Most() != math.MaxInt64 {
		t.Errorf("an overflow gives %d", int64(n.Most()))
	}
	n = stipend()
	n.SatMost = btcutil.MaxSatoshi/3 + 1
	if _, err := decision.Parse(n.Encode()); !errs.Is(err, "bad_note") {
		t.Errorf("more than can exist over all periods: got %v", err)
	}
}

func TestPayees(t *testing.T) {
	t.Parallel()
	n := fullNote()
	n.Payees[1].Address = "second"
	if n.Payee(2).Address != "second" || n.Payee(3).Address != exampleAddress {
		t.Error("each period has its own line")
	}
	if one := stipend(); one.Payee(3).Address != exampleAddress {
		t.Error("one line is for all")
	}
}
