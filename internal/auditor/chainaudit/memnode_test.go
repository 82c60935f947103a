package chainaudit_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// memNode is a node in memory that believes everything, and can be told to lie.
type memNode struct {
	mu     sync.Mutex
	blocks []*wire.MsgBlock // by height
	raw    map[string]string

	unspent   map[string]int64 // in satoshi, by output
	unspentAt string           // the tip that it is of

	// before is called with the lock held before each answer; it may change the
	// node, and its error is the answer.
	before func(method string, params []any) error
	// after may change an answer.
	after func(method string, answer any) any
}

var _ chainaudit.Node = (*memNode)(nil)

func newMemNode() *memNode {
	return &memNode{blocks: []*wire.MsgBlock{chaincfg.SimNetParams.GenesisBlock}, raw: map[string]string{}}
}

// mine adds a block with txs. Its time makes blocks of two branches differ.
func (n *memNode) mine(txs ...*wire.MsgTx) {
	tip := n.blocks[len(n.blocks)-1]
	coinbase := wire.NewMsgTx(1)
	coinbase.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: fmt.Appendf(nil, "block %d %d", len(n.blocks), len(n.raw))})
	coinbase.AddTxOut(wire.NewTxOut(50e8, []byte{0x51}))
	b := wire.NewMsgBlock(wire.NewBlockHeader(1, new(chainhash.Hash), new(chainhash.Hash), 0x207fffff, 0))
	b.Header.PrevBlock, b.Header.Timestamp = tip.BlockHash(), tip.Header.Timestamp.Add(time.Minute)
	b.Transactions = append([]*wire.MsgTx{coinbase}, txs...)
	b.Header.MerkleRoot = root(b.Transactions)
	n.add(b)
}

func (n *memNode) add(b *wire.MsgBlock) {
	var raw bytes.Buffer
	if err := b.Serialize(&raw); err != nil {
		panic(err)
	}
	n.blocks = append(n.blocks, b)
	n.raw[b.BlockHash().String()] = hex.EncodeToString(raw.Bytes())
}

// root is a Merkle root by recursion, another way than the reader's.
func root(txs []*wire.MsgTx) chainhash.Hash {
	level := []chainhash.Hash{}
	for _, tx := range txs {
		level = append(level, tx.TxHash())
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		next := []chainhash.Hash{}
		for i := 0; i < len(level); i += 2 {
			next = append(next, chainhash.DoubleHashH(append(level[i][:], level[i+1][:]...)))
		}
		level = next
	}
	return level[0]
}

// Call answers as btcd does.
func (n *memNode) Call(ctx context.Context, result any, method string, params ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.before != nil {
		if err := n.before(method, params); err != nil {
			return err
		}
	}
	answer, err := n.answer(method, params)
	if err != nil {
		return err
	}
	if n.after != nil {
		answer = n.after(method, answer)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

func (n *memNode) answer(method string, params []any) (any, error) {
	tip := n.blocks[len(n.blocks)-1].BlockHash().String()
	switch method {
	case "getblockcount":
		return len(n.blocks) - 1, nil
	case "getbestblockhash":
		return tip, nil
	case "getblockhash":
		height, ok := params[0].(int32)
		if !ok || int(height) >= len(n.blocks) {
			return nil, errors.New("block number out of range")
		}
		return n.blocks[height].BlockHash().String(), nil
	case "getheaders":
		return n.headers(params[0]), nil
	case "getblock":
		return n.raw[fmt.Sprint(params[0])], nil
	case "gettxout":
		return n.txOut(fmt.Sprint(params[0]), fmt.Sprint(params[1]), tip), nil
	case "gettxspendingprevout":
		return []struct{}{}, nil
	}
	return nil, fmt.Errorf("no method %s", method)
}

// headers serves a few at a time, as btcd serves 2,000.
func (n *memNode) headers(locators any) []string {
	list, _ := locators.([]string)
	from := 0
	for h, b := range n.blocks {
		if b.BlockHash().String() == list[0] {
			from = h
		}
	}
	texts := []string{}
	for _, b := range n.blocks[from+1 : min(from+8, len(n.blocks))] {
		var raw bytes.Buffer
		if err := b.Header.Serialize(&raw); err != nil {
			panic(err)
		}
		texts = append(texts, hex.EncodeToString(raw.Bytes()))
	}
	return texts
}

// txOut looks into the set of unspent outputs, made anew for each tip.
func (n *memNode) txOut(txid, vout, tip string) any {
	if n.unspentAt != tip {
		n.unspentAt, n.unspent = tip, map[string]int64{}
		for _, b := range n.blocks {
			for _, tx := range b.Transactions {
				id := tx.TxHash()
				for _, in := range tx.TxIn {
					delete(n.unspent, in.PreviousOutPoint.String())
				}
				for i, out := range tx.TxOut {
					n.unspent[fmt.Sprintf("%s:%d", id, i)] = out.Value
				}
			}
		}
	}
	sat, ok := n.unspent[txid+":"+vout]
	if !ok {
		return nil
	}
	return map[string]any{"bestblock": tip, "value": json.Number(fmt.Sprintf("%d.%08d", sat/1e8, sat%1e8))}
}

// fundedNode is a node whose second block holds the fund's deposits.
func fundedNode(t testing.TB, f *fund) *memNode {
	t.Helper()
	n := newMemNode()
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.HashH([]byte(f.name))}})
	for i, sat := range fundDeposits() {
		tx.AddTxOut(wire.NewTxOut(sat, f.script(0, uint32(i))))
	}
	n.mine()
	n.mine(tx)
	f.deposited(tx, 0)
	return n
}
