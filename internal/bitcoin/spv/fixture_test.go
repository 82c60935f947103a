package spv_test

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
)

var simnet = &chaincfg.SimNetParams

// firstPayment is the proof of the first bitcoin that one person paid another,
// in block 170 of the public chain, with the 99 headers on top of it.
func firstPayment(tb testing.TB) spv.Inclusion {
	tb.Helper()
	text, err := os.ReadFile("testdata/block170.json")
	if err != nil {
		tb.Fatal(err)
	}
	var p spv.Inclusion
	if err := json.Unmarshal(text, &p); err != nil {
		tb.Fatal(err)
	}
	return p
}

// testTx is a transaction that no other number gives.
func testTx(n int) *wire.MsgTx {
	var prev chainhash.Hash
	binary.LittleEndian.PutUint32(prev[:], uint32(n))
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&prev, 1), nil, nil))
	tx.AddTxOut(wire.NewTxOut(int64(n)+1000, []byte{0x51, 0x20, 1, 2, 3, 4, 5, 6}))
	return tx
}

// testBlock is a block of n transactions with the work that simnet asks for.
func testBlock(n int) *wire.MsgBlock {
	block := &wire.MsgBlock{}
	for i := range n {
		block.Transactions = append(block.Transactions, testTx(i))
	}
	block.Header = mined(chainhash.Hash{1}, treeRoot(block))
	return block
}

// treeRoot is the Merkle root as btcd computes it.
func treeRoot(block *wire.MsgBlock) chainhash.Hash {
	return blockchain.CalcMerkleRoot(btcutil.NewBlock(block).Transactions(), false)
}

func mined(previous, root chainhash.Hash) wire.BlockHeader {
	h := wire.BlockHeader{
		Version: 4, PrevBlock: previous, MerkleRoot: root,
		Timestamp: time.Unix(1_780_000_000, 0), Bits: simnet.PowLimitBits,
	}
	return solved(h)
}

// solved changes the nonce until the header meets its target.
func solved(h wire.BlockHeader) wire.BlockHeader {
	target := blockchain.CompactToBig(h.Bits)
	for ; ; h.Nonce++ {
		hash := h.BlockHash()
		if blockchain.HashToBig(&hash).Cmp(target) <= 0 {
			return h
		}
	}
}

// onTop is n headers that follow h.
func onTop(h wire.BlockHeader, n int) []wire.BlockHeader {
	headers := make([]wire.BlockHeader, 0, n)
	for i := range n {
		h = mined(h.BlockHash(), chainhash.Hash{2, byte(i)})
		headers = append(headers, h)
	}
	return headers
}

func prove(tb testing.TB, block *wire.MsgBlock, position, following int) spv.Inclusion {
	tb.Helper()
	p, err := spv.Prove(block, position, onTop(block.Header, following))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// refused fails unless the proof is refused for the reason that is named.
func refused(t *testing.T, p spv.Inclusion, net *chaincfg.Params, confirmations int, maxTarget *big.Int, reason string) {
	t.Helper()
	tx, block, err := p.Verify(net, confirmations, maxTarget)
	if !errs.Is(err, "bad_proof") || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want bad_proof that says %q", err, reason)
	}
	if tx != nil || block != (chainhash.Hash{}) {
		t.Error("a refused proof gave a transaction or a block")
	}
}
