package chaintest

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// History gives a node that has only the first block a chain of that many
// blocks, empty and just over ten minutes apart, of which the newest is new. Their
// rewards are nobody's, so that the node has no coins to Send.
// Mine cannot build so many: its blocks follow one another within a second, so
// that simnet's difficulty grows fourfold every 2,016 of them.
func (n *Node) History(blocks int32) {
	n.t.Helper()
	params := &chaincfg.SimNetParams
	prev, at := *params.GenesisHash, time.Now().Add(-time.Duration(blocks)*spacing).Truncate(time.Second)
	for height := int32(1); height <= blocks; height++ {
		at = at.Add(spacing)
		block := n.empty(height)
		block.Header = wire.BlockHeader{
			Version:    0x20000000,
			PrevBlock:  prev,
			MerkleRoot: block.Transactions[0].TxHash(),
			Timestamp:  at,
			Bits:       params.PowLimitBits,
		}
		solve(&block.Header, params.PowLimit)
		var raw bytes.Buffer
		if err := block.Serialize(&raw); err != nil {
			n.t.Fatalf("chaintest: block %d: %v", height, err)
		}
		var refused string
		n.Call(&refused, "submitblock", hex.EncodeToString(raw.Bytes()))
		if refused != "" {
			n.t.Fatalf("chaintest: block %d: %s", height, refused)
		}
		prev = block.BlockHash()
	}
}

// spacing is a little more than the network wants, which keeps the difficulty at
// its floor.
const spacing = 10*time.Minute + time.Second

// empty is a block that holds its coinbase alone; BIP 34 wants its height there.
func (n *Node) empty(height int32) *wire.MsgBlock {
	n.t.Helper()
	script, err := txscript.NewScriptBuilder().AddInt64(int64(height)).AddInt64(0).Script()
	if err != nil {
		n.t.Fatalf("chaintest: block %d: %v", height, err)
	}
	coinbase := wire.NewMsgTx(wire.TxVersion)
	coinbase.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{}, wire.MaxPrevOutIndex), script, nil))
	reward := blockchain.CalcBlockSubsidy(height, &chaincfg.SimNetParams)
	coinbase.AddTxOut(wire.NewTxOut(reward, []byte{txscript.OP_TRUE}))
	return &wire.MsgBlock{Transactions: []*wire.MsgTx{coinbase}}
}

// solve finds a nonce; at simnet's floor every second one will do.
func solve(header *wire.BlockHeader, limit *big.Int) {
	for {
		hash := header.BlockHash()
		if blockchain.HashToBig(&hash).Cmp(limit) <= 0 {
			return
		}
		header.Nonce++
	}
}
