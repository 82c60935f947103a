package ledger_test

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/ledger"
)

func TestTransfersSumToZeroAndUndoLeavesNothing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	amount := rapid.Map(rapid.Int64Range(1, 1e12), func(n int64) btcutil.Amount { return btcutil.Amount(n) })
	rapid.Check(t, func(t *rapid.T) {
		balances := ledger.Balances{}
		var done []ledger.Transfer
		for range rapid.IntRange(1, 30).Draw(t, "transfers") {
			next := rapid.OneOf(
				rapid.Map(amount, func(a btcutil.Amount) ledger.Transfer {
					return ledger.Move(ledger.KindDeposit, "o", ledger.Outside, ledger.Available, a, at)
				}),
				rapid.Map(amount, func(a btcutil.Amount) ledger.Transfer {
					return ledger.Mined("t", 7, a, a/10, at)
				}),
			).Draw(t, "transfer")
			if err := next.Validate(); err != nil {
				t.Fatal(err)
			}
			balances.Apply(next)
			done = append(done, next)
		}
		for _, d := range done {
			balances.Apply(d.Undo(at))
		}
		for account, sum := range balances {
			if sum != 0 {
				t.Fatalf("%s holds %d after everything was undone", account, sum)
			}
		}
	})
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]ledger.Transfer{
		"nothing":       {},
		"one-sided":     {Postings: []ledger.Posting{{Account: ledger.Paid, Amount: 5}}},
		"zero posting":  {Postings: []ledger.Posting{{Account: ledger.Paid}, {Account: ledger.Fees}}},
		"account twice": {Postings: []ledger.Posting{{Account: ledger.Paid, Amount: 5}, {Account: ledger.Paid, Amount: -5}}},
		"off by one":    {Postings: []ledger.Posting{{Account: ledger.Paid, Amount: 5}, {Account: ledger.Fees, Amount: -4}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
