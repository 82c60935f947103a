package wallet

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// AddInputFields sets the BIP 174 and BIP 371 fields that tell a signer which
// keys spend the output at chain and index, and the witness script of P2WSH. It
// sets no sighash type, which means ALL for ECDSA and DEFAULT for P2TR.
func (d *Descriptor) AddInputFields(in *psbt.PInput, chain, index uint32) error {
	made, err := d.at(chain, index)
	if err != nil {
		return err
	}
	if d.kind == KindTR {
		in.TaprootInternalKey = schnorr.SerializePubKey(made.pubs[0])
	}
	in.WitnessScript = bytes.Clone(made.witness)
	in.Bip32Derivation, in.TaprootBip32Derivation = d.derivations(made, chain, index)
	return nil
}

// AddOutputFields sets the fields that let a signer recognise change.
func (d *Descriptor) AddOutputFields(out *psbt.POutput, chain, index uint32) error {
	made, err := d.at(chain, index)
	if err != nil {
		return err
	}
	if d.kind == KindTR {
		out.TaprootInternalKey = schnorr.SerializePubKey(made.pubs[0])
	}
	out.WitnessScript = bytes.Clone(made.witness)
	out.Bip32Derivation, out.TaprootBip32Derivation = d.derivations(made, chain, index)
	return nil
}

func (d *Descriptor) derivations(
	made *derived,
	chain, index uint32,
) ([]*psbt.Bip32Derivation, []*psbt.TaprootBip32Derivation) {
	keys := make([]*psbt.Bip32Derivation, len(d.keys))
	for i, k := range d.keys {
		keys[i] = k.derivation(made.pubs[i], chain, index)
	}
	if d.kind != KindTR {
		return keys, nil
	}
	return nil, []*psbt.TaprootBip32Derivation{{
		XOnlyPubKey:          schnorr.SerializePubKey(made.pubs[0]),
		MasterKeyFingerprint: keys[0].MasterKeyFingerprint,
		Bip32Path:            keys[0].Bip32Path,
	}}
}

// OwnOutput reports whether script is derived from d at the place the PSBT
// output names.
func (d *Descriptor) OwnOutput(out *psbt.POutput, script []byte) (chain, index uint32, ok bool) {
	return d.own(out.Bip32Derivation, out.TaprootBip32Derivation, out.WitnessScript, script)
}

// OwnInput returns the output that a PSBT input spends, and where d derives its
// script. The value is read from the full previous transaction, whose txid must
// be the outpoint's (BIP 174: a stated amount alone can lie about the fee).
// Errors are Invalid with code missing_prev_tx, prev_tx_mismatch or
// foreign_input.
func (d *Descriptor) OwnInput(
	in *psbt.PInput,
	spends wire.OutPoint,
) (prev *wire.TxOut, chain, index uint32, err error) {
	return d.ownInput(in, spends, txids{})
}

func (d *Descriptor) ownInput(
	in *psbt.PInput,
	spends wire.OutPoint,
	known txids,
) (prev *wire.TxOut, chain, index uint32, err error) {
	prev, err = prevOut(in, spends, known)
	if err != nil {
		return nil, 0, 0, err
	}
	chain, index, ok := d.own(in.Bip32Derivation, in.TaprootBip32Derivation, in.WitnessScript, prev.PkScript)
	if !ok {
		return nil, 0, 0, errs.Newf(
			errs.Invalid,
			CodeForeignInput,
			"Input %s is not an output of this treasury.",
			spends,
		)
	}
	return prev, chain, index, nil
}

// prevOut returns what an input spends, proven by the whole previous
// transaction.
func prevOut(in *psbt.PInput, spends wire.OutPoint, known txids) (*wire.TxOut, error) {
	if in.NonWitnessUtxo == nil {
		return nil, errs.Newf(errs.Invalid, CodeMissingPrevTx, "Input %s lacks its previous transaction.", spends)
	}
	if known.of(in.NonWitnessUtxo) != spends.Hash || int(spends.Index) >= len(in.NonWitnessUtxo.TxOut) {
		return nil, errs.Newf(
			errs.Invalid,
			CodePrevTxMismatch,
			"Input %s comes with another transaction than the one it spends.",
			spends,
		)
	}
	prev := in.NonWitnessUtxo.TxOut[spends.Index]
	if w := in.WitnessUtxo; w != nil && (w.Value != prev.Value || !bytes.Equal(w.PkScript, prev.PkScript)) {
		return nil, errs.Newf(
			errs.Invalid,
			CodePrevTxMismatch,
			"Input %s states another amount or script than its previous transaction.",
			spends,
		)
	}
	return prev, nil
}

// own compares script with what d derives at the place that the PSBT fields
// claim. The fields are hints; the script is the proof. A witness script that is
// stated must be the derived one, since signers sign what it says.
func (d *Descriptor) own(
	keys []*psbt.Bip32Derivation, taproot []*psbt.TaprootBip32Derivation, witness, script []byte,
) (chain, index uint32, ok bool) {
	chain, index, ok = d.locate(keys, taproot)
	if !ok {
		return 0, 0, false
	}
	made, err := d.at(chain, index)
	if err != nil || !bytes.Equal(made.script, script) || len(witness) > 0 && !bytes.Equal(made.witness, witness) {
		return 0, 0, false
	}
	return chain, index, true
}

// locate finds which chain and index PSBT fields claim. The claim is worth
// nothing until the script has been derived and compared.
func (d *Descriptor) locate(
	keys []*psbt.Bip32Derivation,
	taproot []*psbt.TaprootBip32Derivation,
) (chain, index uint32, ok bool) {
	if d.kind == KindTR {
		if len(taproot) != 1 || len(keys) != 0 {
			return 0, 0, false
		}
		return d.keys[0].locate(taproot[0].MasterKeyFingerprint, taproot[0].Bip32Path)
	}
	if len(keys) != len(d.keys) || len(taproot) != 0 {
		return 0, 0, false
	}
	for _, k := range d.keys {
		for _, key := range keys {
			if chain, index, ok = k.locate(key.MasterKeyFingerprint, key.Bip32Path); ok {
				return chain, index, true
			}
		}
	}
	return 0, 0, false
}

// Prevouts returns what each input of a PSBT spends, every one proven to be an
// output of d as OwnInput says, in a form the script engine reads.
func (d *Descriptor) Prevouts(packet *psbt.Packet) (*txscript.MultiPrevOutFetcher, error) {
	own, err := d.OwnInputs(packet)
	if err != nil {
		return nil, err
	}
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range packet.UnsignedTx.TxIn {
		prevouts.AddPrevOut(in.PreviousOutPoint, own[i].Prev)
	}
	return prevouts, nil
}

func badPSBT() error {
	return errs.New(errs.Invalid, CodeBadPSBT, "The PSBT does not describe each of its inputs.")
}
