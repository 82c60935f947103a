package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

func TestBatchNumberIsTypedByHand(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]bool{
		"B-0042": true, "b-42": true, "42": true, " B 42 ": true, "۴۲": true, "B-0043": false, "": false, "B-": false, "-42": true, "4 2": false, "42x": false,
		"4294967338": false, // 2^32 + 42
	} {
		if got := numberIs(typed, 42); got != want {
			t.Errorf("numberIs(%q, 42) = %v, want %v", typed, got, want)
		}
	}
}

func FuzzLocalPathStaysHere(f *testing.F) {
	for _, seed := range []string{"/", "/review?view=open", "//evil.example", "///evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example", "", "/%2f/evil"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := localPath(path, "/fallback")
		base := &url.URL{Scheme: "https", Host: "fund.example", Path: "/x"}
		u, err := base.Parse(got)
		if err != nil || u.Host != "fund.example" || u.Scheme != "https" || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("localPath(%q) = %q leads to %v, %v", path, got, u, err)
		}
	})
}

// TestChecksSeeWhatIsWrong spoils a sound transaction in one way each.
func TestChecksSeeWhatIsWrong(t *testing.T) {
	t.Parallel()
	sound := func() (payout.Batch, []payout.Item, txbuild.Summary) {
		return payout.Batch{MaxFee: 500, MaxFeeRateSatKVB: 10_000},
			[]payout.Item{{Script: []byte{1}, Amount: 1000}, {Script: []byte{1}, Amount: 1000}, {Script: []byte{2}, Amount: 2000}},
			txbuild.Summary{
				Inputs: []txbuild.SummaryInput{{Amount: 9300}},
				Outputs: []txbuild.SummaryOutput{
					{Script: []byte{1}, Amount: 1000}, {Script: []byte{9}, Amount: 5000, IsChange: true}, {Script: []byte{2}, Amount: 2000}, {Script: []byte{1}, Amount: 1000},
				},
				Fee: 300, FeeRate: 2000, Weight: 600,
			}
	}
	for name, c := range map[string]struct {
		spoil func(b *payout.Batch, items []payout.Item, s *txbuild.Summary)
		want  []string
	}{
		"sound":            {func(*payout.Batch, []payout.Item, *txbuild.Summary) {}, nil},
		"one satoshi less": {func(_ *payout.Batch, _ []payout.Item, s *txbuild.Summary) { s.Outputs[0].Amount--; s.Fee++ }, []string{"tx_pays_all_bad", "tx_pays_nobody_else_bad"}},
		"foreign change":   {func(_ *payout.Batch, _ []payout.Item, s *txbuild.Summary) { s.Outputs[1].IsChange = false }, []string{"tx_pays_nobody_else_bad"}},
		"two changes": {func(_ *payout.Batch, items []payout.Item, s *txbuild.Summary) {
			items[2].Script = []byte{7}
			s.Outputs[2].IsChange = true
		}, []string{"tx_pays_all_bad", "tx_change_bad"}},
		"payment missing": {func(_ *payout.Batch, _ []payout.Item, s *txbuild.Summary) {
			s.Outputs = s.Outputs[:3]
			s.Inputs[0].Amount -= 1000
		}, []string{"tx_pays_all_bad"}},
		"fee too high":  {func(b *payout.Batch, _ []payout.Item, _ *txbuild.Summary) { b.MaxFee = 299 }, []string{"tx_fee_bad"}},
		"rate too high": {func(b *payout.Batch, _ []payout.Item, _ *txbuild.Summary) { b.MaxFeeRateSatKVB = 1_000 }, []string{"tx_fee_bad"}},
		"sum":           {func(_ *payout.Batch, _ []payout.Item, s *txbuild.Summary) { s.Inputs[0].Amount += btcutil.Amount(1) }, []string{"tx_sum_bad"}},
	} {
		b, items, s := sound()
		c.spoil(&b, items, &s)
		var got []string
		for _, check := range batchChecks(b, items, s) {
			if check.Level != "ok" {
				got = append(got, strings.TrimPrefix(check.Msg.Key, "check."))
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRatesAndSharesAreExact(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"6.25": perVB(6250), "0": perVB(0), "100": perVB(100_000), "0.1": perVB(100),
		"0.011\u202f%": shareOf(10_006, 91_930_000), "100.000\u202f%": shareOf(5, 5), "": shareOf(1, 0),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
