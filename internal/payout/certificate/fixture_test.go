package certificate_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

var issued = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// noteFor is a decision to pay amount to addr.
func noteFor(tb testing.TB, net *chaincfg.Params, addr address.Address, amount btcutil.Amount) decision.Note {
	tb.Helper()
	script, err := txscript.PayToAddrScript(addr)
	if err != nil {
		tb.Fatal(err)
	}
	return decision.Note{
		Network:       decision.NetworkOf(net),
		Fund:          uuid.MustParse("0198c0de-0000-7000-8000-0000000000ff"),
		Decision:      uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Grant:         uuid.MustParse("0198c0dd-0000-7000-8000-0000000000aa"),
		Currency:      decision.CurrencySat,
		Amount:        int64(amount),
		SatLeast:      amount,
		SatMost:       amount,
		Periods:       1,
		FirstDue:      time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
		Every:         decision.Once,
		PayWithinDays: 30,
		Payees:        []decision.Payee{{Script: script, Address: addr.EncodeAddress()}},
	}
}

// payment is output 1 of a transaction in a simnet block with 5 headers on top.
func payment(tb testing.TB) certificate.Parts {
	tb.Helper()
	net := &chaincfg.SimNetParams
	addr, err := address.NewAddressWitnessPubKeyHash([]byte("twenty bytes of hash"), net)
	if err != nil {
		tb.Fatal(err)
	}
	note := noteFor(tb, net, addr, 150_000)
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{9}}, nil, wire.TxWitness{[]byte("signature")}))
	tx.AddTxOut(wire.NewTxOut(150_000, []byte{txscript.OP_TRUE}))
	tx.AddTxOut(wire.NewTxOut(150_000, note.Payee(1).Script))
	tx.AddTxOut(wire.NewTxOut(150_001, note.Payee(1).Script))
	block := &wire.MsgBlock{Transactions: []*wire.MsgTx{wire.NewMsgTx(1), tx, wire.NewMsgTx(3)}}
	root := blockchain.CalcMerkleRoot(btcutil.NewBlock(block).Transactions(), false)
	block.Header = mined(chainhash.Hash{1}, root)
	var following []wire.BlockHeader
	for h := block.Header; len(following) < 5; {
		h = mined(h.BlockHash(), chainhash.Hash{2})
		following = append(following, h)
	}
	proof, err := spv.Prove(block, 1, following)
	if err != nil {
		tb.Fatal(err)
	}
	return certificate.Parts{
		Note: note, Period: 1, Reference: "GR-7K3FQ2", BatchDigest: decision.Digest{7}, Vout: 1, Height: 812, Inclusion: proof, IssuedAt: issued,
	}
}

func mined(previous, root chainhash.Hash) wire.BlockHeader {
	net := &chaincfg.SimNetParams
	h := wire.BlockHeader{Version: 4, PrevBlock: previous, MerkleRoot: root, Timestamp: issued.Add(-time.Hour), Bits: net.PowLimitBits}
	for ; ; h.Nonce++ {
		hash := h.BlockHash()
		if blockchain.HashToBig(&hash).Cmp(net.PowLimit) <= 0 {
			return h
		}
	}
}

// earlyPayment is the first payment to an address on the main chain.
func earlyPayment(tb testing.TB) certificate.Parts {
	tb.Helper()
	text, err := os.ReadFile("testdata/block728.json")
	if err != nil {
		tb.Fatal(err)
	}
	var proof spv.Inclusion
	if err := json.Unmarshal(text, &proof); err != nil {
		tb.Fatal(err)
	}
	tx, _, err := proof.Verify(&chaincfg.MainNetParams, 10, nil)
	if err != nil {
		tb.Fatal(err)
	}
	_, addrs, _, err := txscript.ExtractPkScriptAddrs(tx.TxOut[0].PkScript, &chaincfg.MainNetParams)
	if err != nil {
		tb.Fatal(err)
	}
	return certificate.Parts{
		Note: noteFor(tb, &chaincfg.MainNetParams, addrs[0], 100_0000_0000), Period: 1, BatchDigest: decision.Digest{7}, Height: 728, Inclusion: proof, IssuedAt: issued,
	}
}

func build(tb testing.TB, p certificate.Parts) certificate.Certificate {
	tb.Helper()
	c, err := certificate.Build(p, certificate.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func encode(tb testing.TB, c certificate.Certificate) []byte {
	tb.Helper()
	text, err := c.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
