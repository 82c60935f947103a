package txbuild_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
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

// handedOut returns a copy of a packet, as a signer gets it.
func handedOut(t testing.TB, packet *psbt.Packet) *psbt.Packet {
	t.Helper()
	raw, err := txbuild.EncodePSBT(packet)
	if err != nil {
		t.Fatal(err)
	}
	again, err := txbuild.ParsePSBT(raw)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// Three signers work on copies of their own; any two of them are enough.
func TestMergeCombinesSigners(t *testing.T) {
	t.Parallel()
	tr, plan, _ := approved(t, wallet.KindWSH)
	who := tr.Descriptor.Fingerprints()
	for _, pair := range [][]int{{0, 1}, {2, 0}, {1, 2}, {2, 1, 0}} {
		own := plan.PSBT
		for n, signer := range pair {
			theirs := handedOut(t, plan.PSBT)
			tr.SignWith(t, theirs, signer)
			merged, err := txbuild.Merge(own, theirs)
			if err != nil {
				t.Fatal(err)
			}
			own = merged
			p, err := txbuild.Missing(own, tr.Descriptor)
			if err != nil || p.Need != 2 || p.Missing != max(0, 1-n) || p.Complete() != (n > 0) || len(p.Signed) != n+1 || len(p.Open) != 2-n {
				t.Errorf("%v after %d: %+v, %v", pair, n+1, p, err)
			}
			if !slices.Contains(p.Signed, who[signer]) {
				t.Errorf("%s signed and is not among %v", who[signer], p.Signed)
			}
			if _, txid, err := txbuild.ExtractSigned(own, tr.Descriptor); (err == nil) != (n > 0) || (err == nil && txid != plan.TxID) {
				t.Errorf("%v after %d signatures: %s, %v", pair, n+1, txid, err)
			}
		}
	}
}

// Two people who signed half of the inputs each are nobody who signed all, and
// yet every input may have enough.
func TestMissingCountsInputs(t *testing.T) {
	t.Parallel()
	tr, plan, _ := approved(t, wallet.KindWSH)
	for i := range 3 {
		tr.SignWith(t, plan.PSBT, i)
	}
	for i := range plan.PSBT.Inputs {
		in := &plan.PSBT.Inputs[i]
		in.PartialSigs = slices.Delete(in.PartialSigs, i, i+1) // sorted by key
	}
	p, err := txbuild.Missing(plan.PSBT, tr.Descriptor)
	if err != nil || !p.Complete() || len(p.Signed) == 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor); err != nil {
		t.Error(err)
	}
	plan.PSBT.Inputs[0].PartialSigs = nil
	if p, err := txbuild.Missing(plan.PSBT, tr.Descriptor); err != nil || p.Missing != 2 || len(p.Open) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
}

// The weight that was reckoned with is never exceeded, and is exact for the
// signatures that came.
func TestMultisigWeight(t *testing.T) {
	t.Parallel()
	for _, kn := range [][2]int{{1, 1}, {2, 3}, {3, 5}, {2, 8}} {
		tr := txtest.NewMultisig(t, kn[0], kn[1], newTreasury(t, wallet.KindTR).Descriptor.Net(), "weights")
		plan, err := txbuild.Build(request(t, tr, []btcutil.Amount{3_000_000, 1_500_000}, []btcutil.Amount{4_000_000}))
		if err != nil {
			t.Fatal(err)
		}
		tr.Sign(t, plan.PSBT)
		raw, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := txbuild.VerifyRaw(raw, plan.PSBT, tr.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		exact := int64(4*plan.PSBT.UnsignedTx.SerializeSizeStripped() + 2)
		for _, in := range tx.TxIn {
			var lens []int
			for _, sig := range in.Witness[1 : 1+kn[0]] {
				lens = append(lens, len(sig))
			}
			exact += tr.Descriptor.SignedInputWeight(lens...) - 4*41
		}
		if got := txbuild.Weight(tx); got != exact || got > plan.Weight {
			t.Errorf("%d of %d weighs %d, reckoned %d and at most %d", kn[0], kn[1], got, exact, plan.Weight)
		}
	}
}

func TestMergeRefusesBadSignatures(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		for name, spoil := range map[string]func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet){
			"of another input": func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
				p.Inputs[1].PartialSigs, p.Inputs[1].TaprootKeySpendSig = p.Inputs[0].PartialSigs, p.Inputs[0].TaprootKeySpendSig
			},
			"of another transaction": func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet) {
				other := handedOut(t, p)
				other.UnsignedTx.LockTime--
				tr.Sign(t, other)
				p.Inputs[1].PartialSigs, p.Inputs[1].TaprootKeySpendSig = other.Inputs[1].PartialSigs, other.Inputs[1].TaprootKeySpendSig
			},
			"finished, with nothing in it": func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
				p.Inputs[1].FinalScriptWitness = []byte{1, 0}
			},
		} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				tr, plan, _ := approved(t, kind)
				signed := handedOut(t, plan.PSBT)
				tr.Sign(t, signed)
				spoil(t, tr, signed)
				_, err := txbuild.Merge(plan.PSBT, signed)
				var e *errs.Error
				if !errors.As(err, &e) || e.Code != "bad_signature" || e.Params["input"] != "1" || !strings.Contains(e.Message, "input 1") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// Each case changes one thing and names what has to be said about it.
func TestDiffShowsEveryChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, p *psbt.Packet)
		says   []string
	}{
		{"output's amount", func(_ *testing.T, p *psbt.Packet) { p.UnsignedTx.TxOut[1].Value = 7 }, []string{"Output 1 was ", " and is 7 sat."}},
		{"output's script", func(t *testing.T, p *psbt.Packet) {
			p.UnsignedTx.TxOut[0].PkScript = txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 99)
		}, []string{"Output 0 went to ", " and goes to sb1q"}},
		{"output added", func(_ *testing.T, p *psbt.Packet) {
			p.UnsignedTx.AddTxOut(wire.NewTxOut(5, []byte{0x51}))
			p.Outputs = append(p.Outputs, psbt.POutput{})
		}, []string{"It had 4 outputs and has 5.", "Output 4, 5 sat to script 51, was added."}},
		{"output taken out", func(_ *testing.T, p *psbt.Packet) {
			p.UnsignedTx.TxOut, p.Outputs = p.UnsignedTx.TxOut[:3], p.Outputs[:3]
		}, []string{"It had 4 outputs and has 3.", "was taken out."}},
		{"another coin", func(_ *testing.T, p *psbt.Packet) { p.UnsignedTx.TxIn[1].PreviousOutPoint.Index = 9 }, []string{"Input 1 spent ", ":9."}},
		{"input added", func(_ *testing.T, p *psbt.Packet) {
			p.UnsignedTx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
			p.Inputs = append(p.Inputs, psbt.PInput{})
		}, []string{"It had 2 inputs and has 3."}},
		{"sequence", func(_ *testing.T, p *psbt.Packet) { p.UnsignedTx.TxIn[0].Sequence = 0xffffffff }, []string{"Input 0 had sequence fffffffd and has ffffffff."}},
		{"lock time", func(_ *testing.T, p *psbt.Packet) { p.UnsignedTx.LockTime = 1 }, []string{"The lock time was ", " and is 1."}},
		{"version", func(_ *testing.T, p *psbt.Packet) { p.UnsignedTx.Version = 1 }, []string{"version was 2 and is 1."}},
		{"stated amount", func(_ *testing.T, p *psbt.Packet) { p.Inputs[0].WitnessUtxo.Value = 12 }, []string{"Input 0 was worth ", " and is stated as 12 sat."}},
		{"stated script", func(_ *testing.T, p *psbt.Packet) { p.Inputs[0].WitnessUtxo.PkScript = []byte{0x51} }, []string{"Input 0 belonged to sb1", "stated as script 51."}},
		{"previous transaction", func(_ *testing.T, p *psbt.Packet) { p.Inputs[0].NonWitnessUtxo.LockTime++ }, []string{"Input 0 came with previous transaction "}},
		{"sighash type", func(_ *testing.T, p *psbt.Packet) { p.Inputs[1].SighashType = txscript.SigHashSingle }, []string{"Input 1 asked for signature type 0x0 and asks for 0x3."}},
		{"redeem script", func(_ *testing.T, p *psbt.Packet) { p.Inputs[1].RedeemScript = []byte{0x51} }, []string{"Input 1 had no redeem script and has 51."}},
		{"witness script", func(_ *testing.T, p *psbt.Packet) { p.Inputs[1].WitnessScript = []byte{0x51} }, []string{"Input 1 had ", "witness script", " and has 51."}},
		{"taproot script tree", func(_ *testing.T, p *psbt.Packet) { p.Inputs[1].TaprootMerkleRoot = []byte{1} }, []string{"Input 1 had no taproot script tree and has 01."}},
		{"taproot script", func(_ *testing.T, p *psbt.Packet) {
			p.Inputs[0].TaprootLeafScript = []*psbt.TaprootTapLeafScript{{Script: []byte{0x51}}}
		}, []string{"Input 0 had no taproot script 51 and has it."}},
		{"a key's path", func(_ *testing.T, p *psbt.Packet) {
			if in := &p.Inputs[0]; len(in.Bip32Derivation) > 0 {
				in.Bip32Derivation[0].Bip32Path[0]++
			} else {
				in.TaprootBip32Derivation[0].Bip32Path[0]++
			}
		}, []string{"Input 0 named key ", " and names it as ["}},
		{"change fields on a payment", func(_ *testing.T, p *psbt.Packet) {
			for i := range p.Outputs {
				if len(p.Outputs[i].Bip32Derivation)+len(p.Outputs[i].TaprootBip32Derivation) == 0 {
					p.Outputs[i].Bip32Derivation = []*psbt.Bip32Derivation{{PubKey: make([]byte, 33), Bip32Path: []uint32{1, 4}}}
					return
				}
			}
		}, []string{"Output ", " did not name key 00", " and names it as [00000000/1/4]."}},
		{"output's witness script", func(_ *testing.T, p *psbt.Packet) {
			for i := range p.Outputs {
				p.Outputs[i].WitnessScript = []byte{0x51}
			}
		}, []string{"Output 0 had ", "witness script"}},
	} {
		for _, kind := range allKinds() {
			t.Run(string(kind)+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				tr, plan, _ := approved(t, kind)
				got := handedOut(t, plan.PSBT)
				tr.Sign(t, got)
				if d := txbuild.Diff(plan.PSBT, got); len(d) > 0 {
					t.Fatalf("before the change: %v", d)
				}
				tc.change(t, got)
				said := strings.Join(txbuild.DiffOn(plan.PSBT, got, tr.Descriptor.Net()), "\n")
				for _, want := range tc.says {
					if !strings.Contains(said, want) {
						t.Errorf("%q does not say %q", said, want)
					}
				}
				_, err := txbuild.Merge(plan.PSBT, got)
				if !errs.Is(err, "psbt_changed") || errs.KindOf(err) != errs.Invalid {
					t.Errorf("merged: %v", err)
				}
			})
		}
	}
}

// What a signing device leaves out or adds for itself is no change, and none of
// it is taken over.
func TestDiffLetsDevicesBe(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr, plan, _ := approved(t, kind)
		signed := handedOut(t, plan.PSBT)
		tr.Sign(t, signed)
		whole := txscript.SigHashAll
		if kind == wallet.KindTR {
			whole = txscript.SigHashDefault
		}
		for i := range signed.Inputs {
			in := &signed.Inputs[i]
			signed.Inputs[i] = psbt.PInput{
				PartialSigs: in.PartialSigs, TaprootKeySpendSig: in.TaprootKeySpendSig, SighashType: whole,
				Unknowns: []*psbt.Unknown{{Key: []byte{0xfc, 1}, Value: []byte{2}}},
			}
		}
		for i := range signed.Outputs {
			signed.Outputs[i] = psbt.POutput{}
		}
		signed.Unknowns = []*psbt.Unknown{{Key: []byte{0xfc, 3}, Value: []byte{4}}}
		merged, err := txbuild.Merge(plan.PSBT, handedOut(t, signed))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if _, txid, err := txbuild.ExtractSigned(merged, tr.Descriptor); err != nil || txid != plan.TxID {
			t.Errorf("%s: %s, %v", kind, txid, err)
		}
		if len(merged.Unknowns) > 0 || len(merged.Inputs[0].Unknowns) > 0 || merged.Inputs[0].SighashType != 0 {
			t.Errorf("%s: a device's own fields were taken over", kind)
		}
		raw, err := txbuild.EncodePSBT(merged)
		if err != nil || !bytes.Contains(raw, plan.PSBT.Inputs[0].WitnessUtxo.PkScript) {
			t.Errorf("%s: what was left out is gone: %v", kind, err)
		}
	}
}

func TestVerifySplitAndVoid(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
		tr := newTreasury(t, kind)
		r := request(t, tr, []btcutil.Amount{3_000_000, 1_500_000}, nil)
		r.Must = []wire.OutPoint{r.Coins[0].OutPoint, r.Coins[1].OutPoint}
		plan, err := txbuild.Build(r)
		if err != nil {
			t.Fatal(err)
		}
		want := txbuild.Want{
			Descriptor: r.Descriptor, Must: r.Must, ChangeIndex: r.ChangeIndex,
			MaxFeeRate: r.MaxFeeRate, MaxFee: r.MaxFee,
		}
		if err := txbuild.Verify(plan.PSBT, want); err != nil {
			t.Fatalf("%s: a void: %v", kind, err)
		}
		tx := plan.PSBT.UnsignedTx
		whole := tx.TxOut[0].Value
		split := func(amounts ...int64) {
			script := tx.TxOut[0].PkScript
			tx.TxOut, plan.PSBT.Outputs = nil, make([]psbt.POutput, len(amounts))
			for _, amount := range amounts {
				tx.AddTxOut(wire.NewTxOut(amount, script))
			}
		}
		for _, tc := range []struct {
			outputs int
			amounts []int64
			ok      bool
		}{
			{0, []int64{whole}, true},
			{1, []int64{whole}, true},
			{0, []int64{whole / 2, whole / 2}, false},
			{2, []int64{whole/2 - 500, whole/2 - 500}, true},
			{2, []int64{whole/2 - 500, whole/2 - 501}, false},
			{3, []int64{whole/2 - 500, whole/2 - 500}, false},
			{2, []int64{whole/3 - 500, whole/3 - 500, whole/3 - 500}, false},
			{2, []int64{whole - 1000}, false},
		} {
			split(tc.amounts...)
			want.ChangeOutputs = tc.outputs
			if err := txbuild.Verify(plan.PSBT, want); (err == nil) != tc.ok {
				t.Errorf("%s: %d outputs of %v: %v", kind, tc.outputs, tc.amounts, err)
			}
		}
	}
}
