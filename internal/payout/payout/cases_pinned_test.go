package payout_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

func serialized(t testing.TB, tx *wire.MsgTx) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spentByItsRecipient is a broadcast batch of one payment to open script 1, whose
// output the recipient has spent into outs.
func (r *rig) spentByItsRecipient(outs ...*wire.TxOut) (payout.Record, *wire.MsgTx) {
	r.t.Helper()
	return r.spentByOneOf(1, outs...)
}

// spentByOneOf is the same with payments to others in the batch.
func (r *rig) spentByOneOf(payees int, outs ...*wire.TxOut) (payout.Record, *wire.MsgTx) {
	r.t.Helper()
	id := r.oweOpen(1, owed)
	b := r.approve(r.compose(append(r.owe(payees-1, owed/10), id)))
	r.step()
	rec := r.wantState(b.ID, payout.Broadcast)
	return rec, r.takeOpen(1, outputTo(r.t, rec.Attempts[0], id), outs...)
}

// TestABumpPaysForWhatItPushesOut replaces a payment whose recipient has spent it
// already: the replacement pays that transaction's fee too, or no node takes it.
func TestABumpPaysForWhatItPushesOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	const theirFee, many = btcutil.Amount(4000), 100
	outs := make([]*wire.TxOut, many) // so many that 4,000 sat are little more than 1 sat/vB
	for i := range outs {
		outs[i] = wire.NewTxOut(int64(owed-theirFee)/many, payeeScript(uint32(7001+i)))
	}
	rec, _ := r.spentByItsRecipient(outs...)
	r.askBump(rec.Batch.ID, 20_000) // which would cost less than theirs
	r.step()
	rec = r.wantState(rec.Batch.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	if least := rec.Attempts[0].Fee + theirFee + btcutil.Amount(rec.Attempts[1].Weight/4); rec.Attempts[1].Fee < least {
		t.Errorf("the replacement pays %d sat, want at least %d", rec.Attempts[1].Fee, least)
	}
	r.node.WaitMempool(rec.Attempts[1].TxID)
	r.mine(1)
	r.wantState(rec.Batch.ID, payout.Mined)
	r.wantWinner(rec.Batch.ID, 1)
}

// TestAVoidPaysForWhatItPushesOut takes back a payment whose recipient has spent it
// already, at a higher feerate than was asked for the void.
func TestAVoidPaysForWhatItPushesOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	rec, theirs := r.spentByItsRecipient(wire.NewTxOut(int64(owed)-2000, payeeScript(7001)))
	r.void(rec.Batch.ID)
	r.step()
	rec = r.wantState(rec.Batch.ID, payout.Voiding)
	if len(rec.Attempts) != 2 || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.node.WaitMempool(rec.Attempts[1].TxID)
	if theirRate := int64(txbuild.FeeRateOf(2000, txbuild.Weight(theirs))); rec.Attempts[1].FeeRateSatKVB() < theirRate || rec.Void.FeeRateSatKVB >= theirRate {
		t.Errorf("the void pays %d sat/kvB, %d were asked for, the recipient paid %d", rec.Attempts[1].FeeRateSatKVB(), rec.Void.FeeRateSatKVB, theirRate)
	}
	r.askBump(rec.Batch.ID, 40_000)
	r.step()
	rec = r.wantState(rec.Batch.ID, payout.Voiding)
	if len(rec.Attempts) != 3 || rec.Attempts[2].Kind != payout.Voids || rec.Batch.LastError != "" {
		t.Fatalf("%d attempts after a bump of the void, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.mine(finalDepth)
	r.wantState(rec.Batch.ID, payout.Voided)
	r.wantWinner(rec.Batch.ID, 2)
}

// pins are what a recipient can build on a payment so that it cannot be replaced.
var pins = map[string]func(*rig) payout.Record{
	"as many transactions as may be evicted": func(r *rig) payout.Record {
		const many = 100 // with the payment itself that is one too many; what they pay would not be too dear for 20
		outs := make([]*wire.TxOut, many)
		for i := range outs {
			script, _ := openScript(uint32(100 + i))
			outs[i] = wire.NewTxOut(2000, script)
		}
		rec, first := r.spentByOneOf(20, append(outs, wire.NewTxOut(int64(owed)-many*2000-5000, payeeScript(7001)))...)
		for i := range uint32(many - 1) {
			r.takeOpen(100+i, wire.OutPoint{Hash: first.TxHash(), Index: i}, wire.NewTxOut(1900, payeeScript(7002+i)))
		}
		return rec
	},
	"a fee above what the batch may pay": func(r *rig) payout.Record {
		outs := make([]*wire.TxOut, 200)
		for i := range outs {
			outs[i] = wire.NewTxOut(600, payeeScript(uint32(7001+3*i))) // P2WPKH or P2TR
		}
		rec, _ := r.spentByItsRecipient(append(outs, wire.NewTxOut(int64(owed)-200*600-15_000, payeeScript(7900)))...)
		return rec
	},
	"a higher feerate than was asked for": func(r *rig) payout.Record {
		rec, _ := r.spentByItsRecipient(wire.NewTxOut(int64(owed)-5000, payeeScript(7001)))
		return rec
	},
}

// TestAPinnedBatchIsPulledAlongByAChild has a recipient make the replacement of a
// payment too dear: the batch stays as it is and says so, and a child of its change
// pays for both.
func TestAPinnedBatchIsPulledAlongByAChild(t *testing.T) {
	t.Parallel()
	for name, pin := range pins {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, coin, coin)
			rec := pin(r)
			r.askBump(rec.Batch.ID, 20_000)
			r.step()
			rec = r.wantState(rec.Batch.ID, payout.Broadcast)
			if len(rec.Attempts) != 1 || !strings.Contains(rec.Batch.LastError, "add a child") {
				t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
			}

			rate := int64(20_000) // of both; alone the child of a large parent pays far more
			child := r.upkeep(payout.UpkeepOrder{Kind: payout.Child, Parent: rec.Batch.ID, FeeRateSatKVB: rate})
			r.step()
			mine := r.wantState(child.ID, payout.Broadcast)
			if mine.Batch.LastError != "" {
				t.Errorf("last error of the child %q", mine.Batch.LastError)
			}
			parent, own := rec.Attempts[0], mine.Attempts[0]
			if own.Inputs[0].OutPoint.Hash != parent.TxID || len(own.Inputs) != 1 {
				t.Errorf("the child spends %v, want the change of %s", own.Inputs, parent.TxID)
			}
			if got := money.FeeRateOf(parent.Fee+own.Fee, txbuild.VSize(parent.Weight)+txbuild.VSize(own.Weight)); got < rate || got > rate+2_000 {
				t.Errorf("both together pay %d sat/kvB, want %d", got, rate)
			}
			r.mine(1)
			r.wantState(rec.Batch.ID, payout.Mined)
			r.wantState(child.ID, payout.Mined)
		})
	}
}

// upkeep composes and approves a batch that pays nobody.
func (r *rig) upkeep(o payout.UpkeepOrder) payout.Batch {
	r.t.Helper()
	if o.FeeRateSatKVB == 0 {
		o.FeeRateSatKVB = 2_000
	}
	b, err := r.service.ComposeUpkeep(r.t.Context(), r.treasurer, o)
	if err != nil {
		r.t.Fatalf("compose upkeep: %v", err)
	}
	if _, err := r.service.Approve(r.t.Context(), r.second, b.ID, b.Version, b.Digest); err != nil {
		r.t.Fatalf("approve upkeep: %v", err)
	}
	return b
}

// TestAnEarlierAttemptIsToldWhenTheNewestIsNotTaken has a worker bump that knows
// nothing of its node's mempool, where the replacement is not taken: the attempt that
// the node holds is as good, and no error.
func TestAnEarlierAttemptIsToldWhenTheNewestIsNotTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	rec, _ := r.spentByItsRecipient(wire.NewTxOut(int64(owed)-5000, payeeScript(7001)))
	blind, err := conductor.New(conductor.Config{
		Store: r.store, Signers: []conductor.Signer{r.signer.client()}, Broadcaster: broadcaster{r.chain}, Clock: r.clock, Log: slog.New(slog.DiscardHandler), Epoch: r.epoch,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.askBump(rec.Batch.ID, 20_000)
	r.clock.Advance(time.Minute)
	if err := blind.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantBroadcastStill(rec.Batch.ID, 2, "insufficient fee")
	r.step()
	if rec := r.wantState(rec.Batch.ID, payout.Broadcast); rec.Batch.LastError != "" {
		t.Errorf("last error %q although the node holds the first attempt", rec.Batch.LastError)
	}
	r.mine(1)
	r.wantState(rec.Batch.ID, payout.Mined)
	r.wantWinner(rec.Batch.ID, 0)
}

// TestABumpThatCannotBeHadIsNoSilence asks for a bump while the breaker is open, and
// has the node forget: what there is is told again.
func TestABumpThatCannotBeHadIsNoSilence(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	r.askBump(b.ID, 20_000)
	r.trip(payout.Finding{Code: payout.DeepReorg, Detail: "a test"})
	if _, err := r.service.Bump(t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version, 30_000); codeOf(err) != "breaker_open" {
		t.Errorf("asked for while the breaker is open: %v", err)
	}
	r.restartNode()
	r.step()
	rec := r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts) != 1 || !strings.Contains(rec.Batch.LastError, "Two people") {
		t.Errorf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.node.WaitMempool(rec.Attempts[0].TxID)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
}

// TestAChildDiesWithItsParent replaces a transaction whose change a child spends:
// the child can never confirm, and ends once the replacement is as deep as final.
func TestAChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	child := r.upkeep(payout.UpkeepOrder{Kind: payout.Child, Parent: b.ID, FeeRateSatKVB: 10_000})
	r.step()
	r.wantState(child.ID, payout.Broadcast)
	r.askBump(b.ID, 20_000)
	r.step()
	if rec := r.wantState(b.ID, payout.Broadcast); len(rec.Attempts) != 2 {
		t.Fatalf("%d attempts, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	r.mine(finalDepth - 1)
	r.wantState(b.ID, payout.Paid)
	r.wantState(child.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(b.ID, payout.Final)
	if rec := r.wantState(child.ID, payout.Voided); len(rec.Attempts) != 1 {
		t.Errorf("%d attempts of the child, want 1", len(rec.Attempts))
	}
	r.step()
	r.wantState(child.ID, payout.Voided)
}

// TestABatchDiesWithItsParent pays from the change of a transaction that a reorg
// replaces by its bump: the payment can never confirm, and once the bump is as deep
// as final it is made again, with a proof for the signer.
func TestABatchDiesWithItsParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	parent := r.bumped(1)
	r.hold(parent.Attempts[0].Raw)
	r.node.Mine(1)
	r.mustSync()
	b := r.broadcast(1)
	id := r.record(b.ID).Items[0].InstalmentID
	if in := r.record(b.ID).Attempts[0].Inputs[0].OutPoint; in.Hash != parent.Attempts[0].TxID {
		t.Fatalf("the batch spends %s, want change of the original", in)
	}

	r.node.Invalidate(r.hashAt(r.height()))
	r.hold(parent.Attempts[1].Raw)
	r.node.Mine(2)
	r.round()
	r.wantState(parent.Batch.ID, payout.Mined)
	r.wantWinner(parent.Batch.ID, 1)
	r.wantBroadcastStill(b.ID, 1, "orphan")
	r.mine(finalDepth - 3)
	r.wantBroadcastStill(b.ID, 1, "orphan")
	r.mine(1)
	r.wantState(parent.Batch.ID, payout.Final)
	r.wantState(b.ID, payout.Voided)

	again := r.approve(r.compose([]uuid.UUID{id}))
	r.step()
	r.wantState(again.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(again.ID, payout.Mined)
	if n := r.number("SELECT count(*) FROM breaker"); n != 0 {
		t.Errorf("%d breakers tripped", n)
	}
}
