package payout_test

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// openScript is a P2WSH script that anybody can spend, and its witness script; no
// other n has the same.
func openScript(n uint32) (script, witness []byte) {
	witness = append([]byte{txscript.OP_DATA_4}, binary.BigEndian.AppendUint32(nil, n)...)
	witness = append(witness, txscript.OP_DROP, txscript.OP_TRUE)
	hash := sha256.Sum256(witness)
	return append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash[:]...), witness
}

// oweOpen owes amount to an open script.
func (r *rig) oweOpen(n uint32, amount btcutil.Amount) uuid.UUID {
	script, _ := openScript(n)
	return r.oweTo(script, amount)
}

// takeOpen spends an output to open script n into others, as its recipient would,
// and returns the transaction.
func (r *rig) takeOpen(n uint32, from wire.OutPoint, outs ...*wire.TxOut) *wire.MsgTx {
	r.t.Helper()
	_, witness := openScript(n)
	tx := wire.NewMsgTx(wire.TxVersion)
	in := wire.NewTxIn(&from, nil, wire.TxWitness{witness})
	in.Sequence = wire.MaxTxInSequenceNum - 2 // BIP 125
	tx.AddTxIn(in)
	tx.TxOut = outs
	r.submit(serialized(r.t, tx))
	return tx
}

// outputTo is the output of an attempt that pays an instalment.
func outputTo(t testing.TB, a payout.Attempt, instalment uuid.UUID) wire.OutPoint {
	t.Helper()
	for _, o := range a.Outputs {
		if o.InstalmentID != nil && *o.InstalmentID == instalment {
			return wire.OutPoint{Hash: a.TxID, Index: o.Vout}
		}
	}
	t.Fatalf("attempt %d does not pay %s", a.No, instalment)
	return wire.OutPoint{}
}

// wantBroadcastStill says that a step changed nothing but the error on a batch.
func (r *rig) wantBroadcastStill(id uuid.UUID, attempts int, why string) {
	r.t.Helper()
	rec := r.wantState(id, payout.Broadcast)
	if len(rec.Attempts) != attempts || !strings.Contains(rec.Batch.LastError, why) {
		r.t.Errorf("%d attempts, last error %q; want %d and %q", len(rec.Attempts), rec.Batch.LastError, attempts, why)
	}
}

// TestMissingInputsOfAMinedPayment has the node answer -25, as for a theft, because
// the payment is mined and all its outputs are spent.
func TestMissingInputsOfAMinedPayment(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	id := r.oweOpen(1, coin-700) // what is left is the fee, and no change
	b := r.approve(r.compose([]uuid.UUID{id}))
	r.step()
	rec := r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts[0].Outputs) != 1 {
		t.Fatal("the payment has change")
	}
	r.node.Mine(1)
	r.takeOpen(1, outputTo(t, rec.Attempts[0], id), wire.NewTxOut(int64(coin)-2000, payeeScript(7000)))
	r.node.Mine(1)

	r.lead()
	r.step()
	r.wantBroadcastStill(b.ID, 1, "orphan")
	r.round()
	r.wantState(b.ID, payout.Mined)
	if n := r.signer.signatures(); n != 1 {
		t.Errorf("%d signatures, want 1", n)
	}
}

// TestMissingInputsOfARivalOfOurs broadcasts a replacement when the original is in a
// block that the follower has not seen yet.
func TestMissingInputsOfARivalOfOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	rec := r.bumped(1)
	r.hold(rec.Attempts[0].Raw)
	r.node.Mine(1)

	r.node.Restart() // so that the original is not known from before
	r.chain = r.node.Client()
	_, conductor := r.worker(r.store, r.epoch)
	r.clock.Advance(60e9)
	if err := conductor.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wantBroadcastStill(rec.Batch.ID, 2, "")
	r.mustSync()
	r.wantState(rec.Batch.ID, payout.Mined)
	r.wantWinner(rec.Batch.ID, 0)
}

// TestMissingInputsOfAForeignSpend broadcasts when a stranger's transaction spends
// the coin: in the mempool it proves nothing; in a block it stops all signing.
func TestMissingInputsOfAForeignSpend(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	r.restartNode()
	r.steal(r.record(b.ID).Attempts[0].Inputs[0].OutPoint, 4_000_000)
	r.lead()
	r.step()
	r.wantBroadcastStill(b.ID, 1, "did not take it")
	r.node.Mine(1)
	r.step()
	r.wantBroadcastStill(b.ID, 1, "orphan")
	r.mustSync()
	r.wantState(b.ID, payout.Conflicted)
	if codes := r.texts("SELECT code FROM breaker"); len(codes) != 1 || codes[0] != "foreign_spend" {
		t.Errorf("breakers %v, want foreign_spend", codes)
	}
	if n := r.signer.signatures(); n != 1 {
		t.Errorf("%d signatures, want 1", n)
	}
}

// TestMissingInputsOfAParentThatIsGone has the block with the coin leave the chain
// after the batch was broadcast; it is told until the coin is back.
func TestMissingInputsOfAParentThatIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deposit(coin)
	r.mine(6)
	b := r.broadcast(1)

	gone := r.reorg(6, false)
	for range 3 {
		r.round()
		r.wantBroadcastStill(b.ID, 1, "orphan")
	}
	r.node.Reconsider(gone)
	r.node.Invalidate(r.hashAt(r.height() - 6))
	r.node.Mine(3)
	r.round()
	r.wantBroadcastStill(b.ID, 1, "")
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
	if n := r.signer.signatures(); n != 1 {
		t.Errorf("%d signatures, want 1", n)
	}
}

// TestANodeThatWasKilledIsWaitedFor kills btcd, which then has fewer blocks and no
// mempool, and lets it catch up from a peer: nothing is undone, and what waits is
// told again.
func TestANodeThatWasKilledIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	final := r.broadcast(1)
	r.mine(finalDepth)
	waiting := r.broadcast(1)
	peer := r.node.Peer()

	r.node.Kill9()
	if _, err := r.follower.Sync(t.Context()); err == nil {
		t.Error("a node that is dead was followed")
	}
	r.node.Start()
	r.chain = r.node.Client()
	r.lead()
	if _, err := r.follower.Sync(t.Context()); err != nil && codeOf(err) != "node_behind" {
		t.Fatal(err)
	}
	r.wantState(final.ID, payout.Final)
	r.wantState(waiting.ID, payout.Broadcast)

	r.node.Connect(peer)
	r.node.WaitTip(peer)
	r.round()
	r.mine(1)
	r.wantState(waiting.ID, payout.Mined)
	if n := r.number("SELECT count(*) FROM breaker"); n != 0 {
		t.Errorf("%d breakers tripped", n)
	}
}
