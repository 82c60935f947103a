package payout_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TestForeignSpendStopsSigning has a coin of a broadcast batch go elsewhere with
// the treasury's own key: the breaker trips, the loss is booked, nothing is signed
// until two people agree, and the batch is free again when the theft is undone.
func TestForeignSpendStopsSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	b := r.broadcast(1)
	stolen := r.record(b.ID).Attempts[0].Inputs[0].OutPoint
	r.node.Restart() // its mempool would keep the thief out
	r.chain = r.node.Client()
	r.lead()
	r.steal(stolen, 4_000_000)
	theft := r.node.Mine(1)[0]
	r.mustSync()

	r.wantState(b.ID, payout.Conflicted)
	treasury := r.treasury()
	if len(treasury.Breakers) != 1 || treasury.Breakers[0].Code != "foreign_spend" || treasury.Balances[ledger.Lost] != coin-4_000_000 {
		t.Fatalf("breakers %v, lost %d sat", treasury.Breakers, treasury.Balances[ledger.Lost])
	}
	next := r.approved(1)
	r.step()
	if rec := r.wantState(next.ID, payout.Approved); !strings.Contains(rec.Batch.LastError, "Two people") {
		t.Errorf("last error %q", rec.Batch.LastError)
	}
	id := treasury.Breakers[0].ID
	if _, err := r.service.ResetBreaker(t.Context(), r.treasurer, id, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.ResetBreaker(t.Context(), r.treasurer, id, 1); codeOf(err) != "already_reset" {
		t.Errorf("the same person again: %v, want already_reset", err)
	}
	r.step()
	r.wantState(next.ID, payout.Approved)
	if _, err := r.service.ResetBreaker(t.Context(), r.second, id, 1); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.wantState(next.ID, payout.Broadcast)
	if r.signer.signatures() != 2 {
		t.Errorf("%d signatures, want 2", r.signer.signatures())
	}

	r.node.Invalidate(theft)
	r.node.Restart()
	r.chain = r.node.Client()
	r.lead()
	r.node.Mine(2)
	r.mustSync()
	r.wantState(b.ID, payout.Broadcast)
	r.step()
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
	if lost := r.treasury().Balances[ledger.Lost]; lost != 0 {
		t.Errorf("lost %d sat after the theft was undone", lost)
	}
}

// TestBreakerStopsABatchThatWaitsForTheSigner trips it after the point of no
// return, before any signature.
func TestBreakerStopsABatchThatWaitsForTheSigner(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.approved(1)
	down := refusingSigner{deaf{r.signer.client()}}
	if err := r.conductorWith(down, broadcaster{r.chain}).Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := r.wantState(b.ID, payout.Signing).Attempts[0].Inputs[0].OutPoint
	for _, c := range r.treasury().Coins {
		if c.OutPoint != used {
			r.steal(c.OutPoint, 1_000_000)
		}
	}
	r.node.Mine(1)
	r.round()

	if rec := r.wantState(b.ID, payout.Signing); r.signer.signatures() != 0 || !strings.Contains(rec.Batch.LastError, "Two people") {
		t.Errorf("%d signatures behind an open breaker, last error %q", r.signer.signatures(), rec.Batch.LastError)
	}
}

// TestTheftOfACoinOfABuiltBatchCancelsWell leaves a batch that only people can
// end, and that never reaches the signer.
func TestTheftOfACoinOfABuiltBatchCancelsWell(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	r.signer.stop()
	b := r.approved(1)
	r.step()
	r.steal(r.wantState(b.ID, payout.Built).Attempts[0].Inputs[0].OutPoint, 1_000_000)
	r.mine(1)
	r.signer.start(policy())
	r.resetBreakers()
	r.step()

	rec := r.wantState(b.ID, payout.Built)
	if !strings.Contains(rec.Batch.LastError, "not in the best chain") || r.signer.signatures() != 0 {
		t.Errorf("%d signatures, last error %q", r.signer.signatures(), rec.Batch.LastError)
	}
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); err != nil {
		t.Fatal(err)
	}
	r.wantState(b.ID, payout.Cancelled)
}

// sendPSBT sends a signed PSBT to the node past the worker.
func (r *rig) sendPSBT(signed []byte) {
	r.t.Helper()
	packet, err := txbuild.ParsePSBT(signed)
	if err != nil {
		r.t.Fatal(err)
	}
	raw, _, err := txbuild.ExtractSigned(packet, r.key.Descriptor())
	if err != nil {
		r.t.Fatal(err)
	}
	r.submit(raw)
}

func (r *rig) submit(raw []byte) {
	r.t.Helper()
	out, err := r.chain.Submit(r.t.Context(), raw, 10_000_000)
	if err != nil || !out.Held() {
		r.t.Fatalf("submit: %+v, %v", out, err)
	}
}

// steal spends op with the treasury's key to a stranger and sends back only
// change, as somebody with the seed would.
func (r *rig) steal(op wire.OutPoint, back btcutil.Amount) {
	r.t.Helper()
	r.sendPSBT(r.theft(r.coinOf(op), back))
}

func (r *rig) coinOf(op wire.OutPoint) txbuild.Coin {
	r.t.Helper()
	for _, c := range r.treasury().Coins {
		if c.OutPoint == op {
			return c.Coin
		}
	}
	r.t.Fatalf("the treasury has no coin %s", op)
	return txbuild.Coin{}
}

// theft is a signed PSBT that spends a coin to a stranger and back to the treasury.
func (r *rig) theft(own txbuild.Coin, back btcutil.Amount) []byte {
	r.t.Helper()
	const fee = 1000
	descriptor := r.key.Descriptor()
	plan, err := txbuild.Build(txbuild.Request{
		Descriptor: descriptor, Coins: []txbuild.Coin{own}, Must: []wire.OutPoint{own.OutPoint}, ChangeIndex: 90,
		Payees:  []txbuild.Payee{{Decision: "theft", Script: payeeScript(9999), Amount: own.Amount - back - fee}},
		FeeRate: txbuild.FeeRate(1000), MaxFeeRate: txbuild.FeeRate(100_000), MaxFee: 10_000,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for i, out := range plan.PSBT.UnsignedTx.TxOut {
		if plan.Outputs[i].ChangeIndex != nil {
			out.Value = int64(back)
		}
	}
	return r.signedBy(9, plan.PSBT)
}

// signedBy returns a PSBT with the signatures of the key whose seed is so many
// times this byte.
func (r *rig) signedBy(seed byte, packet *psbt.Packet) []byte {
	r.t.Helper()
	descriptor := r.key.Descriptor()
	account, _, err := wallet.AccountXprv(bytes.Repeat([]byte{seed}, 32), descriptor.Kind(), &chaincfg.SimNetParams)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := wallet.SignPSBT(packet, account, descriptor); err != nil {
		r.t.Fatal(err)
	}
	signed, err := txbuild.EncodePSBT(packet)
	if err != nil {
		r.t.Fatal(err)
	}
	return signed
}
