package txbuild

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// Diff says in plain words, one sentence each with both values, where got is not
// the PSBT that was sent. Inputs and outputs are counted from 0.
//
// It compares the whole unsigned transaction, and every field of BIPs 174 and 371
// that got states: amounts and previous transactions, sighash types, scripts,
// keys and their paths. Three things are no difference. Signatures, which Merge
// verifies. A field that was left out, since signing devices with a small screen
// return little more than signatures, and finishing an input drops the rest (BIP
// 174): what was sent stays in force. And fields that only wallets read: global
// extended keys, proprietary and unknown fields, of which nothing is taken over.
func Diff(sent, got *psbt.Packet) []string { return DiffOn(sent, got, nil) }

// DiffOn is Diff with the addresses of net in place of scripts, where a script
// has one.
func DiffOn(sent, got *psbt.Packet, net *chaincfg.Params) []string {
	d := &differ{net: net, txids: map[*wire.MsgTx]chainhash.Hash{}}
	d.transaction(sent.UnsignedTx, got.UnsignedTx)
	// The fields of inputs and outputs can be held against each other only where
	// they belong to the same ones.
	if len(sent.Inputs) != len(got.Inputs) || len(sent.Outputs) != len(got.Outputs) {
		d.say(
			"It described %d inputs and %d outputs, and describes %d and %d.",
			len(sent.Inputs),
			len(sent.Outputs),
			len(got.Inputs),
			len(got.Outputs),
		)
		return d.found
	}
	if len(sent.Inputs) == len(sent.UnsignedTx.TxIn) {
		for i := range sent.Inputs {
			d.input(i, &sent.Inputs[i], &got.Inputs[i], sent.UnsignedTx.TxIn[i].PreviousOutPoint)
		}
	}
	for i := range sent.Outputs {
		d.output(i, &sent.Outputs[i], &got.Outputs[i])
	}
	return d.found
}

type differ struct {
	net   *chaincfg.Params
	found []string
	txids map[*wire.MsgTx]chainhash.Hash // of previous transactions that many inputs share
}

func (d *differ) txid(tx *wire.MsgTx) chainhash.Hash {
	txid, ok := d.txids[tx]
	if !ok {
		txid = tx.TxHash()
		d.txids[tx] = txid
	}
	return txid
}

func (d *differ) say(format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf(format, args...))
}

// number notes a number that changed.
func (d *differ) number(what string, sent, got int64) {
	if sent != got {
		d.say("The %s was %d and is %d.", what, sent, got)
	}
}

func (d *differ) transaction(sent, got *wire.MsgTx) {
	d.number("transaction's version", int64(sent.Version), int64(got.Version))
	d.number("lock time", int64(sent.LockTime), int64(got.LockTime))
	if len(sent.TxIn) != len(got.TxIn) {
		d.say("It had %d inputs and has %d.", len(sent.TxIn), len(got.TxIn))
	}
	for i := range min(len(sent.TxIn), len(got.TxIn)) {
		a, b := sent.TxIn[i], got.TxIn[i]
		if a.PreviousOutPoint != b.PreviousOutPoint {
			d.say("Input %d spent %s and spends %s.", i, a.PreviousOutPoint, b.PreviousOutPoint)
		}
		if a.Sequence != b.Sequence {
			d.say("Input %d had sequence %08x and has %08x.", i, a.Sequence, b.Sequence)
		}
		if !bytes.Equal(a.SignatureScript, b.SignatureScript) || len(a.Witness) != len(b.Witness) {
			d.say("Input %d was unsigned inside the transaction and is signed there.", i)
		}
	}
	if len(sent.TxOut) != len(got.TxOut) {
		d.say("It had %d outputs and has %d.", len(sent.TxOut), len(got.TxOut))
	}
	for i := range max(len(sent.TxOut), len(got.TxOut)) {
		d.txOut(i, sent.TxOut, got.TxOut)
	}
}

func (d *differ) txOut(i int, sent, got []*wire.TxOut) {
	switch {
	case i >= len(got):
		d.say("Output %d, %d sat to %s, was taken out.", i, sent[i].Value, d.place(sent[i].PkScript))
		return
	case i >= len(sent):
		d.say("Output %d, %d sat to %s, was added.", i, got[i].Value, d.place(got[i].PkScript))
		return
	}
	if sent[i].Value != got[i].Value {
		d.say("Output %d was %d sat and is %d sat.", i, sent[i].Value, got[i].Value)
	}
	if !bytes.Equal(sent[i].PkScript, got[i].PkScript) {
		d.say("Output %d went to %s and goes to %s.", i, d.place(sent[i].PkScript), d.place(got[i].PkScript))
	}
}

// place names where a script pays.
func (d *differ) place(script []byte) string {
	if d.net != nil {
		if addr := wallet.AddressOf(script, d.net); addr != "" {
			return addr
		}
	}
	return "script " + hex.EncodeToString(script)
}

func (d *differ) input(i int, sent, got *psbt.PInput, spends wire.OutPoint) {
	name := fmt.Sprintf("Input %d", i)
	prev := sent.WitnessUtxo
	if prev == nil && sent.NonWitnessUtxo != nil && int(spends.Index) < len(sent.NonWitnessUtxo.TxOut) {
		prev = sent.NonWitnessUtxo.TxOut[spends.Index]
	}
	if w := got.WitnessUtxo; w != nil {
		d.spent(i, prev, w)
	}
	if tx := got.NonWitnessUtxo; tx != nil {
		if sent.NonWitnessUtxo == nil {
			d.say("%s had no previous transaction and has %s.", name, tx.TxHash())
		} else if want, is := d.txid(sent.NonWitnessUtxo), d.txid(tx); want != is {
			d.say("%s came with previous transaction %s and comes with %s.", name, want, is)
		}
	}
	if got.SighashType != sent.SighashType && got.SighashType != 0 && got.SighashType != wholeSighash(prev) {
		d.say(
			"%s asked for signature type %#x and asks for %#x.",
			name,
			uint32(sent.SighashType),
			uint32(got.SighashType),
		)
	}
	d.bytes(name, "redeem script", sent.RedeemScript, got.RedeemScript)
	d.bytes(name, "witness script", sent.WitnessScript, got.WitnessScript)
	d.bytes(name, "taproot internal key", sent.TaprootInternalKey, got.TaprootInternalKey)
	d.bytes(name, "taproot script tree", sent.TaprootMerkleRoot, got.TaprootMerkleRoot)
	d.keys(name, sent.Bip32Derivation, got.Bip32Derivation)
	d.taprootKeys(name, sent.TaprootBip32Derivation, got.TaprootBip32Derivation)
	for _, leaf := range got.TaprootLeafScript {
		if !slices.ContainsFunc(
			sent.TaprootLeafScript,
			func(l *psbt.TaprootTapLeafScript) bool { return bytes.Equal(l.Script, leaf.Script) },
		) {
			d.say("%s had no taproot script %x and has it.", name, leaf.Script)
		}
	}
}

// wholeSighash is the type that stands for 0 when it is written out: a signature
// over the whole transaction. P2TR has none, since its default is 0 itself.
func wholeSighash(prev *wire.TxOut) txscript.SigHashType {
	if prev != nil && !txscript.IsPayToTaproot(prev.PkScript) {
		return txscript.SigHashAll
	}
	return txscript.SigHashDefault
}

func (d *differ) spent(i int, sent, got *wire.TxOut) {
	if sent == nil {
		d.say("Input %d stated no amount and states %d sat.", i, got.Value)
		return
	}
	if sent.Value != got.Value {
		d.say("Input %d was worth %d sat and is stated as %d sat.", i, sent.Value, got.Value)
	}
	if !bytes.Equal(sent.PkScript, got.PkScript) {
		d.say("Input %d belonged to %s and is stated as %s.", i, d.place(sent.PkScript), d.place(got.PkScript))
	}
}

func (d *differ) output(i int, sent, got *psbt.POutput) {
	name := fmt.Sprintf("Output %d", i)
	d.bytes(name, "redeem script", sent.RedeemScript, got.RedeemScript)
	d.bytes(name, "witness script", sent.WitnessScript, got.WitnessScript)
	d.bytes(name, "taproot internal key", sent.TaprootInternalKey, got.TaprootInternalKey)
	d.bytes(name, "taproot script tree", sent.TaprootTapTree, got.TaprootTapTree)
	d.keys(name, sent.Bip32Derivation, got.Bip32Derivation)
	d.taprootKeys(name, sent.TaprootBip32Derivation, got.TaprootBip32Derivation)
}

func (d *differ) bytes(name, what string, sent, got []byte) {
	if len(got) == 0 || bytes.Equal(sent, got) {
		return
	}
	if len(sent) == 0 {
		d.say("%s had no %s and has %x.", name, what, got)
		return
	}
	d.say("%s had %s %x and has %x.", name, what, sent, got)
}

func (d *differ) keys(name string, sent, got []*psbt.Bip32Derivation) {
	for _, g := range got {
		i := slices.IndexFunc(sent, func(s *psbt.Bip32Derivation) bool { return bytes.Equal(s.PubKey, g.PubKey) })
		is := path(g.MasterKeyFingerprint, g.Bip32Path)
		if i < 0 {
			d.say("%s did not name key %x and names it as %s.", name, g.PubKey, is)
		} else if was := path(sent[i].MasterKeyFingerprint, sent[i].Bip32Path); was != is {
			d.say("%s named key %x as %s and names it as %s.", name, g.PubKey, was, is)
		}
	}
}

func (d *differ) taprootKeys(name string, sent, got []*psbt.TaprootBip32Derivation) {
	for _, g := range got {
		i := slices.IndexFunc(
			sent,
			func(s *psbt.TaprootBip32Derivation) bool { return bytes.Equal(s.XOnlyPubKey, g.XOnlyPubKey) },
		)
		is := path(g.MasterKeyFingerprint, g.Bip32Path)
		if i < 0 {
			d.say("%s did not name key %x and names it as %s.", name, g.XOnlyPubKey, is)
			continue
		}
		if was := path(sent[i].MasterKeyFingerprint, sent[i].Bip32Path); was != is {
			d.say("%s named key %x as %s and names it as %s.", name, g.XOnlyPubKey, was, is)
		}
		if len(g.LeafHashes) != len(sent[i].LeafHashes) {
			d.say(
				"%s named key %x for %d taproot scripts and names it for %d.",
				name,
				g.XOnlyPubKey,
				len(sent[i].LeafHashes),
				len(g.LeafHashes),
			)
		}
	}
}

// path writes a key's derivation as a descriptor's origin does. The psbt package
// holds the fingerprint as a little-endian number.
func path(fingerprint uint32, steps []uint32) string {
	o := wallet.Origin{Path: steps}
	binary.LittleEndian.PutUint32(o.Fingerprint[:], fingerprint)
	return o.String()
}
