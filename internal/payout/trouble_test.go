package payout_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/txbuild"
	"github.com/causeway-fund/causeway/internal/wallet"
)

func TestSignerThatIsDownLeavesTheBatchCancellable(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	r.signer.stop()
	b, other := r.approved(1), r.approved(1)
	r.step()
	rec := r.wantState(b.ID, payout.Built)
	if !strings.Contains(rec.Batch.LastError, "does not answer") || rec.Batch.Tries != 1 {
		t.Errorf("last error %q after %d tries", rec.Batch.LastError, rec.Batch.Tries)
	}

	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); err != nil {
		t.Fatal(err)
	}
	r.wantState(b.ID, payout.Cancelled)
	r.signer.start(policy())
	r.step()

	r.wantState(b.ID, payout.Cancelled)
	rec = r.wantState(other.ID, payout.Announced)
	if rec.Batch.LastError != "" || rec.Batch.Tries != 0 {
		t.Errorf("last error %q after %d tries is still there", rec.Batch.LastError, rec.Batch.Tries)
	}
	id := r.record(b.ID).Items[0].InstalmentID
	again := r.approve(r.compose([]uuid.UUID{id}))
	r.step()
	r.mine(1)
	r.wantState(again.ID, payout.Mined)
	if r.signer.signatures() != 2 {
		t.Errorf("%d signatures, want 2", r.signer.signatures())
	}
}

// TestRetriesGetRarer asks a signer that is down seven times in the first minute.
func TestRetriesGetRarer(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	r.signer.stop()
	b := r.approved(1)
	for range 60 {
		if err := r.conductor.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.clock.Advance(time.Second)
	}
	if rec := r.wantState(b.ID, payout.Built); rec.Batch.Tries != 6 { // at 0, 1, 3, 7, 15 and 31 seconds
		t.Errorf("%d tries in a minute, want 6", rec.Batch.Tries)
	}
}

// refusingSigner promises in Info what it refuses to sign.
type refusingSigner struct{ payout.Signer }

func (s refusingSigner) Info(ctx context.Context) (signerrpc.Info, error) {
	info, err := s.Signer.Info(ctx)
	info.MaxFeeRateSatVB = 1000
	return info, err
}

func TestSignerThatRefusesKeepsTheBatchInSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	r.signer.stop()
	r.signer.start(signer.Policy{MaxFeeRateSatVB: 2, MaxFee: 200_000, MaxFeePercent: 5})
	b := r.approved(1)

	r.step()
	if rec := r.wantState(b.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "signer's own cap") {
		t.Errorf("last error %q", rec.Batch.LastError)
	}

	conductor := r.conductorWith(refusingSigner{r.signer.client()}, announcer{r.chain})
	r.clock.Advance(time.Minute)
	if err := conductor.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := r.wantState(b.ID, payout.Signing)
	if !strings.Contains(rec.Batch.LastError, "feerate_above_cap") || r.signer.signatures() != 0 {
		t.Errorf("%d signatures, last error %q", r.signer.signatures(), rec.Batch.LastError)
	}
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); codeOf(err) != "wrong_state" {
		t.Errorf("cancel while signing: %v, want wrong_state", err)
	}

	r.signer.stop()
	r.signer.start(policy())
	r.step()
	r.wantState(b.ID, payout.Announced)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
}

// lossySigner signs and loses every reply.
type lossySigner struct {
	payout.Signer
	raw *[]byte // the PSBT that got lost
}

func (s lossySigner) Sign(ctx context.Context, req signerrpc.Request) (signerrpc.Response, error) {
	resp, err := s.Signer.Sign(ctx, req)
	if err != nil {
		return resp, err
	}
	*s.raw = resp.PSBT
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "The reply was lost.")
}

// TestSignatureThatGotLostIsFoundInABlock has somebody else send what the signer
// released, then a reorg take it away: the worker has learned the bytes.
func TestSignatureThatGotLostIsFoundInABlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	var lost []byte
	b := r.approved(1)
	if err := r.conductorWith(lossySigner{r.signer.client(), &lost}, announcer{r.chain}).Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := r.wantState(b.ID, payout.Signing)
	if len(rec.Attempts[0].Raw) != 0 {
		t.Fatal("the bytes are stored already")
	}
	r.sendPSBT(lost)
	r.node.Mine(1)
	r.mustSync()
	r.wantState(b.ID, payout.Mined)

	r.reorg(1, false)
	r.mustSync()
	r.wantState(b.ID, payout.Announced)
	r.step()
	r.mine(1)

	r.wantState(b.ID, payout.Mined)
	if r.signer.signatures() != 1 {
		t.Errorf("%d signatures, want 1", r.signer.signatures())
	}
}

// TestPaymentFromBeforeARestoreIsAdopted has the chain hold the transaction of a
// batch that, by this database, was never signed.
func TestPaymentFromBeforeARestoreIsAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	r.signer.stop()
	b := r.approved(1)
	r.step()
	rec := r.wantState(b.ID, payout.Built)
	packet, err := txbuild.ParsePSBT(rec.Attempts[0].PSBT)
	if err != nil {
		t.Fatal(err)
	}
	account, _, err := wallet.AccountXprv(bytes.Repeat([]byte{9}, 32), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	if err := wallet.SignPSBT(packet, account, r.key.Descriptor()); err != nil {
		t.Fatal(err)
	}
	signed, err := txbuild.EncodePSBT(packet)
	if err != nil {
		t.Fatal(err)
	}
	r.sendPSBT(signed)
	r.mine(1)

	r.wantState(b.ID, payout.Mined)
	if codes := r.texts("SELECT code FROM breaker"); len(codes) != 1 || codes[0] != "unexpected_payment" {
		t.Errorf("breakers %v, want unexpected_payment", codes)
	}
	r.mine(finalDepth)
	r.wantState(b.ID, payout.Final)
}

func TestTooLittleMoneyIsSaidInWords(t *testing.T) {
	t.Parallel()
	r := newRig(t, owed/2)
	b := r.approved(1)
	r.step()
	rec := r.wantState(b.ID, payout.Approved)
	if !strings.Contains(rec.Batch.LastError, "short of") || len(rec.Attempts) != 0 {
		t.Errorf("last error %q, %d attempts", rec.Batch.LastError, len(rec.Attempts))
	}

	r.deposit(coin)
	r.mine(5)
	r.wantState(b.ID, payout.Approved) // not deep enough
	r.mine(1)
	r.wantState(b.ID, payout.Announced)
}

// TestBadBatchDoesNotBlockTheRest has a batch in the middle that no step can read.
func TestBadBatchDoesNotBlockTheRest(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	first, bad, last := r.approved(1), r.approved(1), r.approved(1)
	r.exec("UPDATE instalment SET payee_script = 'x' WHERE id = (SELECT instalment_id FROM batch_item WHERE batch_id = $1)", bad.ID)
	r.step()

	r.wantState(first.ID, payout.Announced)
	r.wantState(last.ID, payout.Announced)
	if rec := r.record(bad.ID); !rec.Batch.State.BeforeSigning() || rec.Batch.LastError == "" {
		t.Errorf("bad batch is %s with last error %q", rec.Batch.State, rec.Batch.LastError)
	}
	script := payeeScript(1)
	r.exec("UPDATE instalment SET payee_script = $2 WHERE id = (SELECT instalment_id FROM batch_item WHERE batch_id = $1)", bad.ID, script)
	r.exec("ALTER TABLE attempt_output DISABLE TRIGGER USER")
	r.exec("UPDATE attempt_output SET script = $1 WHERE script = 'x'", script) // only to leave a clean house
}

// TestForeignSpendStopsSigning has a coin of an announced batch go elsewhere with
// the treasury's own key: the breaker trips, the loss is booked, nothing is signed
// until two people agree, and the batch is free again when the theft is undone.
func TestForeignSpendStopsSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	b := r.announced(1)
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
	if err := r.service.ResetBreaker(t.Context(), r.treasurer, id); err != nil {
		t.Fatal(err)
	}
	if err := r.service.ResetBreaker(t.Context(), r.treasurer, id); codeOf(err) != "already_reset" {
		t.Errorf("the same person again: %v, want already_reset", err)
	}
	r.step()
	r.wantState(next.ID, payout.Approved)
	if err := r.service.ResetBreaker(t.Context(), r.second, id); err != nil {
		t.Fatal(err)
	}
	r.step()
	r.wantState(next.ID, payout.Announced)
	if r.signer.signatures() != 2 {
		t.Errorf("%d signatures, want 2", r.signer.signatures())
	}

	r.node.Invalidate(theft)
	r.node.Restart()
	r.chain = r.node.Client()
	r.lead()
	r.node.Mine(2)
	r.mustSync()
	r.wantState(b.ID, payout.Announced)
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
	if err := r.conductorWith(down, announcer{r.chain}).Step(t.Context()); err != nil {
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
	for _, who := range []identity.Actor{r.treasurer, r.second} {
		if err := r.service.ResetBreaker(t.Context(), who, r.treasury().Breakers[0].ID); err != nil {
			t.Fatal(err)
		}
	}
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

// deaf answers Info and nothing else.
type deaf struct{ payout.Signer }

func (deaf) Sign(context.Context, signerrpc.Request) (signerrpc.Response, error) {
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "The signer is deaf.")
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
	out, err := r.chain.Submit(r.t.Context(), raw, 10_000)
	if err != nil || !out.Held() {
		r.t.Fatalf("submit: %+v, %v", out, err)
	}
}

// steal spends op with the treasury's key to a stranger and sends back only
// change, as somebody with the seed would.
func (r *rig) steal(op wire.OutPoint, back btcutil.Amount) chainhash.Hash {
	r.t.Helper()
	var own []txbuild.Coin
	var amount btcutil.Amount
	for _, c := range r.treasury().Coins {
		if c.OutPoint == op {
			own, amount = append(own, c.Coin), c.Amount
		}
	}
	const fee = 1000
	descriptor := r.key.Descriptor()
	plan, err := txbuild.Build(txbuild.Request{
		Descriptor: descriptor, Coins: own, Must: []wire.OutPoint{op}, ChangeIndex: 90,
		Payees:  []txbuild.Payee{{Decision: "theft", Script: payeeScript(9999), Amount: amount - back - fee}},
		FeeRate: txbuild.SatPerVB(1), MaxFeeRate: txbuild.SatPerVB(100), MaxFee: 10_000,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for i, out := range plan.PSBT.UnsignedTx.TxOut {
		if plan.Outputs[i].ChangeIndex != nil {
			out.Value = int64(back)
		}
	}
	account, _, err := wallet.AccountXprv(bytes.Repeat([]byte{9}, 32), wallet.KindWPKH, &chaincfg.SimNetParams)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := wallet.SignPSBT(plan.PSBT, account, descriptor); err != nil {
		r.t.Fatal(err)
	}
	signed, err := txbuild.EncodePSBT(plan.PSBT)
	if err != nil {
		r.t.Fatal(err)
	}
	r.sendPSBT(signed)
	return plan.PSBT.UnsignedTx.TxHash()
}
