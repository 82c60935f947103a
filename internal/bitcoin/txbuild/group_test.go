package txbuild_test

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// at adds coins of these amounts at one place of the treasury.
func at(t testing.TB, tr *txtest.Treasury, r *txbuild.Request, chain, index uint32, amounts ...btcutil.Amount) {
	t.Helper()
	for _, amount := range amounts {
		r.Coins = append(r.Coins, tr.Coin(t, amount, chain, index, uint32(1_000+len(r.Coins))))
	}
}

func spentAt(plan *txbuild.Plan, chain, index uint32) int {
	n := 0
	for _, coin := range plan.Inputs {
		if coin.Chain == chain && coin.Index == index {
			n++
		}
	}
	return n
}

// Coins received at one address are spent all or none, whatever they are worth,
// as long as each is worth its fee and they are no more than a small payment may
// spend.
func TestCoinsOfOneAddressAreSpentTogether(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	rapid.Check(t, func(rt *rapid.T) {
		r := request(t, tr, nil, []btcutil.Amount{btcutil.Amount(rapid.Int64Range(10_000, 900_000).Draw(rt, "pay"))})
		r.FeeRate = txbuild.FeeRate(rapid.Int64Range(1_000, 100_000).Draw(rt, "rate"))
		r.MaxFeeRate, r.MaxFee = 1_000_000_000, btcutil.SatoshiPerBitcoin
		sizes := map[uint32]int{}
		for range rapid.IntRange(1, 9).Draw(rt, "coins") {
			index := uint32(rapid.IntRange(0, 5).Draw(rt, "index"))
			at(t, tr, &r, wallet.ChainDeposit, index, btcutil.Amount(rapid.Int64Range(8_000, 400_000).Draw(rt, "sat")))
			sizes[index]++
		}
		if rapid.Bool().Draw(rt, "anchor") {
			r.Must = []wire.OutPoint{r.Coins[0].OutPoint}
		}
		plan, err := txbuild.Build(r)
		if err != nil {
			return
		}
		for index, n := range sizes {
			if spent := spentAt(plan, wallet.ChainDeposit, index); spent != 0 && spent != n {
				rt.Fatalf("%d of %d coins at index %d are spent", spent, n, index)
			}
		}
	})
}

func TestChangeIsNotGrouped(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{100_000})
	at(t, tr, &r, wallet.ChainChange, 3, 500_000, 500_000, 500_000)
	r.FeeRate = txbuild.FeeRate(50_000)
	if plan := build(t, r); len(plan.Inputs) != 1 {
		t.Errorf("%d coins of one change script are spent, want 1", len(plan.Inputs))
	}
}

// What is sent to an address only to make it dear stays where it is.
func TestDustIsNotSpentWithItsGroup(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{100_000})
	at(t, tr, &r, wallet.ChainDeposit, 3, 500_000, 330, 330, 330)
	for _, must := range [][]wire.OutPoint{nil, {r.Coins[0].OutPoint}} {
		r.Must = must
		if plan := build(t, r); len(plan.Inputs) != 1 {
			t.Errorf("%d coins are spent, want 1", len(plan.Inputs))
		}
	}
}

// An anchor brings the coins of its address; a replacement and upkeep do not.
func TestRequiredCoinsBringTheirGroup(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{100_000})
	at(t, tr, &r, wallet.ChainDeposit, 3, 500_000, 400_000, 300_000)
	r.Must = []wire.OutPoint{r.Coins[1].OutPoint}
	if plan := build(t, r); len(plan.Inputs) != 3 {
		t.Errorf("%d coins are spent beside the anchor, want 2", len(plan.Inputs)-1)
	}
	r.MinFee = 1
	if plan := build(t, r); len(plan.Inputs) != 1 {
		t.Errorf("a replacement spends %d coins, want 1", len(plan.Inputs))
	}
	r.MinFee, r.Payees = 0, nil
	if plan := build(t, r); len(plan.Inputs) != 1 {
		t.Errorf("a consolidation of one coin spends %d", len(plan.Inputs))
	}
}

// An address with very many coins stays spendable: in parts of nine, which a small
// payment may spend, and coin by coin where a cap or the weight forbids even that.
func TestLargeGroups(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{100_000})
	r.FeeRate = txbuild.FeeRate(20_000)
	at(t, tr, &r, wallet.ChainDeposit, 3, many(250, 200_000)...)
	if plan := build(t, r); len(plan.Inputs) != 7 && len(plan.Inputs) != 9 {
		t.Errorf("%d coins are spent, want a whole group", len(plan.Inputs))
	}
	r.MaxFee = 10_000
	if plan := build(t, r); len(plan.Inputs) != 1 {
		t.Errorf("under a cap, %d coins are spent, want 1", len(plan.Inputs))
	}
	r.MaxFee, r.MaxInputs = 1_000_000, 4
	if plan := build(t, r); len(plan.Inputs) > 4 {
		t.Errorf("%d coins are spent, allowed are 4", len(plan.Inputs))
	}
}

func TestMaxInputs(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, many(60, 100_000), []btcutil.Amount{3_000_000})
	r.FeeRate = txbuild.FeeRate(1000)
	r.MaxInputs = 31
	if plan := build(t, r); len(plan.Inputs) > 31 {
		t.Errorf("%d inputs", len(plan.Inputs))
	}
	r.MaxInputs = 30
	if _, err := txbuild.Build(r); !errs.Is(err, "coins_too_small") {
		t.Errorf("with one input too few: %v", err)
	}
	for _, op := range r.Coins[:31] {
		r.Must = append(r.Must, op.OutPoint)
	}
	if _, err := txbuild.Build(r); !errs.Is(err, "bad_request") {
		t.Errorf("with more required than allowed: %v", err)
	}
	r = request(t, tr, many(1_010, 100_000), []btcutil.Amount{100_500_000})
	r.FeeRate = txbuild.FeeRate(1000)
	if _, err := txbuild.Build(r); !errs.Is(err, "coins_too_small") {
		t.Errorf("with more than 1,000 inputs: %v", err)
	}
}

// The cap in thousandths is of what is paid, or of what is spent without payees.
func TestMaxFeePermille(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, []btcutil.Amount{1_000_000}, []btcutil.Amount{20_000})
	fee := build(t, r).Fee
	for _, tc := range []struct {
		pay      btcutil.Amount
		permille int
		code     string
	}{
		{fee * 50, 20, ""},
		{fee*50 - 1, 20, "fee_above_cap"},
		{fee*50 - 1, 21, ""},
		{fee * 50, 1001, "bad_request"},
		{fee * 50, -1, "bad_request"},
	} {
		r.Payees[0].Amount, r.MaxFeePermille = tc.pay, tc.permille
		if _, err := txbuild.Build(r); (tc.code == "" && err != nil) || (tc.code != "" && !errs.Is(err, errs.Code(tc.code))) {
			t.Errorf("%d sat at %d per mille: %v", tc.pay, tc.permille, err)
		}
	}
	r = request(t, tr, []btcutil.Amount{100_000}, nil)
	r.Must, r.MaxFeePermille = []wire.OutPoint{r.Coins[0].OutPoint}, 11
	if _, err := txbuild.Build(r); !errs.Is(err, "fee_above_cap") {
		t.Errorf("a void above its cap: %v", err)
	}
	r.MaxFeePermille = 12
	build(t, r)
}

// How a large address is divided does not depend on the order of the coins.
func TestGroupsDoNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{2_000_000})
	for i := range 150 {
		at(t, tr, &r, wallet.ChainDeposit, 3, btcutil.Amount(30_000+100*i))
	}
	first := build(t, r)
	for i, j := 0, len(r.Coins)-1; i < j; i, j = i+1, j-1 {
		r.Coins[i], r.Coins[j] = r.Coins[j], r.Coins[i]
	}
	if second := build(t, r); second.TxID != first.TxID {
		t.Error("another order of the coins gave another transaction")
	}
}

// Where blockspace is dear, two coins are spent rather than one heavy group.
func TestFewInputsAreSpentWhenFeesAreHigh(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, nil, []btcutil.Amount{1_000_000})
	at(t, tr, &r, wallet.ChainDeposit, 3, many(6, 400_000)...)
	at(t, tr, &r, wallet.ChainDeposit, 4, 700_000)
	at(t, tr, &r, wallet.ChainDeposit, 5, 650_000)
	at(t, tr, &r, wallet.ChainDeposit, 6, 10_000)
	r.FeeRate = txbuild.FeeRate(60_000)
	if plan := build(t, r); len(plan.Inputs) != 2 {
		t.Errorf("%d inputs, want 2", len(plan.Inputs))
	}
}
