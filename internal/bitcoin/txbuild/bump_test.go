package txbuild_test

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// bumpOf turns the request of plan into that of its replacement.
func bumpOf(r txbuild.Request, plan *txbuild.Plan, rate txbuild.FeeRate) txbuild.Request {
	r.FeeRate = rate
	r.MinFee = plan.Fee + btcutil.Amount(plan.VSize)
	r.Must = nil
	for _, coin := range plan.Inputs {
		r.Must = append(r.Must, coin.OutPoint)
	}
	return r
}

func build(t testing.TB, r txbuild.Request) *txbuild.Plan {
	t.Helper()
	plan, err := txbuild.Build(r)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	checkPlan(t, r, plan)
	return plan
}

func TestBumpShrinksTheChange(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, []btcutil.Amount{1_000_000, 900_000, 20_000}, []btcutil.Amount{600_000, 100_000})
	first := build(t, r)
	second := build(t, bumpOf(r, first, txbuild.FeeRate(30_000)))
	if len(second.Inputs) != len(first.Inputs) || second.Change >= first.Change || second.Fee != txbuild.FeeRate(30_000).Fee(second.Weight) {
		t.Errorf("%d inputs, change %d, fee %d; before %d, %d, %d",
			len(second.Inputs), second.Change, second.Fee, len(first.Inputs), first.Change, first.Fee)
	}
}

// A rate hardly higher still pays what replacement demands.
func TestMinFeeHoldsWhereTheRateAsksLess(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindWPKH)
	r := request(t, tr, []btcutil.Amount{1_000_000}, []btcutil.Amount{600_000, 100_000})
	first := build(t, r)
	bump := bumpOf(r, first, r.FeeRate+1)
	second := build(t, bump)
	if second.Fee != bump.MinFee || second.FeeRate <= first.FeeRate {
		t.Errorf("fee %d (%d sat/kvB), want %d", second.Fee, second.FeeRate, bump.MinFee)
	}
	bump.MaxFee = bump.MinFee - 1
	if _, err := txbuild.Build(bump); !errs.Is(err, "fee_above_cap") {
		t.Errorf("under a cap of %d sat: %v", bump.MaxFee, err)
	}
}

// Change that a bump would eat up is either dropped or topped up with one coin,
// whichever is cheaper.
func TestBumpTopsUpOnlyWhereThatIsCheaper(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, []btcutil.Amount{915_000, 400_000}, []btcutil.Amount{900_000})
	r.Must = []wire.OutPoint{r.Coins[0].OutPoint}
	r.Coins, r.ChangeTarget = r.Coins[:1], 1
	first := build(t, r)
	if first.Change == 0 {
		t.Fatal("the case is not the one meant: no change")
	}
	all := request(t, tr, []btcutil.Amount{915_000, 400_000}, []btcutil.Amount{900_000})
	for _, tc := range []struct {
		left   btcutil.Amount // of the change, after the bump
		inputs int
	}{{300, 1}, {-8_000, 2}} {
		bump := bumpOf(r, first, txbuild.FeeRateOf(first.Fee+first.Change-tc.left, first.Weight))
		bump.Coins = all.Coins
		if plan := build(t, bump); len(plan.Inputs) != tc.inputs {
			t.Errorf("with %d sat left: %d inputs, change %d, fee %d", tc.left, len(plan.Inputs), plan.Change, plan.Fee)
		}
	}
}

// Whatever the first attempt was, its bump keeps every input and every payee in
// order, pays at least what was asked, and adds coins only for want of money.
func TestBumpProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		_, r := drawRequest(t, rt)
		first, err := txbuild.Build(r)
		if err != nil {
			return
		}
		bump := bumpOf(r, first, r.FeeRate+txbuild.FeeRate(rapid.Int64Range(1, 20_000).Draw(rt, "more")))
		bump.MaxFeeRate = 1_000_000_000
		second, err := txbuild.Build(bump)
		if err != nil {
			if !errs.Is(err, "insufficient_funds") {
				rt.Fatalf("bump: %v", err)
			}
			return
		}
		checkPlan(t, bump, second)
		if second.Fee < bump.MinFee {
			rt.Fatalf("fee %d, want at least %d", second.Fee, bump.MinFee)
		}
		order := func(p *txbuild.Plan) (ids []string) {
			for _, o := range p.Outputs {
				if o.Decision != "" {
					ids = append(ids, o.Decision)
				}
			}
			return ids
		}
		for i, id := range order(first) {
			if order(second)[i] != id {
				rt.Fatalf("order %v became %v", order(first), order(second))
			}
		}
		inputs := btcutil.Amount(0)
		for _, coin := range first.Inputs {
			inputs += coin.Amount
		}
		if len(second.Inputs) > len(first.Inputs) && first.Change > 0 &&
			first.Fee+first.Change-max(bump.MinFee, bump.FeeRate.Fee(first.Weight)) >= 1_000 {
			rt.Fatalf("%d inputs became %d although %d sat of change were there", len(first.Inputs), len(second.Inputs), first.Change)
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func TestRequireChange(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	r := request(t, tr, []btcutil.Amount{500_000, 300_000}, []btcutil.Amount{100_000})
	r.Payees[0].Amount = 500_000 - 2_000
	if without := build(t, r); without.Change != 0 {
		t.Fatalf("the case is not the one meant: change %d", without.Change)
	}
	r.RequireChange = true
	if plan := build(t, r); plan.Change == 0 {
		t.Error("no change, although it was required")
	}
	r.Coins = r.Coins[:1]
	if _, err := txbuild.Build(r); !errs.Is(err, "insufficient_funds") {
		t.Errorf("without a coin for it: %v", err)
	}
}

// Without payees: a consolidation, a split and a child spend what they are told
// to, although more or larger coins lie about.
func TestUpkeep(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	base := request(t, tr, []btcutil.Amount{9_000_000, 40_000, 30_000, 20_001, 10_000}, nil)
	base.FeeRate = txbuild.FeeRate(2000)
	for _, tc := range []struct {
		name    string
		must    []int
		outputs int
		minFee  btcutil.Amount
	}{
		{"consolidate", []int{1, 2, 3, 4}, 0, 0},
		{"split", []int{0}, 7, 0},
		{"split several", []int{0, 3}, 20, 0},
		{"child", []int{3}, 1, 9_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := base
			r.ChangeOutputs, r.MinFee = tc.outputs, tc.minFee
			for _, i := range tc.must {
				r.Must = append(r.Must, r.Coins[i].OutPoint)
			}
			plan := build(t, r)
			k := max(1, tc.outputs)
			over := plan.Fee - max(tc.minFee, r.FeeRate.Fee(plan.Weight))
			if len(plan.Inputs) != len(tc.must) || len(plan.Outputs) != k || over < 0 || over >= btcutil.Amount(k) {
				t.Errorf("%d inputs, %d outputs, fee %d", len(plan.Inputs), len(plan.Outputs), plan.Fee)
			}
			for i, o := range plan.Outputs {
				if o.Amount != plan.Change/btcutil.Amount(k) {
					t.Errorf("output %d of %d has %d sat of %d", i, k, o.Amount, plan.Change)
				}
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	for _, tc := range []struct {
		outputs  int
		payments []btcutil.Amount
		amount   btcutil.Amount
		code     string
	}{
		{2, []btcutil.Amount{10_000}, 1_000_000, "bad_request"},
		{21, nil, 1_000_000, "bad_request"},
		{-1, nil, 1_000_000, "bad_request"},
		{20, nil, 15_000, "insufficient_funds"},
	} {
		r := request(t, tr, []btcutil.Amount{tc.amount}, tc.payments)
		r.Must, r.ChangeOutputs = []wire.OutPoint{r.Coins[0].OutPoint}, tc.outputs
		if _, err := txbuild.Build(r); !errs.Is(err, errs.Code(tc.code)) {
			t.Errorf("%d outputs of %d sat beside %d payments: %v", tc.outputs, tc.amount, len(tc.payments), err)
		}
	}
}

// A replacement pays what it replaces and, for its own relay, what the node asks: btcd
// and Bitcoin Core reckon that with the virtual size.
func TestAReplacementPaysTheNodesRelayFee(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		for _, relay := range []txbuild.FeeRate{1, 100, 1_000, 1_999, 3_000} {
			tr := newTreasury(t, kind)
			r := request(t, tr, []btcutil.Amount{1_000_000}, []btcutil.Amount{600_000, 100_000})
			r.FeeRate, r.RelayFeeRate = relay, relay
			first := build(t, r)
			if least := btcutil.Amount(first.VSize * int64(relay) / 1000); first.Fee < least {
				t.Errorf("%s: %d sat for %d vB; a node that relays from %d sat/kvB on asks for %d", kind, first.Fee, first.VSize, relay, least)
			}
			r.Must, r.Replaces, r.FeeRate = []wire.OutPoint{r.Coins[0].OutPoint}, first.Fee, first.FeeRate+1
			second := build(t, r)
			if want := first.Fee + relay.Fee(second.Weight); second.Fee != want {
				t.Errorf("%s at %d sat/kvB: the replacement pays %d sat, want %d", kind, relay, second.Fee, want)
			}
		}
	}
}

// The room for a void is what the node asks for its relay, to the satoshi.
func TestRoomForAVoidIsTheNodesRelayFee(t *testing.T) {
	t.Parallel()
	tr := newTreasury(t, wallet.KindTR)
	for _, relay := range []txbuild.FeeRate{100, 1_000, 2_500} {
		r := request(t, tr, []btcutil.Amount{1_000_000}, []btcutil.Amount{600_000, 100_000})
		plan := build(t, r)
		weight, err := txbuild.VoidWeight(tr.Descriptor, r.ChangeIndex, len(plan.Inputs))
		if err != nil {
			t.Fatal(err)
		}
		r.RoomForVoid, r.RelayFeeRate, r.MaxFee = true, relay, plan.Fee+relay.Fee(weight)
		build(t, r)
		r.MaxFee--
		if _, err := txbuild.Build(r); !errs.Is(err, "fee_above_cap") {
			t.Errorf("at %d sat/kvB with a satoshi too little: %v", relay, err)
		}
		want := txbuild.Want{
			Descriptor: r.Descriptor, Payees: r.Payees, ChangeIndex: r.ChangeIndex, MaxFeeRate: r.MaxFeeRate,
			MaxFee: r.MaxFee + 1, RoomForVoid: true, RelayFeeRate: relay,
		}
		if err := txbuild.Verify(plan.PSBT, want); err != nil {
			t.Errorf("at %d sat/kvB: %v", relay, err)
		}
		want.MaxFee--
		if err := txbuild.Verify(plan.PSBT, want); !errs.Is(err, "plan_mismatch") {
			t.Errorf("at %d sat/kvB with a satoshi too little: %v", relay, err)
		}
		if want.RelayFeeRate = 0; !errs.Is(txbuild.Verify(plan.PSBT, want), "plan_mismatch") {
			t.Error("room for a void is checked without a relay feerate")
		}
	}
	r := request(t, tr, []btcutil.Amount{1_000_000}, []btcutil.Amount{600_000})
	for name, change := range map[string]func(){
		"room": func() { r.RoomForVoid, r.Replaces = true, 0 }, "a replacement": func() { r.RoomForVoid, r.Replaces = false, 1 },
	} {
		if change(); !errs.Is(buildError(r), "bad_request") {
			t.Errorf("%s without a relay feerate: %v", name, buildError(r))
		}
	}
}

func buildError(r txbuild.Request) error {
	_, err := txbuild.Build(r)
	return err
}
