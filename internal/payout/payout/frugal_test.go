package payout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TestDustLeavesRoomToBump pays two people from a treasury whose public address was
// sent 1,500 coins of 400 sat: few coins are spent, and the fee rises to its cap.
func TestDustLeavesRoomToBump(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	script, err := r.key.Descriptor().Script(wallet.ChainDeposit, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.node.SendMany(slices.Repeat([]*wire.TxOut{wire.NewTxOut(400, script)}, 1_500)...)
	r.mine(6)
	o := order(r.owe(2, owed))
	o.FeeRateSatKVB = 3_000
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	r.approve(b)
	r.step()
	if n := len(r.wantState(b.ID, payout.Broadcast).Attempts[0].Inputs); n != 1 {
		t.Errorf("%d inputs, one would do", n)
	}
	for i, rate := range []int64{5_000, 10_000, 20_000, r.fund.MaxFeeRateSatKVB} {
		r.askBump(b.ID, rate)
		r.step()
		record := r.wantState(b.ID, payout.Broadcast)
		if len(record.Attempts) != i+2 || record.Attempts[i+1].FeeRateSatKVB() < rate {
			t.Fatalf("bump to %d sat/kvB: %d attempts, last error %q", rate, len(record.Attempts), record.Batch.LastError)
		}
	}
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
}

// TestABatchLeavesCoinsToTheNext composes more batches than there are coins: each
// takes one coin, and the one that finds none waits and says for what.
func TestABatchLeavesCoinsToTheNext(t *testing.T) {
	t.Parallel()
	r := newRig(t, slices.Repeat([]btcutil.Amount{coin}, 5)...)
	var batches []payout.Batch
	for range 6 {
		batches = append(batches, r.approve(r.compose(r.owe(1, owed))))
	}
	r.step()
	for _, b := range batches[:5] {
		if n := len(r.wantState(b.ID, payout.Broadcast).Attempts[0].Inputs); n != 1 {
			t.Errorf("batch %d spends %d coins", b.Number, n)
		}
	}
	last := r.wantState(batches[5].ID, payout.Approved)
	if !strings.Contains(last.Batch.LastError, "wait for blocks") || strings.Contains(last.Batch.LastError, "short") {
		t.Errorf("the batch that waits says %q", last.Batch.LastError)
	}
	if _, err := r.service.DryRun(t.Context(), r.treasurer, order(r.owe(1, owed))); codeOf(err) != "coins_wait" {
		t.Errorf("a dry run while change waits: %v", err)
	}
	if _, err := r.service.DryRun(t.Context(), r.treasurer, order(r.owe(1, 90*owed))); codeOf(err) != "insufficient_funds" {
		t.Errorf("more than the treasury has: %v", err)
	}
	r.mine(1)
	r.wantState(batches[5].ID, payout.Broadcast)
}

// TestTheTreasuryProposesASplit asks for eight ready coins: with one there, and fees
// at the floor, a split is proposed until it is composed.
func TestTheTreasuryProposesASplit(t *testing.T) {
	t.Parallel()
	r := newRig(t, 10*coin, owed/10)
	e := fee.Estimate{At: r.clock.Now(), FloorSatKVB: 1000, RelaySatKVB: 1000, Targets: []fee.Target{{Blocks: 36, RateSatKVB: 1000}}, Trusted: true}
	set := func() {
		t.Helper()
		if err := r.store.SetEstimate(t.Context(), r.epoch, e); err != nil {
			t.Fatal(err)
		}
	}
	set()
	if p := r.treasury().Proposal; p != nil {
		t.Errorf("proposed to a fund that wants no coins: %+v", p)
	}
	r.exec("UPDATE fund SET ready_coins = 8")
	e.Targets[0].RateSatKVB = 3000
	set()
	if p := r.treasury().Proposal; p != nil {
		t.Errorf("proposed while fees are above the floor: %+v", p)
	}
	e.Targets[0].RateSatKVB = 1000
	set()
	p := r.treasury().Proposal
	if p == nil || p.Ready != 1 || p.Target != 8 || p.Order.Outputs != 8 || p.Order.FeeRateSatKVB != 1_000 {
		t.Fatalf("proposed %+v, want a split of the large coin into 8", p)
	}
	b := r.upkeep(p.Order)
	if again := r.treasury().Proposal; again != nil {
		t.Errorf("proposed again: %+v", again)
	}
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(1)
	if again := r.treasury().Proposal; again != nil {
		t.Errorf("proposed with 8 coins ready: %+v", again)
	}
}

// TestTheLongRunIsTheMedianOfWeeks keeps an estimate an hour, trusts their median from
// a week on, and forgets them after four.
func TestTheLongRunIsTheMedianOfWeeks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	start := r.clock.Now().Truncate(time.Hour)
	r.exec("INSERT INTO fee_history SELECT $1::timestamptz + n * interval '1 hour', 1000 + n FROM generate_series(0, 165) n", start)
	at := func(hour int, rate int64, trusted bool) int64 {
		t.Helper()
		e := fee.Estimate{At: start.Add(time.Duration(hour)*time.Hour + time.Minute), Targets: []fee.Target{{Blocks: 36, RateSatKVB: rate}}, Trusted: trusted}
		if err := r.store.SetEstimate(t.Context(), r.epoch, e); err != nil {
			t.Fatal(err)
		}
		h, err := r.store.Holdings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h.LongRunSatKVB
	}
	if got := at(166, 1166, true); got != 0 {
		t.Errorf("an hour short of a week: %d, want none", got)
	}
	if got := at(167, 9000, false); got != 0 {
		t.Errorf("with one that is not trusted: %d, want none", got)
	}
	if got := at(167, 1167, true); got != 1083 {
		t.Errorf("the median is %d, want 1083", got)
	}
	if got := at(167, 1500, true); got != 1083 {
		t.Errorf("the same hour again: %d, want 1083", got)
	}
	at(28*24+100, 2000, true)
	if n := r.number("SELECT count(*) FROM fee_history"); n != 68 {
		t.Errorf("%d hours are kept, want those of four weeks: 68", n)
	}
}

// TestLockedCoinsAreNotCalledMissing wants what the treasury has only with a coin that
// a person locked; the batch can be composed and waits.
func TestLockedCoinsAreNotCalledMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, 2*coin)
	if _, err := r.service.LockCoin(t.Context(), r.treasurer, r.treasury().Coins[0].OutPoint, "kept for the audit"); err != nil {
		t.Fatal(err)
	}
	ids := r.owe(1, coin+owed)
	if _, err := r.service.DryRun(t.Context(), r.treasurer, order(ids)); codeOf(err) != "coins_locked" {
		t.Errorf("with a coin locked: %v", err)
	}
	b := r.approve(r.compose(ids))
	r.step()
	if said := r.wantState(b.ID, payout.Approved).Batch.LastError; !strings.Contains(said, "locked") {
		t.Errorf("the batch that waits says %q", said)
	}
}
