package payout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// paysAt is a broadcast batch of n payments at a feerate, of so much together that
// no fee below is more than five per cent.
func (r *rig) paysAt(n int, satKVB int64) payout.Record {
	r.t.Helper()
	o := order(r.owe(n, max(owed/btcutil.Amount(n), 100_000)))
	o.FeeRateSatKVB = satKVB
	b, err := r.service.Compose(r.t.Context(), r.treasurer, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.approve(b)
	r.step()
	return r.wantState(b.ID, payout.Broadcast)
}

// askVoid asks to take a batch back, and nobody agrees.
func (r *rig) askVoid(id uuid.UUID) payout.Batch {
	r.t.Helper()
	b, err := r.service.AskVoid(r.t.Context(), r.treasurer, id, r.record(id).Batch.Version, payout.VoidOrder{Reason: "a test"})
	if err != nil {
		r.t.Fatalf("ask for a void: %v", err)
	}
	return b
}

// TestALargeBatchAndOneAtItsLimitAreTakenBack has a node take the void of a batch of
// 100 payees, and of one that pays its approved feerate: both pay more than what they
// replace, the second above the approved feerate, within the approved fee.
func TestALargeBatchAndOneAtItsLimitAreTakenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2*coin, 2*coin, coin, coin)
	large, small := r.paysAt(100, 2_000), r.paysAt(1, 3_000)
	r.askBump(small.Batch.ID, r.fund.MaxFeeRateSatKVB)
	r.step()
	if rate := r.record(small.Batch.ID).Attempts[1].FeeRateSatKVB(); rate != r.fund.MaxFeeRateSatKVB {
		t.Fatalf("the small batch pays %d sat/kvB", rate)
	}
	for _, id := range []uuid.UUID{large.Batch.ID, small.Batch.ID} {
		r.void(id)
		r.step()
		rec := r.wantState(id, payout.Voiding)
		newest, before := rec.Attempts[len(rec.Attempts)-1], rec.Attempts[len(rec.Attempts)-2]
		if newest.Kind != payout.Voids || rec.Batch.LastError != "" {
			t.Fatalf("no void: %q", rec.Batch.LastError)
		}
		if newest.FeeRateSatKVB() <= before.FeeRateSatKVB() || newest.Fee <= before.Fee || newest.Fee > rec.Batch.MaxFee || rec.Void.Fee != newest.Fee {
			t.Errorf("the void pays %d sat, %d sat/kvB, after %d sat; %d sat were named when it was asked for", newest.Fee, newest.FeeRateSatKVB(), before.Fee, rec.Void.Fee)
		}
		r.node.WaitMempool(newest.TxID)
	}
	if a := r.record(small.Batch.ID).Attempts; a[len(a)-1].FeeRateSatKVB() <= r.fund.MaxFeeRateSatKVB {
		t.Errorf("the void of a batch at its limit pays %d sat/kvB", a[len(a)-1].FeeRateSatKVB())
	}
	r.mine(finalDepth)
	r.wantState(large.Batch.ID, payout.Voided)
	r.wantState(small.Batch.ID, payout.Voided)
}

// TestAVoidThatCannotBeHadIsRefusedAtOnce lowers what was approved below what a void
// would cost, which no batch of ours has: asking is refused with the figure.
func TestAVoidThatCannotBeHadIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	rec := r.paysAt(3, 20_000)
	r.exec("UPDATE batch SET max_fee_sat = $1 WHERE id = $2", int64(rec.Attempts[0].Fee)+50, rec.Batch.ID)
	_, err := r.service.AskVoid(t.Context(), r.treasurer, rec.Batch.ID, rec.Batch.Version, payout.VoidOrder{Reason: "a test"})
	if codeOf(err) != "fee_above_cap" || !strings.Contains(err.Error(), "at least") || !strings.Contains(err.Error(), "Nothing was asked for") {
		t.Errorf("got %v", err)
	}
	r.exec("UPDATE batch SET max_fee_sat = $1 WHERE id = $2", int64(rec.Batch.MaxFee), rec.Batch.ID)
	_, err = r.service.AskVoid(t.Context(), r.treasurer, rec.Batch.ID, rec.Batch.Version, payout.VoidOrder{Reason: "a test", FeeRateSatKVB: 9_000_000})
	if codeOf(err) != "invalid_fields" || !strings.Contains(err.Error(), "at most") {
		t.Errorf("at 9,000 sat/vB: %v", err)
	}
	if rec := r.wantState(rec.Batch.ID, payout.Broadcast); rec.Void != nil {
		t.Error("a refused request is there")
	}
}

// TestARequestThatNobodyAgreedToChangesNothing has one person ask to take a batch back:
// it is told again after the node forgot it, raised, and mined; and a request is
// withdrawn, lapses, and can be made again.
func TestARequestThatNobodyAgreedToChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	b := r.broadcast(2)
	asked := r.askVoid(b.ID)
	if asked.State != payout.Broadcast {
		t.Errorf("asking made it %s", asked.State)
	}
	if _, err := r.service.AskVoid(t.Context(), r.second, b.ID, asked.Version, payout.VoidOrder{Reason: "x"}); codeOf(err) != "already_voiding" {
		t.Errorf("asked twice: %v", err)
	}
	digest := r.record(b.ID).Void.Digest
	gone, err := r.service.WithdrawVoid(t.Context(), r.second, b.ID, asked.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, gone.Version, digest); codeOf(err) != "wrong_state" {
		t.Errorf("approved after it was withdrawn: %v", err)
	}
	if _, err := r.service.WithdrawVoid(t.Context(), r.treasurer, b.ID, gone.Version); codeOf(err) != "wrong_state" {
		t.Errorf("withdrawn twice: %v", err)
	}

	asked = r.askVoid(b.ID)
	r.clock.Advance(24*time.Hour - time.Microsecond)
	if r.record(b.ID).Void == nil {
		t.Error("a request lapses before 24 hours are over")
	}
	r.clock.Advance(time.Microsecond)
	if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, asked.Version, digest); codeOf(err) != "void_lapsed" {
		t.Errorf("approved after a day: %v", err)
	}
	if r.record(b.ID).Void != nil {
		t.Error("a request of yesterday is shown")
	}
	r.step()
	if n := r.number("SELECT count(*) FROM void WHERE (ended, ended_by IS NULL) IN (('withdrawn', false), ('lapsed', true))"); n != 2 {
		t.Errorf("%d requests have ended as they did, want 2", n)
	}
	if n := r.number("SELECT count(*) FROM event WHERE object_id = $1 AND event IN ('batch.void_withdrawn', 'batch.void_lapsed')", b.ID); n != 2 {
		t.Errorf("%d of both ends are in the history", n)
	}

	r.askVoid(b.ID)
	digest = r.record(b.ID).Void.Digest // the last moment of each request's note is its own
	r.restartNode()
	r.step()
	r.node.WaitMempool(r.record(b.ID).Attempts[0].TxID)
	r.askBump(b.ID, 20_000)
	r.step()
	rec := r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || rec.Attempts[1].Kind != payout.Pays || rec.Void == nil {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.node.WaitMempool(rec.Attempts[1].TxID)
	r.mine(1)
	rec = r.wantState(b.ID, payout.Mined)
	if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, rec.Batch.Version, digest); codeOf(err) != "wrong_state" {
		t.Errorf("approved once it was in a block: %v", err)
	}
	r.node.Invalidate(r.hashAt(r.height()))
	r.node.Mine(2)
	r.mustSync()
	r.wantState(b.ID, payout.Mined) // through broadcast, and not being taken back
	r.mine(finalDepth)
	r.wantState(b.ID, payout.Final)
}

// TestTheDatabaseKeepsRequestsApart tries what the program never does.
func TestTheDatabaseKeepsRequestsApart(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.broadcast(1)
	asked := r.askVoid(b.ID)
	refused := func(what, sql string, args ...any) {
		t.Helper()
		if _, err := r.owner.Pool().Exec(t.Context(), sql, args...); err == nil {
			t.Errorf("%s: the database let it be", what)
		}
	}
	refused("a second request", "INSERT INTO void SELECT gen_random_uuid(), batch_id, note, digest, feerate_sat_kvb, fee_sat, reason, asked_by, asked_at FROM void")
	refused("another reason", "UPDATE void SET reason = 'another'")
	refused("withdrawn by nobody", "UPDATE void SET ended = 'withdrawn', ended_at = now()")
	refused("an approval of another digest", "INSERT INTO void_approval SELECT id, sha256('x'), asked_by, now() FROM void")
	if _, err := r.service.ApproveVoid(t.Context(), r.second, b.ID, asked.Version, r.record(b.ID).Void.Digest); err != nil {
		t.Fatal(err)
	}
	refused("the end of what was agreed to", "UPDATE void SET ended = 'lapsed', ended_at = now()")
	refused("an approval that is gone", "DELETE FROM void_approval")
	refused("a request that is gone", "DELETE FROM void")
	refused("all requests gone", "TRUNCATE void CASCADE")
	if _, err := r.open(r.base.AppURL).Pool().Exec(t.Context(), "UPDATE void SET note = ''"); err == nil {
		t.Error("the application's role may change a request")
	}
}

// TestABatchIsToldUntilItsVoidIsSigned has two people agree while no signer answers,
// and the node forget: the payment, which may confirm, is told again until the void is
// there.
func TestABatchIsToldUntilItsVoidIsSigned(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	rec := r.record(r.broadcast(2).ID)
	r.void(rec.Batch.ID)
	alone := r.conductorOf(deaf{r.signer.client()})
	for _, restart := range []bool{false, true} {
		if restart {
			r.restartNode()
			alone = r.conductorOf(deaf{r.signer.client()})
		}
		r.clock.Advance(time.Minute)
		if err := alone.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.node.WaitMempool(rec.Attempts[0].TxID)
	}
	now := r.wantState(rec.Batch.ID, payout.Voiding)
	if n := len(now.Attempts); n != 2 || len(now.Attempts[1].Raw) > 0 {
		t.Fatalf("%d attempts", n)
	}
	r.step()
	r.node.WaitMempool(now.Attempts[1].TxID)
	r.mine(finalDepth)
	r.wantState(rec.Batch.ID, payout.Voided)
}

// TestTheNinthBumpIsRefused asks eight times for a little more: the ninth is refused
// with the reason, the last step to the limit is not, and neither is what is due by
// itself.
func TestTheNinthBumpIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	byHand, left := r.paysAt(1, 3_000), r.paysAt(1, 3_000)
	for rate := int64(4_000); rate <= 18_000; rate += 2_000 {
		r.askBump(byHand.Batch.ID, rate)
		r.askBump(left.Batch.ID, rate)
		r.step()
	}
	for rate := int64(20_000); rate <= 26_000; rate += 1_000 {
		_, err := r.service.Bump(t.Context(), r.treasurer, byHand.Batch.ID, r.record(byHand.Batch.ID).Batch.Version, rate)
		if codeOf(err) != "raised_too_often" || !strings.Contains(err.Error(), "It can be raised once more, to ") {
			t.Errorf("to %d: %v", rate, err)
		}
	}
	rec := r.record(byHand.Batch.ID)
	if len(rec.Attempts) != 9 || rec.Raise.LeastSatKVB != 50_000 || rec.Raise.MostSatKVB != 50_000 || !rec.Raise.Last || rec.Raise.Refused != nil {
		t.Errorf("%d attempts, %+v", len(rec.Attempts), rec.Raise)
	}
	r.askBump(byHand.Batch.ID, 50_000)
	r.step()
	rec = r.record(byHand.Batch.ID)
	if rate := rec.Attempts[len(rec.Attempts)-1].FeeRateSatKVB(); rate != 50_000 || codeOf(rec.Raise.Refused) != "at_limit" {
		t.Errorf("pays %d sat/kvB: %+v", rate, rec.Raise)
	}
	if _, err := r.service.Bump(t.Context(), r.treasurer, byHand.Batch.ID, rec.Batch.Version, 51_000); codeOf(err) != "at_limit" {
		t.Errorf("above the limit: %v", err)
	}

	r.exec("UPDATE batch SET deadline_blocks = 1 WHERE id = $1", left.Batch.ID)
	r.restartNode() // so that no block takes them
	r.node.Mine(2)
	r.mustSync()
	r.clock.Advance(time.Minute)
	silent := r.conductorWith(r.signer.client(), lostBroadcaster{broadcaster{r.chain}, false})
	if err := silent.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec = r.record(left.Batch.ID)
	if rate := rec.Attempts[len(rec.Attempts)-1].FeeRateSatKVB(); rate != 50_000 {
		t.Errorf("at its deadline it pays %d sat/kvB after %d attempts, last error %q", rate, len(rec.Attempts), rec.Batch.LastError)
	}
}

// TestEscalationIsBoundedByTheNextBlock lets the deadline pass while the next block
// costs 8 sat/vB: the batch pays a quarter more at most, until a treasurer asks for
// more, and more when nothing is believed.
func TestEscalationIsBoundedByTheNextBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	o := order(r.owe(1, owed))
	o.FeeRateSatKVB, o.DeadlineBlocks = 2_000, 4
	b, err := r.service.Compose(t.Context(), r.treasurer, o)
	if err != nil {
		t.Fatal(err)
	}
	r.approve(b)
	silent := r.conductorWith(r.signer.client(), lostBroadcaster{broadcaster{r.chain}, false})
	rates := func(believed bool) int64 {
		t.Helper()
		e := fee.Estimate{At: r.clock.Now(), RelaySatKVB: 1000, Targets: []fee.Target{{Blocks: 2, RateSatKVB: 8_000}, {Blocks: 6, RateSatKVB: 5_000}}, Trusted: believed}
		if err := r.store.SetEstimate(t.Context(), r.epoch, e); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			r.node.Mine(1)
			r.mustSync()
			r.clock.Advance(time.Minute)
			if err := silent.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		rec := r.wantState(b.ID, payout.Broadcast)
		if rec.Batch.LastError != "" && !strings.Contains(rec.Batch.LastError, "lost") && !strings.Contains(rec.Batch.LastError, "answer") {
			t.Errorf("last error %q", rec.Batch.LastError)
		}
		return rec.Attempts[len(rec.Attempts)-1].FeeRateSatKVB()
	}
	if rate := rates(true); rate != 10_000 {
		t.Errorf("pays %d sat/kvB while 8 sat/vB are believed, want 10000", rate)
	}
	r.askBump(b.ID, 17_000)
	if rate := rates(true); rate != 17_000 {
		t.Errorf("pays %d sat/kvB after 17 were asked for", rate)
	}
	if rate := rates(false); rate != 50_000 {
		t.Errorf("pays %d sat/kvB with nothing believed, want the limit", rate)
	}
}

// TestTheWindowIsForTheFirstTransaction lets the decisions run out while a batch waits
// for a block: its fee is raised and it is taken back all the same; a batch that no
// signer has seen is not sent after its own last moment or that of a decision.
func TestTheWindowIsForTheFirstTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin, coin)
	out := r.broadcast(1)
	r.signer.stop()
	late, ids := r.approved(1), r.owe(1, owed)
	r.step()
	r.wantState(late.ID, payout.Built)
	r.clock.Advance(r.fund.PayWindow - 13*time.Hour) // decisions end at midnight
	last := r.compose(ids)
	r.approve(last)
	r.step()
	r.wantState(last.ID, payout.Built)
	r.clock.Advance(14 * time.Hour)
	r.signer.start(policy())
	r.askBump(out.ID, 20_000)
	r.step()
	rec := r.wantState(out.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts after a bump, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.void(out.ID)
	r.step()
	rec = r.wantState(out.ID, payout.Voiding)
	if len(rec.Attempts) != 3 || rec.Attempts[2].Kind != payout.Voids || len(rec.Attempts[2].Raw) == 0 {
		t.Fatalf("%d attempts after a void, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	if rec := r.wantState(late.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "could be signed until") {
		t.Errorf("the batch that came too late: %q", rec.Batch.LastError)
	}
	if rec := r.wantState(last.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "may be paid only from") {
		t.Errorf("the batch whose decision came too late: %q", rec.Batch.LastError)
	}
}

// TestAChildPaysForALargeParent pulls a batch of 150 payees at 1 sat/vB to 3: the child
// alone pays far above the feerate cap, and can be raised and taken back.
func TestAChildPaysForALargeParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*coin)
	parent := r.paysAt(150, 1_000)
	child := r.upkeep(payout.UpkeepOrder{Kind: payout.Child, Parent: parent.Batch.ID, FeeRateSatKVB: 3_000})
	r.step()
	rec := r.wantState(child.ID, payout.Broadcast)
	together := func(a payout.Attempt) int64 {
		return money.FeeRateOf(parent.Attempts[0].Fee+a.Fee, txbuild.VSize(parent.Attempts[0].Weight)+txbuild.VSize(a.Weight))
	}
	if own := rec.Attempts[0]; own.FeeRateSatKVB() <= r.fund.MaxFeeRateSatKVB || together(own) != 3_000 || rec.Raise.CurrentSatKVB/10 != 300 {
		t.Errorf("the child pays %d sat/kvB, with its parent %d: %+v", own.FeeRateSatKVB(), together(own), rec.Raise)
	}
	r.askBump(child.ID, 5_000)
	r.step()
	rec = r.wantState(child.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || together(rec.Attempts[1]) != 5_000 {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.void(child.ID)
	r.step()
	rec = r.wantState(child.ID, payout.Voiding)
	if len(rec.Attempts) != 3 || rec.Attempts[2].Fee <= rec.Attempts[1].Fee {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.node.WaitMempool(rec.Attempts[2].TxID)
	if _, err := r.service.ComposeUpkeep(t.Context(), r.treasurer, payout.UpkeepOrder{Kind: payout.Child, Parent: parent.Batch.ID, FeeRateSatKVB: 45_000}); codeOf(err) != "fee_above_cap" {
		t.Errorf("a child that would cost more than is allowed: %v", err)
	}
	r.mine(1)
	r.wantState(parent.Batch.ID, payout.Mined)
}
