package chain

import (
	"context"
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Spender returns the id of the mempool transaction that spends an outpoint,
// and false if the mempool has none. False proves nothing: the mempool is empty
// after a restart, and another node may know a spender.
func (c *Client) Spender(ctx context.Context, op wire.OutPoint) (chainhash.Hash, bool, error) {
	var spends []struct {
		Spender string `json:"spendingtxid"`
	}
	ask := []any{map[string]any{"txid": op.Hash.String(), "vout": op.Index}}
	if err := c.call(ctx, &spends, "gettxspendingprevout", ask); err != nil {
		return chainhash.Hash{}, false, err
	}
	if len(spends) != 1 || spends[0].Spender == "" {
		return chainhash.Hash{}, false, nil
	}
	hash, err := parseHash(spends[0].Spender)
	if err != nil {
		return chainhash.Hash{}, false, err
	}
	return *hash, true, nil
}

// Unspent reports whether an outpoint is an unspent output of the best chain.
// The mempool is left out, because btcd would show coins that it spends.
func (c *Client) Unspent(ctx context.Context, op wire.OutPoint) (bool, error) {
	var out *struct {
		Confirmations int64 `json:"confirmations"`
	}
	if err := c.call(ctx, &out, "gettxout", op.Hash.String(), op.Index, false); err != nil {
		return false, err
	}
	return out != nil, nil
}

var _ fee.Node = (*Client)(nil)

// Mempool lists the transactions that the node holds for the next blocks, in no
// order.
func (c *Client) Mempool(ctx context.Context) ([]fee.Tx, error) {
	var entries map[string]struct {
		Weight  int64    `json:"weight"`
		Fee     float64  `json:"fee"` // BTC
		Depends []string `json:"depends"`
	}
	if err := c.call(ctx, &entries, "getrawmempool", true); err != nil {
		return nil, err
	}
	txs := make([]fee.Tx, 0, len(entries))
	for text, e := range entries {
		hash, err := parseHash(text)
		if err != nil {
			return nil, err
		}
		sat, err := satFromBTC(e.Fee)
		if err != nil {
			return nil, err
		}
		tx := fee.Tx{TxID: *hash, Weight: e.Weight, FeeSat: sat}
		for _, parent := range e.Depends {
			hash, err := parseHash(parent)
			if err != nil {
				return nil, err
			}
			tx.Depends = append(tx.Depends, *hash)
		}
		txs = append(txs, tx)
	}
	return txs, nil
}

// BlockTxs lists the transactions of a block and their weights, without the
// coinbase; errs.NotFound (no_block) when the node does not have it.
func (c *Client) BlockTxs(ctx context.Context, hash chainhash.Hash) (fee.Block, error) {
	block, err := c.Block(ctx, hash)
	if err != nil {
		return fee.Block{}, err
	}
	b := fee.Block{Hash: hash, Previous: block.Header.PrevBlock, Time: block.Header.Timestamp.UTC()}
	for i, tx := range block.Transactions {
		if i > 0 {
			weight := int64(3*tx.SerializeSizeStripped() + tx.SerializeSize()) // BIP141
			b.Txs = append(b.Txs, fee.BlockTx{TxID: tx.TxHash(), Weight: weight})
		}
	}
	return b, nil
}

// FeeStatus says where the node stands, as far as the fee policy needs it.
func (c *Client) FeeStatus(ctx context.Context) (fee.Status, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return fee.Status{}, err
	}
	filters, err := c.PeerFeeFilters(ctx)
	if err != nil {
		return fee.Status{}, err
	}
	return fee.Status{
		Height: info.Height, Hash: info.Hash, TipTime: info.TipTime, Behind: info.Behind,
		Peers: info.Peers, RelayFeeSatKVB: info.RelayFeeSatKVB, PeerFiltersSatKVB: filters,
	}, nil
}

// EstimateFee returns btcd's guess, in sat per 1000 virtual bytes, of what
// confirms within blocks (1 to 25), and false when it has none, which it says
// both by 0 and by an error. It may be frozen after a reorg and decays slowly:
// one vote among others.
func (c *Client) EstimateFee(ctx context.Context, blocks int) (int64, bool, error) {
	var btcPerKVB float64
	err := c.call(ctx, &btcPerKVB, "estimatefee", blocks)
	var answer *btcdrpc.Error
	if errors.As(err, &answer) && answer.Code == codeInvalidRequest {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	rate, err := satFromBTC(btcPerKVB)
	return rate, err == nil && rate > 0, err
}

// PeerFeeFilters returns the lowest feerates, in sat per 1000 virtual bytes,
// that each outbound peer wants to hear of.
func (c *Client) PeerFeeFilters(ctx context.Context) ([]int64, error) {
	peers, err := c.peers(ctx)
	if err != nil {
		return nil, err
	}
	var filters []int64
	for _, p := range peers {
		if !p.Inbound {
			filters = append(filters, p.FeeFilter)
		}
	}
	return filters, nil
}

// satFromBTC turns btcd's JSON numbers, which are BTC as a float, back into the
// whole satoshis they were.
func satFromBTC(btc float64) (int64, error) {
	amount, err := btcutil.NewAmount(btc)
	if err != nil || amount < 0 {
		return 0, errs.Wrap(err, errs.Unavailable, CodeNodeNonsense, "btcd answered with an amount that is none.")
	}
	return int64(amount), nil
}
