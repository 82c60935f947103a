package wallet

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Signer signs for one key of a descriptor. It keeps the private keys that it
// derived, so that signing the same coins again costs a signature each and
// nothing more. It is not safe for concurrent use; Zero forgets the keys.
type Signer struct {
	d       *Descriptor
	key     int                  // which of the descriptor's keys
	parents [2]*btcec.PrivateKey // the keys just above the wildcard
	ready   map[place]*signingKey
}

// signingKey is the key that signs for one place: tweaked, for P2TR.
type signingKey struct {
	priv *btcec.PrivateKey
	pub  []byte // the untweaked public key
}

// SignPSBT adds the signature of every input to packet: a partial signature with
// SIGHASH_ALL for P2WPKH and P2WSH (BIP 143, nonce by RFC 6979), a key-path
// signature with SIGHASH_DEFAULT for P2TR (BIP 341, BIP 340 with zero auxiliary
// data). account is the private key of one of the descriptor's keys; other
// keys' signatures on a P2WSH input stay. Nothing is added unless every input
// passes: all are the treasury's own and none asks for another sighash type.
//
// The signatures were not verified. Whoever hands them on must run the script
// engine first, since a signature that a fault made wrong can give the key away
// (BIP 340). Errors are Invalid with the codes of OwnInput, bad_sighash,
// bad_psbt or wrong_key.
func SignPSBT(packet *psbt.Packet, account *hdkeychain.ExtendedKey, d *Descriptor) error {
	s, err := NewSigner(account, d)
	if err != nil {
		return err
	}
	defer s.Zero()
	return s.Sign(packet)
}

// NewSigner returns a Signer for the private key account, which must be the
// private half of one of the descriptor's extended keys: Invalid, wrong_key.
func NewSigner(account *hdkeychain.ExtendedKey, d *Descriptor) (*Signer, error) {
	wrong := errs.New(errs.Invalid, CodeWrongKey, "The key does not belong to this descriptor.")
	if !account.IsPrivate() {
		return nil, wrong
	}
	which := slices.IndexFunc(d.keys, func(k *keyExpr) bool { return sameKey(account, k.xpub) })
	if which < 0 {
		return nil, wrong
	}
	s := &Signer{d: d, key: which, ready: make(map[place]*signingKey)}
	for chain := range s.parents {
		parent, err := privateAt(account, d.keys[which].path(nil, d.keys[which].chains[chain]))
		if err != nil {
			return nil, errs.Wrap(err, errs.Internal, CodeBadDerivation, "The key cannot be derived.")
		}
		s.parents[chain] = parent
	}
	return s, nil
}

// privateAt returns the private key at path below account, which stays as it is.
func privateAt(account *hdkeychain.ExtendedKey, path []uint32) (*btcec.PrivateKey, error) {
	key := account
	for _, step := range path {
		child, err := key.Derive(step)
		if key != account {
			key.Zero()
		}
		if err != nil {
			return nil, err
		}
		key = child
	}
	priv, err := key.ECPrivKey()
	if key != account {
		key.Zero()
	}
	return priv, err
}

// Zero forgets every derived key. The account key is the caller's to zero.
func (s *Signer) Zero() {
	s.forget()
	for _, parent := range s.parents {
		parent.Zero()
	}
}

func (s *Signer) forget() {
	for _, k := range s.ready {
		k.priv.Zero()
	}
	clear(s.ready)
}

// Sign is SignPSBT with the keys that this Signer has derived before.
func (s *Signer) Sign(packet *psbt.Packet) error {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return badPSBT()
	}
	for i := range packet.Inputs {
		if asked := packet.Inputs[i].SighashType; asked != 0 && asked != s.d.kind.sighash() {
			return errs.Newf(
				errs.Invalid,
				CodeBadSighash,
				"Input %d asks for a signature that would not cover the whole transaction.",
				i,
			)
		}
	}
	own, err := s.d.OwnInputs(packet)
	if err != nil {
		return err
	}
	jobs := make([]inputJob, len(packet.Inputs))
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i := range packet.Inputs {
		job, err := s.job(own[i])
		if err != nil {
			return err
		}
		jobs[i] = job
		prevouts.AddPrevOut(packet.UnsignedTx.TxIn[i].PreviousOutPoint, job.prev)
	}
	hashes := txscript.NewTxSigHashes(packet.UnsignedTx, prevouts)
	sigs := make([][]byte, len(jobs))
	err = cores.Each(len(jobs), func(i int) (err error) {
		sigs[i], err = s.signature(packet, i, jobs[i], prevouts, hashes)
		return err
	})
	if err != nil {
		return errs.Wrap(err, errs.Internal, CodeSigningFailed, "An input could not be signed.")
	}
	for i, job := range jobs {
		s.put(&packet.Inputs[i], job.key.pub, sigs[i])
	}
	return nil
}

// inputJob is an input that passed every check.
type inputJob struct {
	prev    *wire.TxOut
	witness []byte
	key     *signingKey
}

func (s *Signer) job(own Own) (inputJob, error) {
	made, err := s.d.at(own.Chain, own.Index)
	if err != nil {
		return inputJob{}, err
	}
	key, err := s.signingKey(made, place{own.Chain, own.Index})
	if err != nil {
		return inputJob{}, errs.Wrap(err, errs.Internal, CodeBadDerivation, "The key cannot be derived.")
	}
	return inputJob{prev: own.Prev, witness: made.witness, key: key}, nil
}

// sighash is the type that covers all inputs and all outputs.
func (k Kind) sighash() txscript.SigHashType {
	if k == KindTR {
		return txscript.SigHashDefault
	}
	return txscript.SigHashAll
}

func (s *Signer) signature(
	packet *psbt.Packet, i int, job inputJob, prevouts txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes,
) ([]byte, error) {
	tx := packet.UnsignedTx
	if s.d.kind == KindTR {
		digest, err := txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashDefault, tx, i, prevouts)
		if err != nil {
			return nil, err
		}
		return taprootSignature(job.key.priv, digest)
	}
	code := job.prev.PkScript
	if s.d.kind == KindWSH {
		code = job.witness
	}
	digest, err := txscript.CalcWitnessSigHash(code, hashes, txscript.SigHashAll, tx, i, job.prev.Value)
	if err != nil {
		return nil, err
	}
	return append(ecdsa.Sign(job.key.priv, digest).Serialize(), byte(txscript.SigHashAll)), nil
}

// taprootSignature signs digest with a tweaked key. It does not verify what it
// made, which would cost three times as much again: see SignPSBT.
func taprootSignature(tweaked *btcec.PrivateKey, digest []byte) ([]byte, error) {
	sig, err := schnorr.Sign(tweaked, digest, schnorr.CustomNonce([32]byte{}), schnorr.FastSign())
	if err != nil {
		return nil, err
	}
	return sig.Serialize(), nil
}

func (s *Signer) put(in *psbt.PInput, pub, sig []byte) {
	if s.d.kind == KindTR {
		in.TaprootKeySpendSig = sig
		return
	}
	mine := &psbt.PartialSig{PubKey: pub, Signature: sig}
	if s.d.kind == KindWPKH {
		in.PartialSigs = []*psbt.PartialSig{mine}
		return
	}
	all := slices.DeleteFunc(
		slices.Clone(in.PartialSigs),
		func(p *psbt.PartialSig) bool { return bytes.Equal(p.PubKey, pub) },
	)
	all = append(all, mine)
	in.PartialSigs = all
	slices.SortFunc(all, func(a, b *psbt.PartialSig) int { return bytes.Compare(a.PubKey, b.PubKey) })
}

// signingKey returns the private key of one place, derived once.
func (s *Signer) signingKey(made *derived, at place) (*signingKey, error) {
	if known := s.ready[at]; known != nil {
		return known, nil
	}
	priv, err := s.d.keys[s.key].parents[at.chain].privateChild(s.parents[at.chain], at.index)
	if err != nil {
		return nil, err
	}
	pub := made.pubs[s.key].SerializeCompressed()
	key := &signingKey{priv: priv, pub: pub}
	if s.d.kind == KindTR {
		key.priv = tweakKey(priv, pub)
		priv.Zero()
	}
	if len(s.ready) >= maxDerived {
		s.forget()
	}
	s.ready[at] = key
	return key, nil
}
