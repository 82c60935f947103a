package wallet_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// spend returns an unsigned PSBT that spends two coins of a treasury.
func spend(t *testing.T, tr *txtest.Treasury) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(250_000, txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1)))
	script, err := tr.Descriptor.Script(wallet.ChainChange, 4)
	if err != nil {
		t.Fatal(err)
	}
	tx.AddTxOut(wire.NewTxOut(40_000, script))
	for i, chain := range []uint32{wallet.ChainDeposit, wallet.ChainChange} {
		coin := tr.Coin(t, 150_000, chain, uint32(i), uint32(i))
		tx.AddTxIn(wire.NewTxIn(&coin.OutPoint, nil, nil))
	}
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i, chain := range []uint32{wallet.ChainDeposit, wallet.ChainChange} {
		coin := tr.Coin(t, 150_000, chain, uint32(i), uint32(i))
		packet.Inputs[i].NonWitnessUtxo = coin.PrevTx
		packet.Inputs[i].WitnessUtxo = wire.NewTxOut(150_000, coin.Script)
		if err := tr.Descriptor.AddInputFields(&packet.Inputs[i], chain, uint32(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Descriptor.AddOutputFields(&packet.Outputs[1], wallet.ChainChange, 4); err != nil {
		t.Fatal(err)
	}
	return packet
}

func serialize(t *testing.T, packet *psbt.Packet) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := packet.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func treasury(t *testing.T, kind wallet.Kind, name string) *txtest.Treasury {
	t.Helper()
	return txtest.NewTreasury(t, kind, &chaincfg.RegressionNetParams, name)
}

func TestSignPSBTIsDeterministicAndValid(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			tr := treasury(t, kind, "signer")
			a, b := spend(t, tr), spend(t, tr)
			tr.Sign(t, a)
			tr.Sign(t, b)
			tr.Sign(t, b)
			if !bytes.Equal(serialize(t, a), serialize(t, b)) {
				t.Error("signing the same PSBT again gave other bytes")
			}
			prevouts, err := tr.Descriptor.Prevouts(a)
			if err != nil {
				t.Fatal(err)
			}
			if err := psbt.MaybeFinalizeAll(a); err != nil {
				t.Fatal(err)
			}
			tx, err := psbt.Extract(a)
			if err != nil {
				t.Fatal(err)
			}
			hashes := txscript.NewTxSigHashes(tx, prevouts)
			for i, in := range tx.TxIn {
				prev := prevouts.FetchPrevOutput(in.PreviousOutPoint)
				engine, err := txscript.NewEngine(prev.PkScript, tx, i, txscript.StandardVerifyFlags, nil, hashes, prev.Value, prevouts)
				if err != nil {
					t.Fatal(err)
				}
				if err := engine.Execute(); err != nil {
					t.Errorf("input %d: %v", i, err)
				}
			}
		})
	}
}

func TestSignPSBTRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, code string
		change     func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet)
	}{
		{"no previous transaction", "missing_prev_tx", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].NonWitnessUtxo = nil
		}},
		{"another previous transaction", "prev_tx_mismatch", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].NonWitnessUtxo = p.Inputs[0].NonWitnessUtxo
		}},
		{"previous transaction with another amount", "prev_tx_mismatch", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			prev := p.Inputs[1].NonWitnessUtxo.Copy()
			prev.TxOut[1].Value++
			p.Inputs[1].NonWitnessUtxo, p.Inputs[1].WitnessUtxo = prev, nil
		}},
		{"outpoint beyond the previous transaction", "prev_tx_mismatch", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.UnsignedTx.TxIn[0].PreviousOutPoint.Index = 2
		}},
		{"a lower stated amount", "prev_tx_mismatch", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[0].WitnessUtxo.Value--
		}},
		{"an output of somebody else", "foreign_input", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.UnsignedTx.TxIn[0].PreviousOutPoint.Index = 0
			p.Inputs[0].WitnessUtxo = nil
		}},
		{"another index", "foreign_input", func(t *testing.T, tr *txtest.Treasury, p *psbt.Packet) {
			if err := tr.Descriptor.AddInputFields(&p.Inputs[0], wallet.ChainDeposit, 9); err != nil {
				t.Fatal(err)
			}
		}},
		{"no derivation", "foreign_input", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[0].Bip32Derivation, p.Inputs[0].TaprootBip32Derivation = nil, nil
		}},
		{"another fingerprint", "foreign_input", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			for _, key := range p.Inputs[0].Bip32Derivation {
				key.MasterKeyFingerprint++
			}
			for _, key := range p.Inputs[0].TaprootBip32Derivation {
				key.MasterKeyFingerprint++
			}
		}},
		{"SIGHASH_SINGLE", "bad_sighash", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].SighashType = txscript.SigHashSingle
		}},
		{"SIGHASH_NONE", "bad_sighash", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].SighashType = txscript.SigHashNone
		}},
		{"ANYONECANPAY", "bad_sighash", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs[1].SighashType = txscript.SigHashAll | txscript.SigHashAnyOneCanPay
		}},
		{"fewer inputs described", "bad_psbt", func(_ *testing.T, _ *txtest.Treasury, p *psbt.Packet) {
			p.Inputs = p.Inputs[:1]
		}},
	} {
		for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
			t.Run(string(kind)+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				tr := treasury(t, kind, "signer")
				p := spend(t, tr)
				tc.change(t, tr, p)
				err := wallet.SignPSBT(p, tr.Account, tr.Descriptor)
				if !errs.Is(err, errs.Code(tc.code)) {
					t.Errorf("got %v, want code %s", err, tc.code)
				}
				for i := range p.Inputs {
					if p.Inputs[i].PartialSigs != nil || p.Inputs[i].TaprootKeySpendSig != nil {
						t.Errorf("input %d carries a signature", i)
					}
				}
			})
		}
	}
}

func TestSignPSBTRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	tr, other := treasury(t, wallet.KindTR, "signer"), treasury(t, wallet.KindTR, "other")
	if err := wallet.SignPSBT(spend(t, tr), other.Account, tr.Descriptor); !errs.Is(err, "wrong_key") {
		t.Errorf("another account: %v", err)
	}
	public, err := tr.Account.Neuter()
	if err != nil {
		t.Fatal(err)
	}
	if err := wallet.SignPSBT(spend(t, tr), public, tr.Descriptor); !errs.Is(err, "wrong_key") {
		t.Errorf("a public key: %v", err)
	}
	if err := wallet.SignPSBT(spend(t, other), tr.Account, tr.Descriptor); !errs.Is(err, "foreign_input") {
		t.Errorf("coins of another treasury: %v", err)
	}
}

// A change path that leads elsewhere is not change.
func TestOwnOutput(t *testing.T) {
	t.Parallel()
	tr := treasury(t, wallet.KindWPKH, "signer")
	p := spend(t, tr)
	own := func(i int, script []byte) bool {
		_, _, ok := tr.Descriptor.OwnOutput(&p.Outputs[i], script)
		return ok
	}
	if chain, index, ok := tr.Descriptor.OwnOutput(&p.Outputs[1], p.UnsignedTx.TxOut[1].PkScript); !ok || chain != wallet.ChainChange || index != 4 {
		t.Errorf("change not recognised: %d, %d, %v", chain, index, ok)
	}
	if own(0, p.UnsignedTx.TxOut[0].PkScript) {
		t.Error("a payee counts as own")
	}
	if own(1, p.UnsignedTx.TxOut[0].PkScript) {
		t.Error("a payee's script with a change path counts as own")
	}
}

// The path fields hold the fingerprint in the byte order of BIP 174.
func TestFingerprintByteOrder(t *testing.T) {
	t.Parallel()
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		tr := treasury(t, kind, "signer")
		for _, o := range tr.Descriptor.Origins() {
			if n := bytes.Count(serialize(t, spend(t, tr)), o.Fingerprint[:]); n != 3 {
				t.Errorf("%s: fingerprint %x appears %d times, want 3", kind, o.Fingerprint, n)
			}
		}
	}
}
