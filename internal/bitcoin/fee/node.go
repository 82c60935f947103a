package fee

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// Node is what the estimator asks of a node. Errors are errs.Unavailable; a
// person reads them.
type Node interface {
	// FeeStatus says where the node stands.
	FeeStatus(ctx context.Context) (Status, error)
	// Mempool lists what waits for the next blocks, in no order.
	Mempool(ctx context.Context) ([]Tx, error)
	// BlockTxs lists a block's transactions without the coinbase.
	BlockTxs(ctx context.Context, hash chainhash.Hash) (Block, error)
	// EstimateFee is btcd's guess for 1 to 25 blocks in satoshi per 1000 virtual
	// bytes, and false when it has none.
	EstimateFee(ctx context.Context, blocks int) (int64, bool, error)
}

// Status is where a node stands.
type Status struct {
	Height         int32
	Hash           chainhash.Hash // of the newest block
	TipTime        time.Time      // of the newest block's header
	Behind         int32          // blocks that a peer has and the node does not
	Peers          int
	RelayFeeSatKVB int64
	// PeerFiltersSatKVB are the rates from which on outbound peers want to hear of
	// transactions (BIP133); 0 is a peer that did not say.
	PeerFiltersSatKVB []int64
}

// Tx is a transaction that waits in the mempool.
type Tx struct {
	TxID    chainhash.Hash
	Weight  int64 // weight units
	FeeSat  int64
	Depends []chainhash.Hash // the waiting transactions whose outputs it spends
}

// Block is what a block holds beside its coinbase.
type Block struct {
	Hash     chainhash.Hash
	Previous chainhash.Hash
	Time     time.Time // of the header
	Txs      []BlockTx
}

// BlockTx is a mined transaction.
type BlockTx struct {
	TxID   chainhash.Hash
	Weight int64
}
