package payout_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
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
	rec = r.wantState(other.ID, payout.Broadcast)
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
type refusingSigner struct{ conductor.Signer }

func (s refusingSigner) Info(ctx context.Context) (signerrpc.Info, error) {
	info, err := s.Signer.Info(ctx)
	info.MaxFeeRateSatKVB = 1_000_000
	return info, err
}

func TestSignerThatRefusesKeepsTheBatchInSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	r.signer.stop()
	r.signer.start(signer.Policy{MaxFeeRateSatKVB: 2_000, MaxFee: 200_000, MaxFeePermille: 50})
	b := r.approved(1)

	r.step()
	if rec := r.wantState(b.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "signer's own cap") {
		t.Errorf("last error %q", rec.Batch.LastError)
	}

	conductor := r.conductorWith(refusingSigner{r.signer.client()}, broadcaster{r.chain})
	r.clock.Advance(time.Minute)
	if err := conductor.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	rec := r.wantState(b.ID, payout.Signing)
	if !strings.Contains(rec.Batch.LastError, "feerate_above_cap") || r.signer.signatures() != 0 {
		t.Errorf("%d signatures, last error %q", r.signer.signatures(), rec.Batch.LastError)
	}
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); codeOf(err) != "wrong_state" || !strings.Contains(err.Error(), "may still be made") {
		t.Errorf("cancel while signing: %v, want wrong_state and that its payments may still be made", err)
	}

	r.signer.stop()
	r.signer.start(policy())
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)
}

// lossySigner signs and loses every reply.
type lossySigner struct {
	conductor.Signer
	raw *[]byte // the PSBT that got lost, with the previous transactions
}

func (s lossySigner) Sign(ctx context.Context, req signerrpc.Request) (signerrpc.Response, error) {
	resp, err := s.Signer.Sign(ctx, req)
	if err != nil {
		return resp, err
	}
	packet, err := txbuild.Packed{PSBT: resp.PSBT, PrevTxs: req.PrevTxs}.Unpack()
	if err != nil {
		return signerrpc.Response{}, err
	}
	if *s.raw, err = txbuild.EncodePSBT(packet); err != nil {
		return signerrpc.Response{}, err
	}
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "The reply was lost.")
}

// TestSignatureThatGotLostIsFoundInABlock has somebody else send what the signer
// released, then a reorg take it away: the worker has learned the bytes.
func TestSignatureThatGotLostIsFoundInABlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	var lost []byte
	b := r.approved(1)
	if err := r.conductorWith(lossySigner{r.signer.client(), &lost}, broadcaster{r.chain}).Step(t.Context()); err != nil {
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
	r.wantState(b.ID, payout.Broadcast)
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
	packet, err := unpacked(rec.Attempts[0])
	if err != nil {
		t.Fatal(err)
	}
	r.sendPSBT(r.signedBy(9, packet))
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
	r.wantState(b.ID, payout.Broadcast)
}

// TestBadBatchDoesNotBlockTheRest has a batch in the middle that no step can read.
func TestBadBatchDoesNotBlockTheRest(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	first, bad, last := r.approved(1), r.approved(1), r.approved(1)
	r.exec("UPDATE instalment SET payee_script = 'x' WHERE id = (SELECT instalment_id FROM batch_item WHERE batch_id = $1)", bad.ID)
	r.step()

	r.wantState(first.ID, payout.Broadcast)
	r.wantState(last.ID, payout.Broadcast)
	if rec := r.record(bad.ID); !rec.Batch.State.BeforeSigning() || rec.Batch.LastError == "" {
		t.Errorf("bad batch is %s with last error %q", rec.Batch.State, rec.Batch.LastError)
	}
	script := payeeScript(1)
	r.exec("UPDATE instalment SET payee_script = $2 WHERE id = (SELECT instalment_id FROM batch_item WHERE batch_id = $1)", bad.ID, script)
	r.exec("ALTER TABLE attempt_output DISABLE TRIGGER USER")
	r.exec("UPDATE attempt_output SET script = $1 WHERE script = 'x'", script) // only to leave a clean house
}

// deaf answers Info and nothing else.
type deaf struct{ conductor.Signer }

func (deaf) Sign(context.Context, signerrpc.Request) (signerrpc.Response, error) {
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "The signer is deaf.")
}

// otherSigner says that it holds another treasury's key.
type otherSigner struct{ conductor.Signer }

func (s otherSigner) Info(ctx context.Context) (signerrpc.Info, error) {
	info, err := s.Signer.Info(ctx)
	info.Descriptor = strings.ToUpper(info.Descriptor)
	return info, err
}

func TestSignerOfAnotherTreasuryIsNotAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.approved(1)
	if err := r.conductorWith(otherSigner{r.signer.client()}, broadcaster{r.chain}).Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rec := r.wantState(b.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "another treasury") || r.signer.signatures() != 0 {
		t.Errorf("%d signatures, last error %q", r.signer.signatures(), rec.Batch.LastError)
	}
}

// TestBlockThatWasNotStoredIsReadAgain has the database fail while a block with
// payment and deposit is stored, before and after the commit; the same follower
// goes on.
func TestBlockThatWasNotStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	for call := 1; call <= 16; call++ {
		b := r.broadcast(1)
		r.deposit(owed)
		r.node.Mine(1)
		left := call
		tick := func() error {
			if left--; left == 0 {
				return errCrash
			}
			return nil
		}
		follower, _ := r.worker(gate{workerStore: r.store, before: tick, after: tick}, r.epoch)
		if _, err := follower.Sync(t.Context()); (left <= 0) != errors.Is(err, errCrash) {
			t.Fatalf("%d calls were left: %v", left, err)
		}
		if _, err := follower.Sync(t.Context()); err != nil {
			t.Fatalf("after call %d failed: %v", call, err)
		}
		r.wantState(b.ID, payout.Mined)
		r.mine(1)
	}
	if diff := r.treasury().Difference; diff != 0 {
		t.Errorf("difference of %d sat", diff)
	}
}
