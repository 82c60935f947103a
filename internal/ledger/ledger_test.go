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

// TestEveryPaymentKeepsTheBooksEqualToTheChain leads payments through commit,
// release, block and depth, or back, in any order, and compares what must lie in
// the treasury's coins with what was put in and what left.
func TestEveryPaymentKeepsTheBooksEqualToTheChain(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		const amount, fee = 1_000, 7
		balances, coins := ledger.Balances{}, btcutil.Amount(0)
		post := func(transfer ledger.Transfer) {
			if err := transfer.Validate(); err != nil {
				t.Fatal(err)
			}
			balances.Apply(transfer)
		}
		stages := []ledger.Account{ledger.Available, ledger.Committed, ledger.InFlight, ledger.Confirming, ledger.Paid}
		stage := make([]int, rapid.IntRange(1, 5).Draw(t, "payments"))
		mined := ledger.Mined("txid", 7, amount, fee, at)
		for range stage {
			post(ledger.Move(ledger.KindDeposit, "outpoint", ledger.Outside, ledger.Available, amount+fee, at))
			coins += amount + fee
		}
		for range rapid.IntRange(0, 40).Draw(t, "moves") {
			i := rapid.IntRange(0, len(stage)-1).Draw(t, "payment")
			forward := rapid.Bool().Draw(t, "forward") && stage[i] < len(stages)-1
			if !forward && stage[i] == 0 {
				continue
			}
			from := stage[i]
			if !forward {
				from--
			}
			move := ledger.Move(ledger.KindCommit, "payment", stages[from], stages[from+1], amount, at)
			if stages[from] == ledger.InFlight {
				move = mined
			}
			if forward {
				stage[i]++
			} else {
				stage[i]--
				move = move.Undo(at)
			}
			if stages[from] == ledger.InFlight {
				coins += map[bool]btcutil.Amount{true: -amount - fee, false: amount + fee}[forward]
			}
			post(move)

			var sum btcutil.Amount
			for _, account := range ledger.Accounts() {
				sum += balances[account]
			}
			if sum != 0 || balances.OnChain() != coins || balances[ledger.Available] < 0 {
				t.Fatalf("sum %d, books %d, coins %d, balances %v", sum, balances.OnChain(), coins, balances)
			}
			held := map[ledger.Account]btcutil.Amount{}
			for _, s := range stage {
				held[stages[s]] += amount
			}
			for _, account := range stages[1:] {
				if balances[account] != held[account] {
					t.Fatalf("%s holds %d, want %d", account, balances[account], held[account])
				}
			}
		}
	})
}

func TestMinedPostsNothingThatIsZero(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, transfer := range map[string]ledger.Transfer{"no fee": ledger.Mined("t", 7, 5, 0, at), "no payment": ledger.Mined("t", 7, 0, 5, at)} {
		if err := transfer.Validate(); err != nil || len(transfer.Postings) != 2 || *transfer.Height != 7 {
			t.Errorf("%s: %+v, %v", name, transfer, err)
		}
	}
	undone := ledger.Transfer{ID: 42, Kind: ledger.KindPaid}.Undo(at)
	if undone.Undoes == nil || *undone.Undoes != 42 || undone.ID != 0 || undone.Kind != ledger.KindPaid {
		t.Errorf("undo is %+v", undone)
	}
}
