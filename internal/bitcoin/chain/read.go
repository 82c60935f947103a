package chain

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Tip returns the height and hash of the newest block of the best chain.
func (c *Client) Tip(ctx context.Context) (int32, chainhash.Hash, error) {
	var best struct {
		Hash   string `json:"hash"`
		Height int32  `json:"height"`
	}
	if err := c.read(ctx, &best, "getbestblock"); err != nil {
		return 0, chainhash.Hash{}, err
	}
	hash, err := parseHash(best.Hash)
	if err != nil {
		return 0, chainhash.Hash{}, err
	}
	return best.Height, *hash, nil
}

// HashAt returns the hash of the best chain's block at height; errs.NotFound
// (no_block) when the chain is shorter.
func (c *Client) HashAt(ctx context.Context, height int32) (chainhash.Hash, error) {
	var text string
	if err := c.read(ctx, &text, "getblockhash", height); err != nil {
		return chainhash.Hash{}, noBlock(err, codeOutOfRange)
	}
	hash, err := parseHash(text)
	if err != nil {
		return chainhash.Hash{}, err
	}
	return *hash, nil
}

// Header returns a block's header and height; the height is -1 for a block that
// has left the best chain. errs.NotFound (no_block) when the node does not have it.
func (c *Client) Header(ctx context.Context, hash chainhash.Hash) (wire.BlockHeader, int32, error) {
	var v verboseHeader
	err := c.readProven(ctx, &v, "getblockheader", hash.String(), true)
	var answer *btcdrpc.Error
	if errors.As(err, &answer) && answer.Code == codeInternal {
		return c.staleHeader(ctx, hash)
	}
	if err != nil {
		return wire.BlockHeader{}, 0, noBlock(err, codeNoBlock)
	}
	header, err := v.header()
	if err != nil {
		return wire.BlockHeader{}, 0, err
	}
	if header.BlockHash() != hash {
		return wire.BlockHeader{}, 0, errWrongBlock(hash)
	}
	return header, v.Height, nil
}

// staleHeader asks for the bare header, which is all that btcd tells of a block
// outside the best chain.
func (c *Client) staleHeader(ctx context.Context, hash chainhash.Hash) (wire.BlockHeader, int32, error) {
	var raw btcdrpc.Hex
	if err := c.readProven(ctx, &raw, "getblockheader", hash.String(), false); err != nil {
		return wire.BlockHeader{}, 0, noBlock(err, codeNoBlock)
	}
	var header wire.BlockHeader
	if err := header.Deserialize(bytes.NewReader(raw)); err != nil || header.BlockHash() != hash {
		return wire.BlockHeader{}, 0, errWrongBlock(hash)
	}
	return header, -1, nil
}

// verboseHeader is taken instead of the raw header because it has the height.
type verboseHeader struct {
	Height     int32  `json:"height"`
	Version    int32  `json:"version"`
	MerkleRoot string `json:"merkleroot"`
	Time       int64  `json:"time"`
	Nonce      uint32 `json:"nonce"`
	Bits       string `json:"bits"`
	Previous   string `json:"previousblockhash"`
}

func (v verboseHeader) header() (wire.BlockHeader, error) {
	bits, err := strconv.ParseUint(v.Bits, 16, 32)
	if err != nil {
		return wire.BlockHeader{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeNodeNonsense,
			"btcd sent a block header that cannot be read.",
		)
	}
	root, err := parseHash(v.MerkleRoot)
	if err != nil {
		return wire.BlockHeader{}, err
	}
	previous := new(chainhash.Hash) // the first block has none
	if v.Previous != "" {
		if previous, err = parseHash(v.Previous); err != nil {
			return wire.BlockHeader{}, err
		}
	}
	return wire.BlockHeader{
		Version: v.Version, PrevBlock: *previous, MerkleRoot: *root,
		Timestamp: time.Unix(v.Time, 0).UTC(), Bits: uint32(bits), Nonce: v.Nonce,
	}, nil
}

// Block returns a whole block, also one that has left the best chain;
// errs.NotFound (no_block) when the node does not have it.
func (c *Client) Block(ctx context.Context, hash chainhash.Hash) (*wire.MsgBlock, error) {
	var raw btcdrpc.Hex
	if err := c.readProven(ctx, &raw, "getblock", hash.String(), 0); err != nil {
		return nil, noBlock(err, codeNoBlock)
	}
	return parseBlock(raw, hash)
}

// parseBlock decodes raw and holds it against the hash that was asked for.
func parseBlock(raw []byte, hash chainhash.Hash) (*wire.MsgBlock, error) {
	block := new(wire.MsgBlock)
	r := bytes.NewReader(raw)
	if err := block.Deserialize(r); err != nil {
		return nil, errs.Wrap(err, errs.Unavailable, CodeNodeNonsense, "btcd sent a block that cannot be read.")
	}
	if r.Len() != 0 || block.BlockHash() != hash || merkleRoot(block.Transactions) != block.Header.MerkleRoot {
		return nil, errWrongBlock(hash)
	}
	return block, nil
}

// merkleRoot is the double-SHA256 tree over the transaction ids in which an odd
// last node is paired with itself.
func merkleRoot(txs []*wire.MsgTx) chainhash.Hash {
	if len(txs) == 0 {
		return chainhash.Hash{}
	}
	level := make([]chainhash.Hash, len(txs))
	for i, tx := range txs {
		level[i] = tx.TxHash()
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		next := make([]chainhash.Hash, len(level)/2)
		for i := range next {
			next[i] = chainhash.DoubleHashH(append(level[2*i].CloneBytes(), level[2*i+1][:]...))
		}
		level = next
	}
	return level[0]
}

func errWrongBlock(hash chainhash.Hash) error {
	return errs.Newf(
		errs.Unavailable,
		CodeNodeNonsense,
		"btcd answered for block %s with another block or a damaged one.",
		hash,
	)
}

// noBlock turns btcd's answer with that code into errs.NotFound.
func noBlock(err error, code int) error {
	var answer *btcdrpc.Error
	if errors.As(err, &answer) && answer.Code == code {
		return errs.Wrap(err, errs.NotFound, CodeNoBlock, "The node does not have this block.")
	}
	return err
}
