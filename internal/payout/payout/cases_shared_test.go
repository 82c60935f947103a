package payout_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// sharedKeys are the three keys of a 2-of-3 treasury; their seeds are 21, 22 and 23
// in every byte.
func sharedKeys(t testing.TB) []*signer.Key {
	t.Helper()
	net := &chaincfg.SimNetParams
	seeds := [][]byte{bytes.Repeat([]byte{21}, 32), bytes.Repeat([]byte{22}, 32), bytes.Repeat([]byte{23}, 32)}
	var expressions []string
	for _, seed := range seeds {
		e, err := wallet.KeyExpression(seed, wallet.KindWSH, net)
		if err != nil {
			t.Fatal(err)
		}
		expressions = append(expressions, e)
	}
	d, err := wallet.MultisigDescriptor(2, expressions, net)
	if err != nil {
		t.Fatal(err)
	}
	var keys []*signer.Key
	for _, seed := range seeds {
		key, err := signer.NewSharedKey(seed, d.String(), net)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// newSharedRig is a rig for a 2-of-3 treasury with signers for its first keys.
func newSharedRig(t testing.TB, hosted int, deposits ...btcutil.Amount) (*rig, []*signer.Key) {
	t.Helper()
	keys := sharedKeys(t)
	return newRigOf(t, keys[0], keys[:hosted], deposits...), keys
}

// export returns what people are given to sign, and who has signed it.
func (r *rig) export(b payout.Batch) ([]byte, payout.SignatureStatus) {
	r.t.Helper()
	file, status, err := r.service.ExportPSBT(r.t.Context(), r.treasurer, b.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return file.PSBT, status
}

// signElsewhere returns an exported PSBT with the signatures of one key.
func (r *rig) signElsewhere(raw []byte, seed byte) []byte {
	r.t.Helper()
	packet, err := txbuild.ParsePSBT(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.signedBy(seed, packet)
}

// TestTwoSignersOfThree takes a 2-of-3 batch from composed to final, with a bump and
// a second batch that is taken back.
func TestTwoSignersOfThree(t *testing.T) {
	t.Parallel()
	r, _ := newSharedRig(t, 2, coin, coin)
	rec := r.bumped(2)
	if n := r.signers[1].signatures(); n != 2 || r.signer.signatures() != 2 {
		t.Errorf("%d and %d signatures, want 2 of each signer", r.signer.signatures(), n)
	}
	r.mine(1)
	r.wantState(rec.Batch.ID, payout.Mined)
	back := r.broadcast(1)
	r.void(back.ID)
	r.step()
	r.mine(finalDepth)
	r.wantState(rec.Batch.ID, payout.Final)
	r.wantState(back.ID, payout.Voided)
}

// TestASignerThatIsDownWaitsForPeople has one of two signers fail after the point of
// no return: the other one's signature is kept, whichever is asked first, and the
// holder of the third key brings what is missing.
func TestASignerThatIsDownWaitsForPeople(t *testing.T) {
	t.Parallel()
	r, keys := newSharedRig(t, 2, coin, coin)
	for down := range 2 {
		b := r.approved(1)
		signers := []conductor.Signer{r.signers[0].client(), r.signers[1].client()}
		signers[down] = deaf{signers[down]}
		for range 2 {
			if err := r.conductorOf(signers...).Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		rec := r.wantState(b.ID, payout.Signing)
		if !strings.Contains(rec.Batch.LastError, "deaf") {
			t.Errorf("last error %q", rec.Batch.LastError)
		}
		raw, status := r.export(b)
		want := payout.SignatureStatus{Needed: 2, Total: 3, Signed: []string{keys[1-down].Fingerprint()}, Missing: 1}
		if diff := cmp.Diff(want, status); diff != "" {
			t.Fatalf("signatures with signer %d down (-want +got):\n%s", down, diff)
		}
		status, err := r.service.ImportPSBT(t.Context(), r.second, b.ID, r.signElsewhere(raw, 23))
		if err != nil || status.Missing != 0 || len(status.Signed) != 2 {
			t.Fatalf("import: %+v, %v", status, err)
		}
		if err := r.conductorOf(signers...).Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantState(b.ID, payout.Broadcast)
		r.mine(1)
		r.wantState(b.ID, payout.Mined)
	}
}

// TestPeopleBringEverySignature has no signer at all: a batch waits in signing, from
// where it can be taken back and not cancelled; what comes back changed is refused
// with the difference, and a signature is counted once.
func TestPeopleBringEverySignature(t *testing.T) {
	t.Parallel()
	r, keys := newSharedRig(t, 0, coin, coin)
	b := r.approved(1)
	for range 3 {
		r.step()
	}
	rec := r.wantState(b.ID, payout.Signing)
	if rec.Batch.LastError != "" {
		t.Errorf("waiting for people is called an error: %q", rec.Batch.LastError)
	}
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); codeOf(err) != "wrong_state" {
		t.Errorf("cancel with a PSBT out: %v, want wrong_state", err)
	}
	raw, status := r.export(b)
	if status.Needed != 2 || status.Total != 3 || status.Missing != 2 || len(status.Signed) != 0 {
		t.Errorf("nobody has signed: %+v", status)
	}

	changed, err := txbuild.ParsePSBT(raw)
	if err != nil {
		t.Fatal(err)
	}
	changed.UnsignedTx.TxOut[0].Value -= 77
	_, err = r.service.ImportPSBT(t.Context(), r.treasurer, b.ID, r.signedBy(22, changed))
	if codeOf(err) != "psbt_changed" || !strings.Contains(err.Error(), "Output 0 was") {
		t.Errorf("a changed amount: %v, want psbt_changed and which output", err)
	}
	if _, err := r.service.ImportPSBT(t.Context(), r.treasurer, b.ID, raw); codeOf(err) != "nothing_signed" {
		t.Errorf("an unsigned one: %v, want nothing_signed", err)
	}
	first := r.signElsewhere(raw, 22)
	if _, err := r.service.ImportPSBT(t.Context(), r.treasurer, b.ID, first); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.ImportPSBT(t.Context(), r.second, b.ID, first); codeOf(err) != "nothing_signed" {
		t.Errorf("the same again: %v, want nothing_signed", err)
	}
	r.step()
	r.wantState(b.ID, payout.Signing)
	status, err = r.service.ImportPSBT(t.Context(), r.second, b.ID, r.signElsewhere(raw, 23)) // from the file of before
	if want := []string{keys[1].Fingerprint(), keys[2].Fingerprint()}; err != nil || !cmp.Equal(want, status.Signed) {
		t.Fatalf("signed by %v, %v, want %v", status.Signed, err, want)
	}
	r.step()
	r.wantState(b.ID, payout.Broadcast)
	if _, _, err := r.service.ExportPSBT(t.Context(), r.treasurer, b.ID); codeOf(err) != "wrong_state" {
		t.Errorf("export of a signed batch: %v, want wrong_state", err)
	}
	r.mine(1)
	r.wantState(b.ID, payout.Mined)

	// A batch that nobody has signed yet may have been, so it is only taken back.
	out := r.approved(1)
	r.step()
	r.void(out.ID)
	r.step()
	raw, _ = r.export(out)
	for _, seed := range []byte{21, 22} {
		if _, err := r.service.ImportPSBT(t.Context(), r.treasurer, out.ID, r.signElsewhere(raw, seed)); err != nil {
			t.Fatal(err)
		}
	}
	r.step()
	r.mine(finalDepth)
	r.wantState(out.ID, payout.Voided)
}

// TestATaprootTreasury bumps, voids and pays from a key-path treasury.
func TestATaprootTreasury(t *testing.T) {
	t.Parallel()
	key := singleKey(t, wallet.KindTR)
	r := newRigOf(t, key, []*signer.Key{key}, coin, coin)
	rec := r.bumped(2)
	r.mine(1)
	r.wantState(rec.Batch.ID, payout.Mined)
	back := r.broadcast(1)
	r.void(back.ID)
	r.step()
	r.mine(finalDepth)
	r.wantState(rec.Batch.ID, payout.Final)
	r.wantState(back.ID, payout.Voided)
}
