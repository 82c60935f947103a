package payout_test

import (
	"context"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// TestConsolidateAndSplit joins all coins, and splits the one that there is into
// equal parts; both pay nobody and need an approval as any batch.
func TestConsolidateAndSplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, owed, owed, owed, coin)
	joined := r.upkeep(payout.UpkeepOrder{Kind: payout.Consolidate})
	r.step()
	rec := r.wantState(joined.ID, payout.Broadcast)
	if a := rec.Attempts[0]; len(a.Inputs) != 4 || len(a.Outputs) != 1 || a.Outputs[0].Amount != coin+3*owed-a.Fee {
		t.Errorf("consolidated %d coins into %+v", len(a.Inputs), a.Outputs)
	}
	r.askBump(joined.ID, 20_000)
	r.step()
	if rec = r.wantState(joined.ID, payout.Broadcast); len(rec.Attempts) != 2 {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.mine(1)
	r.wantState(joined.ID, payout.Mined)

	parts := r.upkeep(payout.UpkeepOrder{Kind: payout.Split, Outputs: 5})
	r.step()
	a := r.wantState(parts.ID, payout.Broadcast).Attempts[0]
	if len(a.Inputs) != 1 || len(a.Outputs) != 5 {
		t.Fatalf("split %d coins into %d", len(a.Inputs), len(a.Outputs))
	}
	for _, o := range a.Outputs {
		if diff := o.Amount - a.Outputs[0].Amount; diff < -1 || diff > 1 || o.ChangeIndex == nil || *o.ChangeIndex != parts.Number {
			t.Errorf("part of %d sat at change index %v, the first has %d", o.Amount, o.ChangeIndex, a.Outputs[0].Amount)
		}
	}
	r.mine(1)
	if n := len(r.treasury().Coins); n != 5 {
		t.Errorf("%d coins, want 5", n)
	}
	r.mine(finalDepth)
	r.wantState(joined.ID, payout.Final)
	r.wantState(parts.ID, payout.Final)
}

// TestUpkeepRefusals orders what cannot be had.
func TestUpkeepRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.compose(r.owe(1, owed))
	mine := r.treasury().Coins[0].OutPoint
	for what, tc := range map[string]struct {
		order payout.UpkeepOrder
		want  string
	}{
		"one coin is nothing to consolidate":  {payout.UpkeepOrder{Kind: payout.Consolidate}, "invalid_fields"},
		"split into one":                      {payout.UpkeepOrder{Kind: payout.Split, Outputs: 1}, "invalid_fields"},
		"split into 21":                       {payout.UpkeepOrder{Kind: payout.Split, Outputs: 21}, "invalid_fields"},
		"a coin that is not there":            {payout.UpkeepOrder{Kind: payout.Split, Outputs: 2, Coins: []wire.OutPoint{{Index: 7}}}, "coin_gone"},
		"a coin named twice":                  {payout.UpkeepOrder{Kind: payout.Consolidate, Coins: []wire.OutPoint{mine, mine}}, "invalid_fields"},
		"a payout":                            {payout.UpkeepOrder{Kind: payout.Payout}, "invalid_fields"},
		"above the fund's limit":              {payout.UpkeepOrder{Kind: payout.Split, Outputs: 2, FeeRateSatKVB: 51_000, MaxFeeRateSatKVB: 51_000}, "invalid_fields"},
		"a child of a batch that is not told": {payout.UpkeepOrder{Kind: payout.Child, Parent: b.ID}, "wrong_state"},
	} {
		if tc.order.FeeRateSatKVB == 0 {
			tc.order.FeeRateSatKVB = 2_000
		}
		if _, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, tc.order); codeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", what, err, tc.want)
		}
	}
}

// TestCoinsArePeoplesToChoose locks the largest coin, which then stays out of every
// batch, and pays from a coin that a treasurer chose.
func TestCoinsArePeoplesToChoose(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2*coin, coin, coin, coin, coin, coin)
	coins := r.treasury().Coins
	locked, chosen := coins[0].OutPoint, []wire.OutPoint{coins[5].OutPoint, coins[2].OutPoint, coins[4].OutPoint}
	if _, err := r.service.LockCoin(t.Context(), r.treasurer, locked, " "); codeOf(err) != "invalid_fields" {
		t.Errorf("a lock without a reason: %v", err)
	}
	if _, err := r.service.LockCoin(t.Context(), r.treasurer, locked, "kept for the audit"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.LockCoin(t.Context(), r.second, locked, "again"); codeOf(err) != "coin_locked" {
		t.Errorf("locked twice: %v, want coin_locked", err)
	}

	var batches []payout.Batch
	for _, op := range chosen {
		o := order(r.owe(1, owed))
		o.Coins = []wire.OutPoint{op}
		b, err := r.service.Compose(t.Context(), r.treasurer, o)
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, r.approve(b))
	}
	big := r.approve(r.compose(r.owe(1, 2*coin+owed))) // needs the locked coin
	r.step()
	for i, b := range batches {
		if in := r.wantState(b.ID, payout.Broadcast).Attempts[0].Inputs; len(in) != 1 || in[0].OutPoint != chosen[i] {
			t.Errorf("spends %v, want the coin that was chosen", in)
		}
	}
	if waits := r.wantState(big.ID, payout.Approved); waits.Batch.LastError == "" {
		t.Error("nothing says that coins are missing")
	}
	if _, err := r.service.LockCoin(t.Context(), r.treasurer, chosen[0], "too late"); codeOf(err) != "coin_taken" {
		t.Errorf("a coin of a batch: %v, want coin_taken", err)
	}
	if _, err := r.service.UnlockCoin(t.Context(), r.second, locked); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.wantState(big.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(batches[2].ID, payout.Mined)
	r.wantState(big.ID, payout.Mined)
}

// TestAnOrderStartsAtTheEstimate leaves the feerate to the engine: it takes what a
// patient payment costs, and asks when nothing can be believed.
func TestAnOrderStartsAtTheEstimate(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	o := treasurer.Order{InstalmentIDs: r.owe(1, owed)}
	estimate := fee.Estimate{At: r.clock.Now(), RelaySatKVB: 1000, Targets: []fee.Target{{Blocks: 6, RateSatKVB: 30_000}, {Blocks: 36, RateSatKVB: 7_500}, {Blocks: 144, RateSatKVB: 1_000}}}
	for _, trusted := range []bool{false, true} {
		if _, err := r.service.DryRun(t.Context(), r.treasurer, o); codeOf(err) != "invalid_fields" {
			t.Errorf("without an estimate to trust: %v, want invalid_fields", err)
		}
		estimate.Trusted = trusted
		if err := r.store.SetEstimate(t.Context(), r.epoch, estimate); err != nil {
			t.Fatal(err)
		}
	}
	p, err := r.service.DryRun(t.Context(), r.treasurer, o)
	if err != nil || p.Order.FeeRateSatKVB != 7_500 || len(p.AtTargets) != 3 {
		t.Fatalf("starts at %d sat/kvB with %d targets, %v; want 7500 and 3", p.Order.FeeRateSatKVB, len(p.AtTargets), err)
	}
	if p.AtTargets[0].Fee <= p.AtTargets[1].Fee || p.AtTargets[1].Fee <= p.AtTargets[2].Fee || p.AtTargets[2].Fee < btcutil.Amount(100) {
		t.Errorf("fees at the targets: %+v", p.AtTargets)
	}
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil || b.FeeRateSatKVB != 7_500 {
		t.Errorf("composed with %d sat/kvB, %v, want 7500", b.FeeRateSatKVB, err)
	}
}

// TestUpkeepWaitsForLowFees refuses to join coins while the network is busy, and
// does it at twice the relay floor.
func TestUpkeepWaitsForLowFees(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	e := fee.Estimate{At: r.clock.Now(), FloorSatKVB: 1000, RelaySatKVB: 1000, Targets: []fee.Target{{Blocks: 36, RateSatKVB: 20_000}}, Trusted: true}
	if err := r.store.SetEstimate(t.Context(), r.epoch, e); err != nil {
		t.Fatal(err)
	}
	for _, rate := range []int64{0, 2_001} {
		_, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Consolidate, FeeRateSatKVB: rate})
		if codeOf(err) != "invalid_fields" {
			t.Errorf("%d sat/kvB: %v, want invalid_fields", rate, err)
		}
	}
	if _, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Consolidate, FeeRateSatKVB: 2_000}); err != nil {
		t.Errorf("2 sat/vB: %v", err)
	}
}

// late is a signer that has something happen each time it is asked what it is.
type late struct {
	conductor.Signer
	first func()
}

func (l late) Info(ctx context.Context) (signerrpc.Info, error) {
	l.first()
	return l.Signer.Info(ctx)
}

// TestUpkeepThatIsCancelledLateIsNotSigned cancels an upkeep batch after the worker has read it as
// built and before it locks it: a batch without payments has nothing but its state to stop it.
func TestUpkeepThatIsCancelledLateIsNotSigned(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.upkeep(payout.UpkeepOrder{Kind: payout.Split, Outputs: 2})
	c := r.conductorOf(late{r.signer.client(), func() {
		if now := r.record(b.ID).Batch; now.State == payout.Built {
			if _, err := r.service.Cancel(t.Context(), r.treasurer, now.ID, now.Version); err != nil {
				t.Error(err)
			}
		}
	}})
	if err := c.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := r.wantState(b.ID, payout.Cancelled)
	if len(rec.Attempts) != 1 || rec.Attempts[0].Released() {
		t.Errorf("a signer was asked for a cancelled batch: %+v", rec.Attempts)
	}
}
