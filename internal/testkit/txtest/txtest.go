package txtest

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// Treasury is a wallet whose private keys are known.
type Treasury struct {
	Seed       []byte   // of the first key
	Seeds      [][]byte // one a key
	Descriptor *wallet.Descriptor
	Account    *hdkeychain.ExtendedKey   // of the first key
	Accounts   []*hdkeychain.ExtendedKey // one a key, in the descriptor's order
}

// NewTreasury returns the treasury of a seed made from name; for wsh it is a
// 2-of-3, as NewMultisig makes it.
func NewTreasury(t testing.TB, kind wallet.Kind, net *chaincfg.Params, name string) *Treasury {
	t.Helper()
	if kind == wallet.KindWSH {
		return NewMultisig(t, 2, 3, net, name)
	}
	seed := sha256.Sum256([]byte(name))
	account, _, err := wallet.AccountXprv(seed[:], kind, net)
	if err != nil {
		t.Fatalf("account: %v", err)
	}
	d, err := wallet.DescriptorFromSeed(seed[:], kind, net)
	if err != nil {
		t.Fatalf("descriptor: %v", err)
	}
	return &Treasury{
		Seed:       seed[:],
		Seeds:      [][]byte{seed[:]},
		Descriptor: d,
		Account:    account,
		Accounts:   []*hdkeychain.ExtendedKey{account},
	}
}

// NewMultisig returns a k-of-n treasury, each key of a seed made from name and
// its number.
func NewMultisig(t testing.TB, k, n int, net *chaincfg.Params, name string) *Treasury {
	t.Helper()
	tr := &Treasury{}
	var keys []string
	for i := range n {
		seed := sha256.Sum256([]byte(name + " " + strconv.Itoa(i)))
		account, _, err := wallet.AccountXprv(seed[:], wallet.KindWSH, net)
		if err != nil {
			t.Fatalf("account: %v", err)
		}
		key, err := wallet.KeyExpression(seed[:], wallet.KindWSH, net)
		if err != nil {
			t.Fatalf("key: %v", err)
		}
		if i == 0 {
			tr.Seed, tr.Account = seed[:], account
		}
		tr.Seeds = append(tr.Seeds, seed[:])
		tr.Accounts, keys = append(tr.Accounts, account), append(keys, key)
	}
	d, err := wallet.MultisigDescriptor(k, keys, net)
	if err != nil {
		t.Fatalf("descriptor: %v", err)
	}
	tr.Descriptor = d
	return tr
}

// Coin returns a coin of amount at chain and index, made by a transaction of its
// own. nonce tells coins of equal amount and place apart.
func (tr *Treasury) Coin(t testing.TB, amount btcutil.Amount, chain, index, nonce uint32) txbuild.Coin {
	t.Helper()
	script, err := tr.Descriptor.Script(chain, index)
	if err != nil {
		t.Fatalf("script: %v", err)
	}
	prev := wire.NewMsgTx(2)
	in := wire.NewTxIn(
		&wire.OutPoint{Hash: sha256.Sum256(binary.BigEndian.AppendUint32(nil, nonce)), Index: nonce},
		nil,
		nil,
	)
	prev.AddTxIn(in)
	prev.AddTxOut(wire.NewTxOut(1_000, PayeeScript(t, txscript.WitnessV0PubKeyHashTy, nonce)))
	prev.AddTxOut(wire.NewTxOut(int64(amount), script))
	return txbuild.Coin{
		OutPoint: wire.OutPoint{Hash: prev.TxHash(), Index: 1}, Amount: amount, Script: script,
		Chain: chain, Index: index, Height: 100, PrevTx: prev,
	}
}

// Sign signs every input of packet in place, with as many keys as are needed.
func (tr *Treasury) Sign(t testing.TB, packet *psbt.Packet) {
	t.Helper()
	needed, _ := tr.Descriptor.Threshold()
	for i := range needed {
		tr.SignWith(t, packet, i)
	}
}

// SignWith signs every input of packet in place with the i-th key.
func (tr *Treasury) SignWith(t testing.TB, packet *psbt.Packet, i int) {
	t.Helper()
	if err := wallet.SignPSBT(packet, tr.Accounts[i], tr.Descriptor); err != nil {
		t.Fatalf("sign: %v", err)
	}
}

// Classes are the script classes that PayeeScript makes, which are those a payee
// may have.
func Classes() []txscript.ScriptClass {
	return []txscript.ScriptClass{
		txscript.PubKeyHashTy, txscript.ScriptHashTy, txscript.WitnessV0PubKeyHashTy,
		txscript.WitnessV0ScriptHashTy, txscript.WitnessV1TaprootTy,
	}
}

// PayeeScript returns the n-th script of a class.
func PayeeScript(t testing.TB, class txscript.ScriptClass, n uint32) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte("payee " + strconv.FormatUint(uint64(n), 10)))
	b := txscript.NewScriptBuilder()
	switch class {
	case txscript.PubKeyHashTy:
		b.AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(digest[:20]).
			AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG)
	case txscript.ScriptHashTy:
		b.AddOp(txscript.OP_HASH160).AddData(digest[:20]).AddOp(txscript.OP_EQUAL)
	case txscript.WitnessV0PubKeyHashTy:
		b.AddOp(txscript.OP_0).AddData(digest[:20])
	case txscript.WitnessV0ScriptHashTy:
		b.AddOp(txscript.OP_0).AddData(digest[:])
	case txscript.WitnessV1TaprootTy:
		_, pub := btcec.PrivKeyFromBytes(digest[:])
		b.AddOp(txscript.OP_1).AddData(schnorr.SerializePubKey(pub))
	default:
		t.Fatalf("no payee has script class %v", class)
	}
	script, err := b.Script()
	if err != nil {
		t.Fatalf("script: %v", err)
	}
	return script
}
