package chain_test

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

const (
	maxRate  = 200_000 // sat per 1000 virtual bytes
	coinSize = 1_0000  // sat in the coins that payees get; small, so that fees show
)

// payee owns one P2WPKH key.
type payee struct {
	key    *btcec.PrivateKey
	script []byte
}

func newPayee(t *testing.T) payee {
	t.Helper()
	key, err := btcec.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	hash := address.Hash160(key.PubKey().SerializeCompressed())
	return payee{key: key, script: append([]byte{txscript.OP_0, txscript.OP_DATA_20}, hash...)}
}

// spend confirms a coin of amount sat for p and returns a signed transaction, not
// sent, that pays it back to p less fee.
func (p payee) spend(t *testing.T, node *chaintest.Node, amount, fee int64) *wire.MsgTx {
	t.Helper()
	op := node.Send(p.script, btcutil.Amount(amount))
	node.Mine(1)
	return p.sign(t, op, amount, fee)
}

// sign spends one coin of p's to p's script, replaceable.
func (p payee) sign(t *testing.T, op wire.OutPoint, amount, fee int64) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: op, Sequence: 0xfffffffd})
	tx.AddTxOut(wire.NewTxOut(amount-fee, p.script))
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(p.script, amount))
	witness, err := txscript.WitnessSignature(tx, hashes, 0, amount, p.script, txscript.SigHashAll, p.key, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}

func raw(t *testing.T, tx *wire.MsgTx) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// holds asks the node itself whether a transaction is in its mempool.
func holds(t *testing.T, node *chaintest.Node, tx *wire.MsgTx) bool {
	t.Helper()
	var ids []string
	node.Call(&ids, "getrawmempool")
	for _, id := range ids {
		if id == tx.TxHash().String() {
			return true
		}
	}
	return false
}
