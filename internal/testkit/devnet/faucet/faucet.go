package faucet

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

const (
	maturity   = 100    // blocks before a coinbase may be spent
	feeRate    = 10_000 // sat per 1000 virtual bytes
	inputVSize = 149    // a signed P2PKH input, at most
	baseVSize  = 11 + 34
)

// Key is the miner's key.
type Key struct {
	private *btcec.PrivateKey
	script  []byte
	address string
}

// LoadKey reads the key in file path, making one there the first time.
func LoadKey(path string) (*Key, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key, err := freshKey()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(hex.EncodeToString(key.private.Serialize())+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("store the miner's key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the miner's key: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(secret) != btcec.PrivKeyBytesLen {
		return nil, fmt.Errorf("the miner's key in %s is damaged", path)
	}
	private, _ := btcec.PrivKeyFromBytes(secret)
	return newKey(private)
}

// freshKey makes a key whose base58 address does not begin like a bech32 one of
// simnet ("sb1" in any case): btcd would take it for a damaged one and not start.
func freshKey() (*Key, error) {
	for {
		private, err := btcec.NewPrivateKey()
		if err != nil {
			return nil, fmt.Errorf("make the miner's key: %w", err)
		}
		key, err := newKey(private)
		if err != nil || !strings.HasPrefix(strings.ToLower(key.address), chaincfg.SimNetParams.Bech32HRPSegwit+"1") {
			return key, err
		}
	}
}

func newKey(private *btcec.PrivateKey) (*Key, error) {
	hash := address.Hash160(private.PubKey().SerializeCompressed())
	addr, err := address.NewAddressPubKeyHash(hash, &chaincfg.SimNetParams)
	if err != nil {
		return nil, fmt.Errorf("miner's address: %w", err)
	}
	script, err := txscript.PayToAddrScript(addr)
	if err != nil {
		return nil, fmt.Errorf("miner's script: %w", err)
	}
	return &Key{private: private, script: script, address: addr.EncodeAddress()}, nil
}

// Address is the simnet address to mine to.
func (k *Key) Address() string { return k.address }

// Faucet pays from the coinbases of one key; safe for concurrent use.
type Faucet struct {
	rpc *btcdrpc.Client
	key *Key

	mu   sync.Mutex
	next int32 // the lowest height whose coinbase may be unspent
}

// New returns the Faucet of key on the node behind rpc.
func New(rpc *btcdrpc.Client, key *Key) *Faucet { return &Faucet{rpc: rpc, key: key, next: 1} }

// Pay sends a transaction with exactly these outputs first, in this order, then
// change, and returns it. It waits in the mempool until somebody mines.
func (f *Faucet) Pay(ctx context.Context, outs ...*wire.TxOut) (*wire.MsgTx, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tx := wire.NewMsgTx(2)
	tx.TxOut = append(tx.TxOut, outs...)
	need := int64(money.FeeAt(int64(baseVSize+tx.SerializeSize()), feeRate))
	for _, out := range outs {
		need += out.Value
	}
	if err := f.fund(ctx, tx, need); err != nil {
		return nil, err
	}
	for i := range tx.TxIn {
		sig, err := txscript.SignatureScript(tx, i, f.key.script, txscript.SigHashAll, f.key.private, true)
		if err != nil {
			return nil, fmt.Errorf("sign input %d: %w", i, err)
		}
		tx.TxIn[i].SignatureScript = sig
	}
	var raw bytes.Buffer
	if err := tx.Serialize(&raw); err != nil {
		return nil, fmt.Errorf("serialize: %w", err)
	}
	if err := f.rpc.Call(ctx, nil, "sendrawtransaction", hex.EncodeToString(raw.Bytes())); err != nil {
		return nil, err
	}
	return tx, nil
}

// fund adds whole coinbases and the change to tx until they cover need and the
// inputs' own fee. Change is never spent again: there is always another block.
func (f *Faucet) fund(ctx context.Context, tx *wire.MsgTx, need int64) error {
	var tip int32
	if err := f.rpc.Call(ctx, &tip, "getblockcount"); err != nil {
		return err
	}
	have := int64(0)
	contiguous := true // every coin so far is spent for good
	for height := f.next; have < need; height++ {
		if height > tip-maturity {
			return fmt.Errorf("the miner has no more mature coins: %d sat are missing; mine more blocks", need-have)
		}
		op, value, state, err := f.coinbase(ctx, height)
		if err != nil {
			return err
		}
		if contiguous = contiguous && state == gone; contiguous {
			f.next = height + 1
		}
		if state != free {
			continue
		}
		tx.AddTxIn(wire.NewTxIn(&op, nil, nil))
		have += value
		need += int64(money.FeeAt(inputVSize, feeRate))
	}
	if change := have - need; change > 1000 { // less would be dust
		tx.AddTxOut(wire.NewTxOut(change, f.key.script))
	}
	return nil
}

// coinState is what has become of a coinbase.
type coinState int

const (
	free  coinState = iota
	taken           // by a transaction in the mempool, which a restart may forget
	gone            // spent in a block, or not ours
)

// coinbase finds the coin of one block and what has become of it.
func (f *Faucet) coinbase(
	ctx context.Context,
	height int32,
) (op wire.OutPoint, value int64, state coinState, err error) {
	var hash, text string
	if err := f.rpc.Call(ctx, &hash, "getblockhash", height); err != nil {
		return op, 0, gone, err
	}
	if err := f.rpc.Call(ctx, &text, "getblock", hash, 0); err != nil {
		return op, 0, gone, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return op, 0, gone, fmt.Errorf("block %d: %w", height, err)
	}
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
		return op, 0, gone, fmt.Errorf("block %d: %w", height, err)
	}
	out := block.Transactions[0].TxOut[0]
	op = wire.OutPoint{Hash: block.Transactions[0].TxHash()}
	if !bytes.Equal(out.PkScript, f.key.script) {
		return op, 0, gone, nil
	}
	var unspent *struct{}
	if err := f.rpc.Call(ctx, &unspent, "gettxout", op.Hash.String(), 0, false); err != nil {
		return op, 0, gone, err
	}
	if unspent == nil {
		return op, 0, gone, nil
	}
	var spends []struct {
		Spender string `json:"spendingtxid"`
	}
	ask := []any{map[string]any{"txid": op.Hash.String(), "vout": 0}}
	if err := f.rpc.Call(ctx, &spends, "gettxspendingprevout", ask); err != nil {
		return op, 0, gone, err
	}
	if len(spends) == 1 && spends[0].Spender != "" {
		return op, 0, taken, nil
	}
	return op, out.Value, free, nil
}
