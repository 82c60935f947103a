package signer_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// Two of three signers, each with a journal of its own, make a transaction
// whole; the one asked again gives the same bytes.
func TestEachSignerAddsItsOwnSignature(t *testing.T) {
	t.Parallel()
	keys := sharedKeys(t)
	req := newDraft(t, keys[0]).request(t)
	whole := unpacked(t, req.PSBT, req)
	for i, key := range keys[:2] {
		s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), fakeClock())
		resp, err := s.Sign(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Sign(t.Context(), req)
		if diff := cmp.Diff(resp, again); err != nil || diff != "" {
			t.Errorf("%v (-first +again):\n%s", err, diff)
		}
		part := unpacked(t, resp.PSBT, req)
		for n, in := range part.Inputs {
			if len(in.PartialSigs) != 1 {
				t.Fatalf("signer %d, input %d: %d signatures", i, n, len(in.PartialSigs))
			}
			whole.Inputs[n].PartialSigs = append(whole.Inputs[n].PartialSigs, in.PartialSigs...)
		}
		signed, err := key.Descriptor().SignedBy(part)
		if diff := cmp.Diff([]string{key.Fingerprint()}, signed); err != nil || diff != "" {
			t.Errorf("signed by (-want +got): %v\n%s", err, diff)
		}
		req2 := req
		req2.PSBT = resp.PSBT
		if _, err := s.Sign(t.Context(), req2); !errs.Is(err, "unexpected_field") {
			t.Errorf("with a signature already: got %v, want unexpected_field", err)
		}
	}
	if err := psbt.MaybeFinalizeAll(whole); err != nil {
		t.Errorf("two signatures do not make it whole: %v", err)
	}
}

func TestRefusesForSharedKeys(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWSH)
	for _, tc := range []bad{
		{"another witness script", "foreign_input", onInput(func(in *psbt.PInput) { in.WitnessScript = append(in.WitnessScript, 0x51) })},
		{"no witness script", "", onInput(func(in *psbt.PInput) { in.WitnessScript = nil })},
		{"a key less", "foreign_input", onInput(func(in *psbt.PInput) { in.Bip32Derivation = in.Bip32Derivation[1:] })},
		{"wrong index", "foreign_input", func(d *draft) { d.coins[1].index++ }},
		{"redeem script", "unexpected_field", onInput(func(in *psbt.PInput) { in.RedeemScript = []byte{0x51} })},
		{"change with another script", "bad_change", onOutput(func(o *psbt.POutput) { o.WitnessScript = append(o.WitnessScript, 0x51) })},
		{"change with a script alone", "bad_change", onOutput(func(o *psbt.POutput) { o.Bip32Derivation = nil })},
		{"payment with a script", "unexpected_field", onPacket(func(p *psbt.Packet) { p.Outputs[0].WitnessScript = []byte{0x51} })},
		{"sighash", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = 0x81 })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDraft(t, key)
			tc.edit(d)
			_, err := freshSigner(t, wallet.KindWSH).Sign(t.Context(), d.request(t))
			if tc.code == "" && err != nil || tc.code != "" && !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestASharedKeyNeedsItsDescriptor(t *testing.T) {
	t.Parallel()
	seed := bytes.Repeat([]byte{7}, 32)
	key, err := signer.NewKey(seed, wallet.KindWSH, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.New(signer.Config{Key: key, Policy: signer.DefaultPolicy()}); !errs.Is(err, "descriptor_missing") {
		t.Errorf("got %v, want descriptor_missing", err)
	}
	shared := newKey(t, wallet.KindWSH).Descriptor().String()
	if _, err := signer.NewSharedKey(bytes.Repeat([]byte{99}, 32), shared, &chaincfg.SimNetParams); !errs.Is(err, "wrong_key") {
		t.Errorf("a stranger's key: got %v, want wrong_key", err)
	}
	single := newKey(t, wallet.KindTR).Descriptor().String()
	if _, err := signer.NewSharedKey(seed, single, &chaincfg.SimNetParams); !errs.Is(err, "unknown_kind") {
		t.Errorf("a single key's descriptor: got %v, want unknown_kind", err)
	}
}

// A signature that a fault made wrong is noticed before it leaves.
func TestAFaultySignatureIsNoticed(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		key := newKey(t, kind)
		req := newDraft(t, key).request(t)
		resp, err := freshSigner(t, kind).Sign(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		signed := func() *psbt.Packet { return unpacked(t, resp.PSBT, req) }
		if err := signer.VerifySignatures(signed(), key); err != nil {
			t.Errorf("%s: the good one: %v", kind, err)
		}
		for name, fault := range map[string]func(in *psbt.PInput, other psbt.PInput){
			"a bit": func(in *psbt.PInput, _ psbt.PInput) {
				if kind == wallet.KindTR {
					in.TaprootKeySpendSig[40] ^= 1
				} else {
					in.PartialSigs[0].Signature[40] ^= 1
				}
			},
			"of another input": func(in *psbt.PInput, other psbt.PInput) {
				in.TaprootKeySpendSig, in.PartialSigs = other.TaprootKeySpendSig, other.PartialSigs
			},
			"none": func(in *psbt.PInput, _ psbt.PInput) { in.TaprootKeySpendSig, in.PartialSigs = nil, nil },
		} {
			packet := signed()
			fault(&packet.Inputs[1], packet.Inputs[0])
			if err := signer.VerifySignatures(packet, key); err == nil {
				t.Errorf("%s: %s went unnoticed", kind, name)
			}
		}
	}
}
