package wallet

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Prevouts returns what each input of a PSBT spends, every one proven to be an
// output of d as OwnInput says, in a form the script engine reads.
func (d *Descriptor) Prevouts(packet *psbt.Packet) (*txscript.MultiPrevOutFetcher, error) {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return nil, errs.New(errs.Invalid, "bad_psbt", "The PSBT does not describe each of its inputs.")
	}
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range packet.UnsignedTx.TxIn {
		prev, _, _, err := d.OwnInput(&packet.Inputs[i], in.PreviousOutPoint)
		if err != nil {
			return nil, err
		}
		prevouts.AddPrevOut(in.PreviousOutPoint, prev)
	}
	return prevouts, nil
}

// SignPSBT adds the signature of every input to packet: a partial signature with
// SIGHASH_ALL for P2WPKH (BIP 143, nonce by RFC 6979), a key-path signature with
// SIGHASH_DEFAULT for P2TR (BIP 341, BIP 340 with zero auxiliary data). account
// is the private key whose public half the descriptor names. Nothing is added
// unless every input passes: all are the treasury's own and none asks for
// another sighash type. Errors are Invalid with the codes of OwnInput,
// bad_sighash, bad_psbt or wrong_key.
func SignPSBT(packet *psbt.Packet, account *hdkeychain.ExtendedKey, d *Descriptor) error {
	if err := d.checkAccount(account); err != nil {
		return err
	}
	prevouts, err := d.Prevouts(packet)
	if err != nil {
		return err
	}
	tx := packet.UnsignedTx
	hashes := txscript.NewTxSigHashes(tx, prevouts)
	signed := make([]psbt.PInput, len(packet.Inputs))
	for i := range packet.Inputs {
		signed[i] = packet.Inputs[i]
		if err := d.signInput(&signed[i], tx, i, prevouts, hashes, account); err != nil {
			return err
		}
	}
	copy(packet.Inputs, signed)
	return nil
}

func (d *Descriptor) checkAccount(account *hdkeychain.ExtendedKey) error {
	wrong := errs.New(errs.Invalid, "wrong_key", "The key does not belong to this descriptor.")
	if !account.IsPrivate() {
		return wrong
	}
	mine, err := account.ECPubKey()
	if err != nil {
		return wrong
	}
	theirs, err := d.xpub.ECPubKey()
	if err != nil || !mine.IsEqual(theirs) || !bytes.Equal(account.ChainCode(), d.xpub.ChainCode()) {
		return wrong
	}
	return nil
}

func (d *Descriptor) signInput(
	in *psbt.PInput, tx *wire.MsgTx, i int,
	prevouts txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes, account *hdkeychain.ExtendedKey,
) error {
	want := txscript.SigHashAll
	if d.kind == KindTR {
		want = txscript.SigHashDefault
	}
	if in.SighashType != 0 && in.SighashType != want {
		return errs.Newf(errs.Invalid, "bad_sighash", "Input %d asks for a signature that would not cover the whole transaction.", i)
	}
	prev, chain, index, err := d.OwnInput(in, tx.TxIn[i].PreviousOutPoint)
	if err != nil {
		return err
	}
	key, err := d.privKey(account, chain, index)
	if err != nil {
		return err
	}
	defer key.Zero()
	if d.kind == KindTR {
		digest, err := txscript.CalcTaprootSignatureHash(hashes, want, tx, i, prevouts)
		if err != nil {
			return signingFailed(err)
		}
		in.TaprootKeySpendSig, err = taprootSignature(key, digest)
		return err
	}
	digest, err := txscript.CalcWitnessSigHash(prev.PkScript, hashes, want, tx, i, prev.Value)
	if err != nil {
		return signingFailed(err)
	}
	in.PartialSigs = []*psbt.PartialSig{{
		PubKey:    key.PubKey().SerializeCompressed(),
		Signature: append(ecdsa.Sign(key, digest).Serialize(), byte(want)),
	}}
	return nil
}

// taprootSignature signs digest with the key-path key of an output that has no
// script tree. The result was verified before it is returned, as BIP 340
// advises, since a faulty signature can give the key away.
func taprootSignature(key *btcec.PrivateKey, digest []byte) ([]byte, error) {
	tweaked := txscript.TweakTaprootPrivKey(*key, nil)
	defer tweaked.Zero()
	sig, err := schnorr.Sign(tweaked, digest, schnorr.CustomNonce([32]byte{}))
	if err != nil {
		return nil, signingFailed(err)
	}
	return sig.Serialize(), nil
}

func signingFailed(err error) error {
	return errs.Wrap(err, errs.Internal, "signing_failed", "An input could not be signed.")
}

// privKey derives the private key at chain and index.
func (d *Descriptor) privKey(account *hdkeychain.ExtendedKey, chain, index uint32) (*btcec.PrivateKey, error) {
	key := account
	for _, step := range append(d.path(nil, d.chains[chain]), index) {
		child, err := key.Derive(step)
		if key != account {
			key.Zero()
		}
		if err != nil {
			return nil, errs.Wrap(err, errs.Internal, "bad_derivation", "The key cannot be derived.")
		}
		key = child
	}
	defer key.Zero()
	priv, err := key.ECPrivKey()
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "bad_derivation", "The key cannot be derived.")
	}
	return priv, nil
}
