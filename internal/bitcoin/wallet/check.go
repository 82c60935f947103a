package wallet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Checker verifies signatures for the inputs of one PSBT, each by itself. It
// believes of the PSBT only what the previous transactions prove. It is safe for
// concurrent use while nobody changes the packet.
type Checker struct {
	packet   *psbt.Packet
	prevouts *txscript.MultiPrevOutFetcher
	hashes   *txscript.TxSigHashes
	spends   []spend
}

// spend is what one input spends and who can sign for it.
type spend struct {
	prev *wire.TxOut
	code []byte   // what a BIP 143 signature commits to
	keys [][]byte // P2WSH: compressed public keys; P2TR: the x-only output key
	need int      // signatures
}

// Signatures are the verified signatures of one input.
type Signatures struct {
	Partial []*psbt.PartialSig // P2WPKH and P2WSH, by public key
	KeyPath []byte             // P2TR: 64 bytes
}

// NewChecker reads what each input of packet spends: P2WPKH, P2TR key path, or
// P2WSH whose witness script is a multisig. Errors are Invalid with code
// missing_prev_tx, prev_tx_mismatch, bad_psbt or unknown_script.
func NewChecker(packet *psbt.Packet) (*Checker, error) {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return nil, badPSBT()
	}
	c, known := &Checker{packet: packet, prevouts: txscript.NewMultiPrevOutFetcher(nil)}, txids{}
	for i, in := range packet.UnsignedTx.TxIn {
		prev, err := prevOut(&packet.Inputs[i], in.PreviousOutPoint, known)
		if err != nil {
			return nil, err
		}
		s, ok := readSpend(&packet.Inputs[i], prev)
		if !ok {
			return nil, errs.Newf(
				errs.Invalid,
				CodeUnknownScript,
				"Input %d spends a script whose signatures cannot be checked here.",
				i,
			)
		}
		c.spends = append(c.spends, s)
		c.prevouts.AddPrevOut(in.PreviousOutPoint, prev)
	}
	c.hashes = txscript.NewTxSigHashes(packet.UnsignedTx, c.prevouts)
	return c, nil
}

func readSpend(in *psbt.PInput, prev *wire.TxOut) (spend, bool) {
	s := spend{prev: prev, code: prev.PkScript, need: 1}
	switch script := prev.PkScript; {
	case txscript.IsPayToWitnessPubKeyHash(script):
		return s, true // who knows the key says it beside the signature
	case txscript.IsPayToTaproot(script):
		s.keys = [][]byte{script[2:]}
		return s, true
	case txscript.IsPayToWitnessScriptHash(script):
		hash := sha256.Sum256(in.WitnessScript)
		n, k, err := txscript.CalcMultiSigStats(in.WitnessScript)
		if err != nil || !bytes.Equal(hash[:], script[2:]) {
			return spend{}, false
		}
		s.code, s.need = in.WitnessScript, k
		tokens := txscript.MakeScriptTokenizer(0, in.WitnessScript)
		for tokens.Next() {
			if key := tokens.Data(); len(key) == compressedKeyLen {
				s.keys = append(s.keys, key)
			}
		}
		return s, len(s.keys) == n
	}
	return spend{}, false
}

// Verify reads the signatures that in carries for input i, partial or finished
// (BIP 174), and returns them if every one holds. in may come from another copy
// of the packet: nothing else of it is believed. The error is Invalid with code
// bad_signature, and its param input is i.
func (c *Checker) Verify(i int, in *psbt.PInput) (Signatures, error) {
	if i < 0 || i >= len(c.spends) {
		return Signatures{}, badPSBT()
	}
	bad := func(format string, args ...any) (Signatures, error) {
		e := errs.Newf(errs.Invalid, CodeBadSignature,
			"The signature on input %d is not valid: %s. It was not used. Sign the exported file again.",
			i, fmt.Sprintf(format, args...))
		e.Params = map[string]string{"input": strconv.Itoa(i)}
		return Signatures{}, e
	}
	if len(in.FinalScriptSig) > 0 || len(in.TaprootScriptSpendSig) > 0 {
		return bad("it is of a kind that this treasury does not use")
	}
	partial, keyPath := in.PartialSigs, in.TaprootKeySpendSig
	if len(in.FinalScriptWitness) > 0 {
		finished, err := c.unfinish(i, in.FinalScriptWitness)
		if err != nil {
			return bad("%s", err.Error())
		}
		partial, keyPath = append(slices.Clone(partial), finished.Partial...), finished.KeyPath
	}
	s := &c.spends[i]
	taproot := txscript.IsPayToTaproot(s.prev.PkScript)
	if taproot && len(partial) > 0 || !taproot && len(keyPath) > 0 {
		return bad("it is of a kind that this input does not use")
	}
	out := Signatures{KeyPath: keyPath}
	if len(keyPath) > 0 && !c.schnorr(i, keyPath) {
		return bad("it was made for another transaction or by another key, or it does not cover the whole transaction")
	}
	for _, p := range partial {
		if !s.canSign(p.PubKey) {
			return bad("key %x cannot sign for it", p.PubKey)
		}
		if slices.ContainsFunc(out.Partial, func(q *psbt.PartialSig) bool { return bytes.Equal(p.PubKey, q.PubKey) }) {
			continue
		}
		if !c.ecdsa(i, p.PubKey, p.Signature) {
			return bad(
				"that of key %x was made for another transaction or by another key, or it does not cover the whole transaction",
				p.PubKey,
			)
		}
		out.Partial = append(out.Partial, p)
	}
	slices.SortFunc(out.Partial, func(a, b *psbt.PartialSig) int { return bytes.Compare(a.PubKey, b.PubKey) })
	return out, nil
}

// canSign reports whether a signature of pub counts for the input.
func (s *spend) canSign(pub []byte) bool {
	if txscript.IsPayToWitnessPubKeyHash(s.prev.PkScript) {
		return bytes.Equal(address.Hash160(pub), s.prev.PkScript[2:])
	}
	return slices.ContainsFunc(s.keys, func(key []byte) bool { return bytes.Equal(key, pub) })
}

// unfinish takes a final witness apart.
func (c *Checker) unfinish(i int, raw []byte) (Signatures, error) {
	witness, err := ReadWitness(raw)
	if err != nil {
		return Signatures{}, err
	}
	s := c.spends[i]
	switch script := s.prev.PkScript; {
	case txscript.IsPayToTaproot(script) && len(witness) == 1 && len(witness[0]) > 0:
		return Signatures{KeyPath: witness[0]}, nil
	case txscript.IsPayToWitnessPubKeyHash(script) && len(witness) == 2:
		return Signatures{Partial: []*psbt.PartialSig{{PubKey: witness[1], Signature: witness[0]}}}, nil
	case txscript.IsPayToWitnessScriptHash(script) && len(witness) == 2+s.need &&
		len(witness[0]) == 0 && bytes.Equal(witness[len(witness)-1], s.code):
		return c.whoSigned(i, witness[1:len(witness)-1])
	}
	return Signatures{}, errors.New("its witness has another shape")
}

// whoSigned gives each signature its key. Both stand in the script's order, as
// OP_CHECKMULTISIG wants them.
func (c *Checker) whoSigned(i int, sigs [][]byte) (out Signatures, err error) {
	keys := c.spends[i].keys
	for _, sig := range sigs {
		for len(keys) > 0 && !c.ecdsa(i, keys[0], sig) {
			keys = keys[1:]
		}
		if len(keys) == 0 {
			return Signatures{}, errors.New("its witness has one that no key made")
		}
		out.Partial = append(out.Partial, &psbt.PartialSig{PubKey: keys[0], Signature: sig})
		keys = keys[1:]
	}
	return out, nil
}

// maxWitnessItems is above what any script of ours needs: a dummy, 15
// signatures and the script.
const (
	maxWitnessItems = MaxKeys + 2
	maxWitnessItem  = 3600 // bytes: the longest witness script that is relayed
)

// ReadWitness reads the network form of a witness of at most MaxKeys signatures,
// as a PSBT holds it in PSBT_IN_FINAL_SCRIPTWITNESS.
func ReadWitness(raw []byte) (wire.TxWitness, error) {
	r := bytes.NewReader(raw)
	n, err := wire.ReadVarInt(r, 0)
	if err != nil || n > maxWitnessItems {
		return nil, errors.New("its witness cannot be read")
	}
	witness := make(wire.TxWitness, n)
	for i := range witness {
		if witness[i], err = wire.ReadVarBytes(r, 0, maxWitnessItem, "witness item"); err != nil {
			return nil, errors.New("its witness cannot be read")
		}
	}
	if r.Len() > 0 {
		return nil, errors.New("its witness has more than its items")
	}
	return witness, nil
}

// ecdsa checks one partial signature: strict DER, low S and SIGHASH_ALL, as
// relay asks for, and over the whole transaction.
func (c *Checker) ecdsa(i int, pub, sig []byte) bool {
	if len(sig) == 0 || sig[len(sig)-1] != byte(txscript.SigHashAll) {
		return false
	}
	key, err := btcec.ParsePubKey(pub)
	if err != nil || len(pub) != compressedKeyLen {
		return false
	}
	parsed, err := ecdsa.ParseDERSignature(sig[:len(sig)-1])
	if err != nil {
		return false
	}
	if s := parsed.S(); s.IsOverHalfOrder() {
		return false
	}
	spend := c.spends[i]
	digest, err := txscript.CalcWitnessSigHash(
		spend.code,
		c.hashes,
		txscript.SigHashAll,
		c.packet.UnsignedTx,
		i,
		spend.prev.Value,
	)
	return err == nil && parsed.Verify(digest, key)
}

// schnorr checks a key-path signature with SIGHASH_DEFAULT.
func (c *Checker) schnorr(i int, sig []byte) bool {
	if len(sig) != schnorrSigLen {
		return false
	}
	parsed, err := schnorr.ParseSignature(sig)
	if err != nil {
		return false
	}
	key, err := schnorr.ParsePubKey(c.spends[i].keys[0])
	if err != nil {
		return false
	}
	digest, err := txscript.CalcTaprootSignatureHash(
		c.hashes,
		txscript.SigHashDefault,
		c.packet.UnsignedTx,
		i,
		c.prevouts,
	)
	return err == nil && parsed.Verify(digest, key)
}

// SignedBy returns the fingerprints, 8 hex digits, of those whose verified
// signature is on every input of packet, sorted. Which key is whose is what the
// packet's derivation fields say; Descriptor.SignedBy proves that too. Errors are
// those of NewChecker and Verify.
func SignedBy(packet *psbt.Packet) ([]string, error) {
	inputs, err := signersOfInputs(packet, func(i int) (map[string]string, error) {
		of := make(map[string]string)
		for _, key := range packet.Inputs[i].Bip32Derivation {
			of[string(key.PubKey)] = fingerprintText(key.MasterKeyFingerprint)
		}
		for _, key := range packet.Inputs[i].TaprootBip32Derivation {
			if bytes.Equal(key.XOnlyPubKey, packet.Inputs[i].TaprootInternalKey) {
				of[keyPathOwner] = fingerprintText(key.MasterKeyFingerprint)
			}
		}
		return of, nil
	})
	if err != nil {
		return nil, err
	}
	return onEvery(inputs), nil
}

// SignedBy returns which of the descriptor's Fingerprints have their verified
// signature on every input of packet, in the descriptor's order. Errors are those
// of OwnInput, NewChecker and Verify.
func (d *Descriptor) SignedBy(packet *psbt.Packet) ([]string, error) {
	inputs, err := d.SignersOfInputs(packet)
	if err != nil {
		return nil, err
	}
	signed := onEvery(inputs)
	return slices.DeleteFunc(d.Fingerprints(), func(f string) bool { return !slices.Contains(signed, f) }), nil
}

// SignersOfInputs returns for each input of packet the fingerprints, sorted, of
// those whose verified signature is on it. Errors are those of SignedBy.
func (d *Descriptor) SignersOfInputs(packet *psbt.Packet) ([][]string, error) {
	own, err := d.OwnInputs(packet)
	if err != nil {
		return nil, err
	}
	all := d.Fingerprints()
	return signersOfInputs(packet, func(i int) (map[string]string, error) {
		made, err := d.at(own[i].Chain, own[i].Index)
		if err != nil {
			return nil, err
		}
		if d.kind == KindTR {
			return map[string]string{keyPathOwner: all[0]}, nil
		}
		of := make(map[string]string)
		for k, pub := range made.pubs {
			of[string(pub.SerializeCompressed())] = all[k]
		}
		return of, nil
	})
}

// keyPathOwner stands for the one key of a P2TR input among public keys.
const keyPathOwner = "key path"

// signersOfInputs verifies every signature of packet, on all cores. owner maps the
// public keys of an input to fingerprints; a key that it does not name is nobody's.
func signersOfInputs(packet *psbt.Packet, owner func(i int) (map[string]string, error)) ([][]string, error) {
	c, err := NewChecker(packet)
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(packet.Inputs))
	err = cores.Each(len(out), func(i int) error {
		of, err := owner(i)
		if err != nil {
			return err
		}
		sigs, err := c.Verify(i, &packet.Inputs[i])
		if err != nil {
			return err
		}
		for _, p := range sigs.Partial {
			if f := of[string(p.PubKey)]; f != "" {
				out[i] = append(out[i], f)
			}
		}
		if f := of[keyPathOwner]; len(sigs.KeyPath) > 0 && f != "" {
			out[i] = append(out[i], f)
		}
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// onEvery returns who is in each of the lists.
func onEvery(lists [][]string) []string {
	if len(lists) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(lists[0]), func(f string) bool {
		return slices.ContainsFunc(lists, func(list []string) bool { return !slices.Contains(list, f) })
	})
}

func fingerprintText(field uint32) string {
	return hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, field))
}
