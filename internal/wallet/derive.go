package wallet

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Sizes in weight units (BIP 141). An input without its witness is an outpoint,
// an empty script and a sequence.
const (
	inputBaseWeight   = 4 * (36 + 1 + 4)
	maxECDSASigLen    = 72 // DER with a 33-byte R and a low S, and the sighash byte
	schnorrSigLen     = 64 // SIGHASH_DEFAULT has no sighash byte
	compressedKeyLen  = 33
	witnessCountBytes = 1
)

// pubKey derives the key at chain and index, before any taproot tweak.
func (d *Descriptor) pubKey(chain, index uint32) (*btcec.PublicKey, error) {
	if chain > ChainChange || index >= hdkeychain.HardenedKeyStart {
		return nil, errs.Newf(errs.Internal, "bad_derivation", "There is no key at chain %d, index %d.", chain, index)
	}
	child, err := d.parents[chain].Derive(index)
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "bad_derivation", "The key cannot be derived.")
	}
	pub, err := child.ECPubKey()
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "bad_derivation", "The key cannot be derived.")
	}
	return pub, nil
}

// keyScript returns the output script that pays to pub.
func keyScript(kind Kind, pub *btcec.PublicKey) ([]byte, error) {
	builder := txscript.NewScriptBuilder()
	if kind == KindTR {
		output := txscript.ComputeTaprootKeyNoScript(pub)
		return builder.AddOp(txscript.OP_1).AddData(schnorr.SerializePubKey(output)).Script()
	}
	return builder.AddOp(txscript.OP_0).AddData(address.Hash160(pub.SerializeCompressed())).Script()
}

// Script returns the output script at chain (ChainDeposit or ChainChange) and
// index (below 2^31).
func (d *Descriptor) Script(chain, index uint32) ([]byte, error) {
	pub, err := d.pubKey(chain, index)
	if err != nil {
		return nil, err
	}
	return keyScript(d.kind, pub)
}

// Address returns the address of Script on the descriptor's network.
func (d *Descriptor) Address(chain, index uint32) (string, error) {
	script, err := d.Script(chain, index)
	if err != nil {
		return "", err
	}
	return AddressOf(script, d.net), nil
}

// InputWeight returns the weight one signed input adds to a transaction, at
// most: 272 for P2WPKH (72-byte signature), 230 for a P2TR key path.
func (d *Descriptor) InputWeight() int64 {
	if d.kind == KindTR {
		return d.kind.SignedInputWeight(schnorrSigLen)
	}
	return d.kind.SignedInputWeight(maxECDSASigLen)
}

// SignedInputWeight returns the exact weight of one input whose signature,
// sighash byte included, is sigLen bytes.
func (k Kind) SignedInputWeight(sigLen int) int64 {
	weight := inputBaseWeight + witnessCountBytes + 1 + int64(sigLen)
	if k == KindWPKH {
		weight += 1 + compressedKeyLen
	}
	return weight
}

// AddInputFields sets the BIP 174 and BIP 371 fields that tell a signer which
// key spends the output at chain and index. It sets no sighash type, which
// means ALL for P2WPKH and DEFAULT for P2TR.
func (d *Descriptor) AddInputFields(in *psbt.PInput, chain, index uint32) error {
	pub, err := d.pubKey(chain, index)
	if err != nil {
		return err
	}
	if d.kind == KindTR {
		in.TaprootInternalKey = schnorr.SerializePubKey(pub)
		in.TaprootBip32Derivation = []*psbt.TaprootBip32Derivation{d.taprootPath(pub, chain, index)}
		return nil
	}
	in.Bip32Derivation = []*psbt.Bip32Derivation{d.keyPath(pub, chain, index)}
	return nil
}

// AddOutputFields sets the fields that let a signer recognise change.
func (d *Descriptor) AddOutputFields(out *psbt.POutput, chain, index uint32) error {
	pub, err := d.pubKey(chain, index)
	if err != nil {
		return err
	}
	if d.kind == KindTR {
		out.TaprootInternalKey = schnorr.SerializePubKey(pub)
		out.TaprootBip32Derivation = []*psbt.TaprootBip32Derivation{d.taprootPath(pub, chain, index)}
		return nil
	}
	out.Bip32Derivation = []*psbt.Bip32Derivation{d.keyPath(pub, chain, index)}
	return nil
}

func (d *Descriptor) keyPath(pub *btcec.PublicKey, chain, index uint32) *psbt.Bip32Derivation {
	origin := d.Origin()
	return &psbt.Bip32Derivation{
		PubKey: pub.SerializeCompressed(),
		// The psbt package writes this number in little-endian order.
		MasterKeyFingerprint: binary.LittleEndian.Uint32(origin.Fingerprint[:]),
		Bip32Path:            append(d.path(origin.Path, d.chains[chain]), index),
	}
}

func (d *Descriptor) taprootPath(pub *btcec.PublicKey, chain, index uint32) *psbt.TaprootBip32Derivation {
	p := d.keyPath(pub, chain, index)
	return &psbt.TaprootBip32Derivation{
		XOnlyPubKey:          schnorr.SerializePubKey(pub),
		MasterKeyFingerprint: p.MasterKeyFingerprint,
		Bip32Path:            p.Bip32Path,
	}
}

// locate finds which chain and index a PSBT derivation path claims. The claim
// is worth nothing until the script has been derived and compared.
func (d *Descriptor) locate(path []uint32) (chain, index uint32, ok bool) {
	if len(path) == 0 {
		return 0, 0, false
	}
	index = path[len(path)-1]
	for chain := range d.chains {
		if slices.Equal(path[:len(path)-1], d.path(d.Origin().Path, d.chains[chain])) {
			return uint32(chain), index, true
		}
	}
	return 0, 0, false
}

// OwnOutput reports whether script is derived from d at the place the PSBT
// output names.
func (d *Descriptor) OwnOutput(out *psbt.POutput, script []byte) (chain, index uint32, ok bool) {
	return d.own(out.Bip32Derivation, out.TaprootBip32Derivation, script)
}

// OwnInput returns the output that a PSBT input spends, and where d derives its
// script. The value is read from the full previous transaction, whose txid must
// be the outpoint's (BIP 174: a stated amount alone can lie about the fee).
// Errors are Invalid with code missing_prev_tx, prev_tx_mismatch or
// foreign_input.
func (d *Descriptor) OwnInput(in *psbt.PInput, spends wire.OutPoint) (prev *wire.TxOut, chain, index uint32, err error) {
	if in.NonWitnessUtxo == nil {
		return nil, 0, 0, errs.Newf(errs.Invalid, "missing_prev_tx", "Input %s lacks its previous transaction.", spends)
	}
	if in.NonWitnessUtxo.TxHash() != spends.Hash || int(spends.Index) >= len(in.NonWitnessUtxo.TxOut) {
		return nil, 0, 0, errs.Newf(errs.Invalid, "prev_tx_mismatch", "Input %s comes with another transaction than the one it spends.", spends)
	}
	prev = in.NonWitnessUtxo.TxOut[spends.Index]
	if w := in.WitnessUtxo; w != nil && (w.Value != prev.Value || !bytes.Equal(w.PkScript, prev.PkScript)) {
		return nil, 0, 0, errs.Newf(errs.Invalid, "prev_tx_mismatch", "Input %s states another amount or script than its previous transaction.", spends)
	}
	chain, index, ok := d.own(in.Bip32Derivation, in.TaprootBip32Derivation, prev.PkScript)
	if !ok {
		return nil, 0, 0, errs.Newf(errs.Invalid, "foreign_input", "Input %s is not an output of this treasury.", spends)
	}
	return prev, chain, index, nil
}

func (d *Descriptor) own(keys []*psbt.Bip32Derivation, taproot []*psbt.TaprootBip32Derivation, script []byte) (chain, index uint32, ok bool) {
	var path []uint32
	switch {
	case d.kind == KindWPKH && len(keys) == 1 && len(taproot) == 0:
		path = keys[0].Bip32Path
	case d.kind == KindTR && len(taproot) == 1 && len(keys) == 0:
		path = taproot[0].Bip32Path
	}
	chain, index, ok = d.locate(path)
	if !ok {
		return 0, 0, false
	}
	want, err := d.Script(chain, index)
	if err != nil || !bytes.Equal(want, script) {
		return 0, 0, false
	}
	return chain, index, true
}
