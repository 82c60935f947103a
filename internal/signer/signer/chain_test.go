package signer_test

import (
	"math/big"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// testDepth is how many confirmations the signers of these tests take for final.
const testDepth = 3

// mined returns the proof that tx is in a block of simnet with depth-1 blocks on
// top of it.
func mined(t tb, tx *wire.MsgTx, depth int) spv.Inclusion {
	t.Helper()
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, 0xffffffff), []byte{1, 2}, nil))
	coinbase.AddTxOut(wire.NewTxOut(5_000_000_000, []byte{0x51}))
	block := &wire.MsgBlock{Transactions: []*wire.MsgTx{coinbase, tx}}
	block.Header = header(t, chainhash.Hash{9}, spv.Root(coinbase.TxHash(), 0, []chainhash.Hash{tx.TxHash()}))
	var following []wire.BlockHeader
	last := block.Header.BlockHash()
	for range depth - 1 {
		h := header(t, last, chainhash.Hash{8})
		following = append(following, h)
		last = h.BlockHash()
	}
	p, err := spv.Prove(block, 1, following)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func header(t tb, prev, root chainhash.Hash) wire.BlockHeader {
	t.Helper()
	h := wire.BlockHeader{Version: 4, PrevBlock: prev, MerkleRoot: root, Bits: chaincfg.SimNetParams.PowLimitBits}
	for !work(h, chaincfg.SimNetParams.PowLimit) {
		h.Nonce++
	}
	return h
}

func work(h wire.BlockHeader, limit *big.Int) bool {
	hash := h.BlockHash()
	for i := range len(hash) / 2 {
		hash[i], hash[len(hash)-1-i] = hash[len(hash)-1-i], hash[i]
	}
	return new(big.Int).SetBytes(hash[:]).Cmp(limit) <= 0
}

// deadBy says that txid is dead because of tx, which is in the chain for good.
func deadBy(t tb, txid string, tx *wire.MsgTx) signerrpc.DeadProof {
	t.Helper()
	return signerrpc.DeadProof{TxID: txid, Proof: mined(t, tx, testDepth)}
}
