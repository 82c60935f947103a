package txbuild_test

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// fewest finds how many inputs it takes at the least, by allowing one more each
// time; 0 where nothing pays.
func fewest(r txbuild.Request) int {
	r.ExtraInputs, r.LeaveCoins = -1, 0
	for n := 1; n <= len(r.Coins); n++ {
		r.MaxInputs = n
		if _, err := txbuild.Build(r); err == nil {
			return n
		}
	}
	return 0
}

// left counts the coins of r that plan does not spend and that are worth at least
// worth.
func left(r txbuild.Request, plan *txbuild.Plan, worth btcutil.Amount) int {
	n := 0
	for _, coin := range r.Coins {
		spent := slices.ContainsFunc(plan.Inputs, func(c txbuild.Coin) bool { return c.OutPoint == coin.OutPoint })
		if coin.Amount >= worth && !spent {
			n++
		}
	}
	return n
}

// Over random treasuries, with dust and large coins at shared addresses, at any
// feerate: a batch spends at most eight inputs beyond the fewest that pay, leaves
// two coins to others where two can be spared, and keeps room to be bumped to its
// cap where the fewest inputs would.
func TestASmallBatchSpendsFewCoins(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	spared, roomy, wide := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var pays []btcutil.Amount
		for range rapid.IntRange(1, 8).Draw(rt, "payees") {
			pays = append(pays, btcutil.Amount(rapid.Int64Range(10_000, 300_000).Draw(rt, "pay")))
		}
		r := request(t, tr, nil, pays)
		for range rapid.IntRange(1, 40).Draw(rt, "coins") {
			sat := rapid.SampledFrom([]int64{400, 3_000, 60_000, 900_000, 50_000_000}).Draw(rt, "about")
			at(t, tr, &r, wallet.ChainDeposit, uint32(rapid.IntRange(0, 6).Draw(rt, "index")), btcutil.Amount(sat+rapid.Int64Range(0, sat).Draw(rt, "more")))
		}
		r.FeeRate = txbuild.FeeRate(rapid.Int64Range(1_000, 30_000).Draw(rt, "rate"))
		r.LongTermFeeRate = txbuild.FeeRate(rapid.Int64Range(1_000, 30_000).Draw(rt, "long run"))
		r.MaxFeeRate = txbuild.FeeRate(50_000)
		r.MaxFee = btcutil.Amount(rapid.Int64Range(10_000, 200_000).Draw(rt, "max fee"))
		r.LeaveCoins, r.LeaveWorth = 2, 50_000
		plan, err := txbuild.Build(r)
		if few := fewest(r); err != nil {
			if few > 0 {
				rt.Fatalf("%d inputs would pay: %v", few, err)
			}
			return
		} else if len(plan.Inputs) > few+8 {
			rt.Fatalf("%d inputs, %d would pay", len(plan.Inputs), few)
		} else if len(plan.Inputs) > few {
			wide++
		}

		without := r
		without.Coins, without.LeaveCoins = slices.Clone(r.Coins), 0
		slices.SortFunc(without.Coins, func(a, b txbuild.Coin) int { return int(a.Amount - b.Amount) })
		first := slices.IndexFunc(without.Coins, func(c txbuild.Coin) bool { return c.Amount >= r.LeaveWorth })
		narrow := r
		narrow.ExtraInputs, narrow.LeaveCoins = -1, 0
		tight, _ := txbuild.Build(narrow)
		const changeWeight = 4 * 43
		room := func(p *txbuild.Plan) bool {
			weight := p.Weight
			if p.Change == 0 {
				weight += changeWeight
			}
			return r.MaxFeeRate.Fee(weight) <= r.MaxFee
		}
		if tight != nil && room(tight) {
			roomy++
			if !room(plan) {
				rt.Fatalf("%d inputs cannot be bumped to the cap, %d can", len(plan.Inputs), len(tight.Inputs))
			}
		}
		if first < 0 || first+2 > len(without.Coins) {
			return
		}
		without.Coins = slices.Delete(without.Coins, first, first+2)
		without.MaxInputs = fewest(r)
		if p, err := txbuild.Build(without); err == nil && room(p) == room(plan) {
			spared++
			if n := left(r, plan, r.LeaveWorth); n < 2 {
				rt.Fatalf("%d coins are left for others", n)
			}
		}
	})
	if spared < 5 || roomy < 5 || wide < 5 {
		t.Errorf("%d spare, %d have room, %d join coins: the draw is too poor", spared, roomy, wide)
	}
}

// An address that was sent 1,500 coins of 400 sat does not make a payment heavy,
// even where its other coins do not suffice.
func TestDustAtOneAddressStaysThere(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindWPKH)
	r := request(t, tr, nil, []btcutil.Amount{1_000_000, 1_000_000})
	r.FeeRate, r.MaxFeeRate, r.MaxFee = txbuild.FeeRate(3000), txbuild.FeeRate(50_000), 200_000
	at(t, tr, &r, wallet.ChainDeposit, 0, many(1_500, 400)...)
	at(t, tr, &r, wallet.ChainDeposit, 0, 1_900_000)
	at(t, tr, &r, wallet.ChainDeposit, 1, 1_500_000)
	at(t, tr, &r, wallet.ChainDeposit, 2, 10_000_000)
	for _, longRun := range []int64{1, 10, 50} {
		r.LongTermFeeRate = txbuild.FeeRate(longRun * 1000)
		plan := build(t, r)
		for _, coin := range plan.Inputs {
			if coin.Amount == 400 && longRun > 5 {
				t.Errorf("dust is spent at %d sat/vB in the long run", longRun)
			}
		}
		if len(plan.Inputs) > 9 {
			t.Errorf("%d inputs for two payees", len(plan.Inputs))
		}
		bumped := r
		for _, coin := range plan.Inputs {
			bumped.Must = append(bumped.Must, coin.OutPoint)
		}
		for _, rate := range []int64{5, 10, 20, 50} {
			bumped.FeeRate, bumped.MinFee = txbuild.FeeRate(rate*1000), plan.Fee+1_000
			if up := build(t, bumped); len(up.Inputs) != len(plan.Inputs) {
				t.Errorf("at %d sat/vB, %d inputs became %d", rate, len(plan.Inputs), len(up.Inputs))
			}
		}
	}
	r.Coins = r.Coins[:1_500]
	r.Payees = r.Payees[:1]
	r.Payees[0].Amount = 50_000
	r.FeeRate = txbuild.FeeRate(1000)
	if plan := build(t, r); len(plan.Inputs) > fewest(r)+8 {
		t.Errorf("%d inputs, %d would pay", len(plan.Inputs), fewest(r))
	}
	r.FeeRate = txbuild.FeeRate(6000)
	if _, err := txbuild.Build(r); !errs.Is(err, "insufficient_funds") {
		t.Errorf("coins that cost more than they hold: %v", err)
	}
}

// Thirty coins of 50 BTC, eight payees: one coin, and twenty-nine for others; the
// last two coins of a treasury are touched only by who needs them.
func TestABatchLeavesCoinsToOthers(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, many(30, 50*btcutil.SatoshiPerBitcoin), many(8, 1_000_000))
	r.FeeRate, r.MaxFeeRate = txbuild.FeeRate(1000), txbuild.FeeRate(60_000)
	r.LeaveCoins, r.ExtraInputs = 111, -1
	if plan := build(t, r); len(plan.Inputs) != 1 {
		t.Errorf("%d inputs while others wait", len(plan.Inputs))
	}
	r.LeaveCoins, r.ExtraInputs = 2, 0
	for n := 1; n <= 12; n++ {
		r.Coins = r.Coins[:0:0]
		at(t, tr, &r, wallet.ChainDeposit, 0, many(n, 50*btcutil.SatoshiPerBitcoin)...)
		plan := build(t, r)
		if stay := n - len(plan.Inputs); stay < min(2, n-1) {
			t.Errorf("of %d coins of one address, %d stay", n, stay)
		}
	}
	for _, bad := range []txbuild.Request{{Room: -1}, {LeaveCoins: -1}, {LeaveWorth: -1}} {
		req := r
		req.Room, req.LeaveCoins, req.LeaveWorth = bad.Room, bad.LeaveCoins, bad.LeaveWorth
		if _, err := txbuild.Build(req); !errs.Is(err, "bad_request") {
			t.Errorf("%d, %d, %d: %v", bad.Room, bad.LeaveCoins, bad.LeaveWorth, err)
		}
	}
	r.Must = []wire.OutPoint{r.Coins[0].OutPoint}
	build(t, r)
}
