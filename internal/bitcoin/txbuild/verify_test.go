package txbuild_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

func allKinds() []wallet.Kind { return []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} }

// approved returns a built plan of two inputs, three payments and change, with
// what was approved.
func approved(t testing.TB, kind wallet.Kind) (*txtest.Treasury, *txbuild.Plan, txbuild.Want) {
	t.Helper()
	tr := newTreasury(t, kind)
	r := request(t, tr, []btcutil.Amount{3_000_000, 1_500_000, 700_000}, []btcutil.Amount{600_000, 700_000, 20_000})
	r.Must = []wire.OutPoint{r.Coins[0].OutPoint, r.Coins[1].OutPoint}
	plan, err := txbuild.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	return tr, plan, txbuild.Want{
		Descriptor: r.Descriptor, Payees: r.Payees, Must: r.Must, ChangeIndex: r.ChangeIndex,
		MaxFeeRate: r.MaxFeeRate, MaxFee: r.MaxFee,
	}
}

func outputOf(t testing.TB, plan *txbuild.Plan, change bool) int {
	t.Helper()
	for _, o := range plan.Outputs {
		if (o.ChangeIndex != nil) == change {
			return o.Vout
		}
	}
	t.Fatal("no such output")
	return 0
}

func TestVerifyCatches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		tamper func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want)
	}{
		{"payee's amount raised", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, false)].Value++
		}},
		{"payee's amount lowered", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, false)].Value--
		}},
		{"payee's script swapped", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, false)].PkScript = txtest.PayeeScript(t, txscript.WitnessV1TaprootTy, 99)
		}},
		{"change sent elsewhere", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].PkScript = txtest.PayeeScript(t, txscript.WitnessV1TaprootTy, 99)
		}},
		{"change at another index", func(_ *testing.T, _ *txbuild.Plan, _ *wire.MsgTx, w *txbuild.Want) { w.ChangeIndex++ }},
		{"change given to the miner", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].Value = 1_000
			w.MaxFee = 100_000
		}},
		{"change cut to dust", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].Value = 200
			w.MaxFeeRate = 1_000_000_000
		}},
		{"change twice", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			out := tx.TxOut[outputOf(t, plan, true)]
			out.Value /= 2
			tx.AddTxOut(wire.NewTxOut(out.Value, out.PkScript))
		}},
		{"an output that nobody approved", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].Value -= 5_000
			tx.AddTxOut(wire.NewTxOut(5_000, txtest.PayeeScript(t, txscript.PubKeyHashTy, 98)))
		}},
		{"a payee paid twice", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			out := *tx.TxOut[outputOf(t, plan, false)]
			tx.TxOut[outputOf(t, plan, true)].Value -= out.Value
			tx.AddTxOut(&out)
		}},
		{"a payee left out", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			i := outputOf(t, plan, false)
			tx.TxOut[outputOf(t, plan, true)].Value += tx.TxOut[i].Value
			tx.TxOut = append(tx.TxOut[:i], tx.TxOut[i+1:]...)
		}},
		{"one approval more", func(t *testing.T, _ *txbuild.Plan, _ *wire.MsgTx, w *txbuild.Want) {
			w.Payees = append(w.Payees, txbuild.Payee{Decision: "x", Script: w.Payees[0].Script, Amount: 999})
		}},
		{"more paid than spent", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].Value += 10_000_000
		}},
		{"an impossible amount", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxOut[outputOf(t, plan, true)].Value = 1 << 62
		}},
		{"fee cap", func(_ *testing.T, plan *txbuild.Plan, _ *wire.MsgTx, w *txbuild.Want) { w.MaxFee = plan.Fee - 1 }},
		{"rate cap", func(_ *testing.T, plan *txbuild.Plan, _ *wire.MsgTx, w *txbuild.Want) {
			w.MaxFeeRate = plan.FeeRate - 10
		}},
		{"anchor not spent", func(_ *testing.T, _ *txbuild.Plan, _ *wire.MsgTx, w *txbuild.Want) {
			w.Must = append(w.Must, wire.OutPoint{Index: 3})
		}},
		{"an input twice", func(_ *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			w.Must, w.MaxFeeRate = nil, 1_000_000_000
			large, small := 0, 1
			if plan.Inputs[0].Amount < plan.Inputs[1].Amount {
				large, small = 1, 0
			}
			tx.TxIn[small].PreviousOutPoint = tx.TxIn[large].PreviousOutPoint
			plan.PSBT.Inputs[small] = plan.PSBT.Inputs[large]
		}},
		{"another sequence", func(_ *testing.T, _ *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) { tx.TxIn[0].Sequence++ }},
		{"another version", func(_ *testing.T, _ *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) { tx.Version = 3 }},
		{"lock time that is a date", func(_ *testing.T, _ *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) { tx.LockTime = 1 << 31 }},
		{"no inputs", func(_ *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			w.Must, tx.TxIn, plan.PSBT.Inputs = nil, nil, nil
		}},
		{"an input without its transaction", func(_ *testing.T, plan *txbuild.Plan, _ *wire.MsgTx, _ *txbuild.Want) {
			plan.PSBT.Inputs[0].NonWitnessUtxo = nil
		}},
		{"a fee made small by a stated amount", func(_ *testing.T, plan *txbuild.Plan, _ *wire.MsgTx, _ *txbuild.Want) {
			plan.PSBT.Inputs[0].WitnessUtxo.Value -= 1_000
		}},
		{"no outputs", func(_ *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			tx.TxOut, w.Payees, w.MaxFeeRate = nil, nil, 1_000_000_000
		}},
		{"too heavy", func(t *testing.T, plan *txbuild.Plan, tx *wire.MsgTx, w *txbuild.Want) {
			payee := txbuild.Payee{Script: txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 5), Amount: 600}
			for range 3_200 {
				tx.AddTxOut(wire.NewTxOut(int64(payee.Amount), payee.Script))
				w.Payees = append(w.Payees, payee)
				tx.TxOut[outputOf(t, plan, true)].Value -= int64(payee.Amount)
			}
		}},
		{"a signed input", func(_ *testing.T, _ *txbuild.Plan, tx *wire.MsgTx, _ *txbuild.Want) {
			tx.TxIn[0].SignatureScript = []byte{0}
		}},
	} {
		for _, kind := range allKinds() {
			t.Run(string(kind)+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				_, plan, want := approved(t, kind)
				if err := txbuild.Verify(plan.PSBT, want); err != nil {
					t.Fatalf("before tampering: %v", err)
				}
				tc.tamper(t, plan, plan.PSBT.UnsignedTx, &want)
				if err := txbuild.Verify(plan.PSBT, want); !errs.Is(err, "plan_mismatch") {
					t.Errorf("got %v, want plan_mismatch", err)
				}
			})
		}
	}
}

func TestExtractSignedCatches(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		tamper func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet)
	}{
		{"a missing signature", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].PartialSigs, p.Inputs[1].TaprootKeySpendSig = nil, nil
		}},
		{"signatures swapped", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			a, b := &p.Inputs[0], &p.Inputs[1]
			a.PartialSigs, b.PartialSigs = b.PartialSigs, a.PartialSigs
			a.TaprootKeySpendSig, b.TaprootKeySpendSig = b.TaprootKeySpendSig, a.TaprootKeySpendSig
		}},
		{"an output changed after signing", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.UnsignedTx.TxOut[0].Value--
		}},
		{"an input that is not ours", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[0].Bip32Derivation, p.Inputs[0].TaprootBip32Derivation = nil, nil
		}},
		{"a signature over less", func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet) { signNone(t, tr, p) }},
	} {
		for _, kind := range allKinds() {
			t.Run(string(kind)+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				tr, plan, _ := approved(t, kind)
				tr.Sign(t, plan.PSBT)
				tc.tamper(t, tr, plan.PSBT)
				if _, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor); !errs.Is(err, "bad_signature") {
					t.Errorf("got %v, want bad_signature", err)
				}
			})
		}
	}
}

// signNone replaces the first signature by a valid one that leaves the outputs
// open, as a careless signer might make.
func signNone(t *testing.T, tr *txtest.Treasury, p *psbt.Packet) {
	t.Helper()
	_, chain, index, err := tr.Descriptor.OwnInput(&p.Inputs[0], p.UnsignedTx.TxIn[0].PreviousOutPoint)
	if err != nil {
		t.Fatal(err)
	}
	key := tr.Account
	for _, step := range []uint32{chain, index} {
		if key, err = key.Derive(step); err != nil {
			t.Fatal(err)
		}
	}
	priv, err := key.ECPrivKey()
	if err != nil {
		t.Fatal(err)
	}
	prevouts, err := tr.Descriptor.Prevouts(p)
	if err != nil {
		t.Fatal(err)
	}
	hashes := txscript.NewTxSigHashes(p.UnsignedTx, prevouts)
	prev := prevouts.FetchPrevOutput(p.UnsignedTx.TxIn[0].PreviousOutPoint)
	p.Inputs[0].SighashType = txscript.SigHashNone
	if tr.Descriptor.Kind() == wallet.KindTR {
		sig, err := txscript.RawTxInTaprootSignature(p.UnsignedTx, hashes, 0, prev.Value, prev.PkScript, nil, txscript.SigHashNone, priv)
		if err != nil {
			t.Fatal(err)
		}
		p.Inputs[0].TaprootKeySpendSig = sig
		return
	}
	code := prev.PkScript
	if tr.Descriptor.Kind() == wallet.KindWSH {
		code = p.Inputs[0].WitnessScript
	}
	sig, err := txscript.RawTxInWitnessSignature(p.UnsignedTx, hashes, 0, prev.Value, code, txscript.SigHashNone, priv)
	if err != nil {
		t.Fatal(err)
	}
	for _, partial := range p.Inputs[0].PartialSigs {
		if bytes.Equal(partial.PubKey, priv.PubKey().SerializeCompressed()) {
			partial.Signature = sig
		}
	}
}

func signedWithLockTime(t *testing.T, kind wallet.Kind, height uint32) []byte {
	t.Helper()
	tr, plan, _ := approved(t, kind)
	plan.PSBT.UnsignedTx.LockTime = height
	tr.Sign(t, plan.PSBT)
	raw, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestVerifyRawCatches(t *testing.T) {
	t.Parallel()
	tr, plan, _ := approved(t, wallet.KindTR)
	tr.Sign(t, plan.PSBT)
	raw, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	// A transaction that we signed too, and that is not this one.
	other := signedWithLockTime(t, wallet.KindTR, 899_999)
	flipped := bytes.Clone(raw)
	flipped[len(raw)-20] ^= 1 // in the last signature: the txid stays
	for name, bad := range map[string][]byte{
		"empty": nil, "cut": raw[:len(raw)-1], "trailing": append(bytes.Clone(raw), 0), "flipped": flipped, "other": other,
	} {
		if _, err := txbuild.VerifyRaw(bad, plan.PSBT, tr.Descriptor); !errs.Is(err, "bad_signature") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signer can add signatures to our PSBT and change nothing else in it.
func TestMergeTakesOnlySignatures(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr, plan, _ := approved(t, kind)
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := txbuild.ParsePSBT(raw)
		if err != nil {
			t.Fatal(err)
		}
		tr.Sign(t, signed)
		signed.Inputs[0].NonWitnessUtxo = nil
		signed.Outputs[0].Bip32Derivation = nil
		merged, err := txbuild.Merge(plan.PSBT, signed)
		if err != nil {
			t.Fatal(err)
		}
		if _, txid, err := txbuild.ExtractSigned(merged, tr.Descriptor); err != nil || txid != plan.TxID {
			t.Errorf("%s: %s, %v", kind, txid, err)
		}
		signed.UnsignedTx.LockTime++
		if _, err := txbuild.Merge(plan.PSBT, signed); !errs.Is(err, "psbt_changed") {
			t.Errorf("%s: another transaction: %v", kind, err)
		}
	}
}

// A hardware wallet may hand back finished inputs in place of signatures.
func TestMergeTakesFinishedInputs(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr, plan, _ := approved(t, kind)
		raw, err := txbuild.EncodePSBT(plan.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		finished, err := txbuild.ParsePSBT(raw)
		if err != nil {
			t.Fatal(err)
		}
		tr.Sign(t, finished)
		if err := psbt.MaybeFinalizeAll(finished); err != nil {
			t.Fatal(err)
		}
		merged, err := txbuild.Merge(plan.PSBT, finished)
		if err != nil {
			t.Fatal(err)
		}
		if _, txid, err := txbuild.ExtractSigned(merged, tr.Descriptor); err != nil || txid != plan.TxID {
			t.Errorf("%s: %s, %v", kind, txid, err)
		}
	}
}
