package signer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/psbt/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// consolidating is a request that makes one coin of n.
func consolidating(t *testing.T, key *signer.Key, n int) signerrpc.Request {
	t.Helper()
	d := newUpkeep(t, key, decision.UpkeepConsolidate, 1)
	d.coins = nil
	for i := range uint32(n) {
		d.coins = append(d.coins, newCoin(t, key.Descriptor(), i, 50_000))
	}
	d.fee = 20_000
	return d.request(t)
}

// TestManyInputsAreSignedTheSameEachTime signs more inputs than there are cores with
// signers that have derived nothing yet: the bytes do not depend on which core was
// faster. Of several wrong signatures it is always the first that is named.
func TestManyInputsAreSignedTheSameEachTime(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			const inputs, wrong = 64, 9
			key := newKey(t, kind)
			req := consolidating(t, key, inputs)
			var first []byte
			for range 3 {
				answer, err := freshSigner(t, kind).Sign(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = answer.PSBT
				}
				if !bytes.Equal(answer.PSBT, first) {
					t.Fatal("the same request got another answer")
				}
			}
			packet, err := psbt.NewFromRawBytes(bytes.NewReader(first), false)
			if err != nil {
				t.Fatal(err)
			}
			if err := wallet.GivePrevTxs(packet, req.PrevTxs); err != nil {
				t.Fatal(err)
			}
			if err := signer.VerifySignatures(packet, key); err != nil {
				t.Fatalf("the signer's own signatures: %v", err)
			}
			for i := wrong; i < inputs; i += 3 {
				in, other := &packet.Inputs[i], packet.Inputs[(i+1)%inputs]
				in.PartialSigs, in.TaprootKeySpendSig = other.PartialSigs, other.TaprootKeySpendSig
			}
			for range 5 {
				if err := signer.VerifySignatures(packet, key); err == nil || !strings.HasPrefix(err.Error(), "input 9: ") {
					t.Fatalf("got %v, want that input %d does not verify", err, wrong)
				}
			}
		})
	}
}
