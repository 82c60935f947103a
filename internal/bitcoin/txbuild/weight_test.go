package txbuild_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// finish returns the network form of a signed packet, put together from the
// signatures alone and run through the script engine.
func finish(t testing.TB, d *wallet.Descriptor, packet *psbt.Packet) *wire.MsgTx {
	t.Helper()
	tx := packet.UnsignedTx.Copy()
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i := range packet.Inputs {
		in := &packet.Inputs[i]
		prevouts.AddPrevOut(tx.TxIn[i].PreviousOutPoint, in.WitnessUtxo)
		slices.SortFunc(in.PartialSigs, func(a, b *psbt.PartialSig) int { return bytes.Compare(a.PubKey, b.PubKey) })
		switch d.Kind() {
		case wallet.KindTR:
			tx.TxIn[i].Witness = wire.TxWitness{in.TaprootKeySpendSig}
		case wallet.KindWPKH:
			tx.TxIn[i].Witness = wire.TxWitness{in.PartialSigs[0].Signature, in.PartialSigs[0].PubKey}
		case wallet.KindWSH:
			tx.TxIn[i].Witness = wire.TxWitness{nil}
			for _, sig := range in.PartialSigs {
				tx.TxIn[i].Witness = append(tx.TxIn[i].Witness, sig.Signature)
			}
			tx.TxIn[i].Witness = append(tx.TxIn[i].Witness, in.WitnessScript)
		}
	}
	hashes := txscript.NewTxSigHashes(tx, prevouts)
	for i, in := range packet.Inputs {
		engine, err := txscript.NewEngine(in.WitnessUtxo.PkScript, tx, i, txscript.StandardVerifyFlags, nil, hashes, in.WitnessUtxo.Value, prevouts)
		if err != nil {
			t.Fatal(err)
		}
		if err := engine.Execute(); err != nil {
			t.Fatalf("input %d: %v", i, err)
		}
	}
	return tx
}

// checkWeight holds the weight of a signed transaction against its plan: equal
// with the longest signatures, less by what they fall short of that, and always
// what ExactWeight says.
func checkWeight(t testing.TB, d *wallet.Descriptor, plan *txbuild.Plan, tx *wire.MsgTx) {
	t.Helper()
	var lens [][]int
	short := int64(0)
	for _, in := range tx.TxIn {
		sigs := in.Witness[:1]
		if d.Kind() == wallet.KindWSH {
			sigs = in.Witness[1 : len(in.Witness)-1]
		}
		var of []int
		for _, sig := range sigs {
			of = append(of, len(sig))
			if d.Kind() != wallet.KindTR {
				short += int64(72 - len(sig))
			}
		}
		lens = append(lens, of)
	}
	got := txbuild.Weight(tx)
	if exact := txbuild.ExactWeight(plan.PSBT.UnsignedTx, d, lens); exact != got {
		t.Errorf("ExactWeight = %d, signed %d", exact, got)
	}
	if got != plan.Weight-short || short < 0 || plan.VSize != (plan.Weight+3)/4 {
		t.Errorf("signed weight %d, plan %d (%d vB), signatures %d bytes short", got, plan.Weight, plan.VSize, short)
	}
}

// Every kind of treasury to every kind of payee and any mix of them.
func TestWeightIsExact(t *testing.T) {
	t.Parallel()
	treasuries := []*txtest.Treasury{newTreasury(t, wallet.KindWPKH), newTreasury(t, wallet.KindTR)}
	for _, m := range [][2]int{{1, 1}, {2, 3}, {3, 5}, {15, 15}} {
		treasuries = append(treasuries, txtest.NewMultisig(t, m[0], m[1], &chaincfg.SimNetParams, "treasury"))
	}
	for _, tr := range treasuries {
		k, n := tr.Descriptor.Threshold()
		t.Run(fmt.Sprintf("%s %d of %d", tr.Descriptor.Kind(), k, n), func(t *testing.T) {
			t.Parallel()
			for _, class := range txtest.Classes() {
				r := request(t, tr, many(4, 400_000), many(3, 300_000))
				for i := range r.Payees {
					r.Payees[i].Script = txtest.PayeeScript(t, class, uint32(i))
				}
				plan := build(t, r)
				tr.Sign(t, plan.PSBT)
				checkWeight(t, tr.Descriptor, plan, finish(t, tr.Descriptor, plan.PSBT))
			}
			if k > 3 {
				return // slow to sign with, and the same arithmetic
			}
			rapid.Check(t, func(rt *rapid.T) {
				classes := rapid.SliceOfN(rapid.SampledFrom(txtest.Classes()), 1, 12).Draw(rt, "classes")
				r := request(t, tr, many(rapid.IntRange(1, 6).Draw(rt, "coins"), 3_000_000), many(len(classes), 20_000))
				for i, class := range classes {
					r.Payees[i].Script = txtest.PayeeScript(t, class, uint32(i))
				}
				for _, coin := range r.Coins {
					r.Must = append(r.Must, coin.OutPoint)
				}
				plan := build(t, r)
				tr.Sign(t, plan.PSBT)
				checkWeight(t, tr.Descriptor, plan, finish(t, tr.Descriptor, plan.PSBT))
				if t.Failed() {
					rt.FailNow()
				}
			})
		})
	}
}

// The spelling of the counts of inputs and outputs changes at 253.
func TestWeightAtLargeCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ inputs, payees int }{{1, 251}, {1, 252}, {1, 253}, {252, 1}, {253, 1}, {300, 300}} {
		for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
			t.Run(fmt.Sprintf("%s %d to %d", kind, tc.inputs, tc.payees), func(t *testing.T) {
				t.Parallel()
				tr := newTreasury(t, kind)
				r := request(t, tr, many(tc.inputs, 10_000_000), many(tc.payees, 10_000))
				r.MaxFee = 100_000_000
				for _, coin := range r.Coins {
					r.Must = append(r.Must, coin.OutPoint)
				}
				plan := build(t, r)
				tr.Sign(t, plan.PSBT)
				checkWeight(t, tr.Descriptor, plan, finish(t, tr.Descriptor, plan.PSBT))
			})
		}
	}
}

// What batches of one input and change take, in vB by the number of payees; and
// the most payees that the cap on weight admits.
func TestVSizeOfBatches(t *testing.T) {
	t.Parallel()
	counts := []int{1, 2, 10, 100, 250, 500, 1000}
	for name, tc := range map[string]struct {
		kind  wallet.Kind
		class txscript.ScriptClass
		vsize []int64 // with P2TR or the treasury's own change
		most  int
	}{
		"tr to P2WPKH":   {wallet.KindTR, txscript.WitnessV0PubKeyHashTy, []int64{142, 173, 421, 3_211, 7_861, 15_613, 31_113}, 3_141},
		"tr to P2TR":     {wallet.KindTR, txscript.WitnessV1TaprootTy, []int64{154, 197, 541, 4_411, 10_861, 21_613, 43_113}, 2_264},
		"tr to P2WSH":    {wallet.KindTR, txscript.WitnessV0ScriptHashTy, []int64{154, 197, 541, 4_411, 10_861, 21_613, 43_113}, 2_264},
		"tr to P2PKH":    {wallet.KindTR, txscript.PubKeyHashTy, []int64{145, 179, 451, 3_511, 8_611, 17_113, 34_113}, 2_864},
		"tr to P2SH":     {wallet.KindTR, txscript.ScriptHashTy, []int64{143, 175, 431, 3_311, 8_111, 16_113, 32_113}, 3_043},
		"wpkh to P2WPKH": {wallet.KindWPKH, txscript.WitnessV0PubKeyHashTy, []int64{141, 172, 420, 3_210, 7_860, 15_612, 31_112}, 3_141},
		"wsh to P2WPKH":  {wallet.KindWSH, txscript.WitnessV0PubKeyHashTy, []int64{189, 220, 468, 3_258, 7_908, 15_660, 31_160}, 3_140},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTreasury(t, tc.kind)
			batch := func(n int) (*txbuild.Plan, error) {
				r := request(t, tr, []btcutil.Amount{2_000_000_000}, many(n, 10_000))
				script := txtest.PayeeScript(t, tc.class, 1)
				for i := range r.Payees {
					r.Payees[i].Script = script
				}
				r.RequireChange = true
				return txbuild.Build(r)
			}
			for i, n := range counts {
				plan, err := batch(n)
				if err != nil {
					t.Fatal(err)
				}
				if plan.VSize != tc.vsize[i] {
					t.Errorf("%d payees: %d vB, want %d", n, plan.VSize, tc.vsize[i])
				}
			}
			plan, err := batch(tc.most)
			if err != nil || plan.Weight > txbuild.MaxWeight {
				t.Errorf("%d payees: %v", tc.most, err)
			}
			if plan, err := batch(tc.most + 1); err == nil {
				t.Errorf("%d payees: %d WU", tc.most+1, plan.Weight)
			} else if !errs.Is(err, "too_many_outputs") {
				t.Error(err)
			}
		})
	}
}
