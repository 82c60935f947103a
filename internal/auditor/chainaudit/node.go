package chainaudit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-fund/causeway/internal/bitcoin/chain/btcdrpc"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Node is a btcd of the reader's own.
type Node interface {
	Call(ctx context.Context, result any, method string, params ...any) error
}

var _ Node = (*btcdrpc.Client)(nil)

// Dial returns the node at host (host:port of its --rpclisten), whose
// certificate is certPEM. It does not connect.
func Dial(host, user, pass string, certPEM []byte) (Node, error) {
	return btcdrpc.New(btcdrpc.Config{Host: host, User: user, Pass: pass, CertPEM: certPEM})
}

// prefetch is how many blocks are fetched ahead of the one that is read.
const prefetch = 4

// errMoved says that the best chain changed below the reader.
var errMoved = errors.New("the node went to another branch")

// block is a block with the ids of its transactions, which it is proven to hold.
type block struct {
	height int32
	header wire.BlockHeader
	txs    []*wire.MsgTx
	txids  []chainhash.Hash
}

// reader asks one node.
type reader struct{ node Node }

func (r reader) ask(ctx context.Context, result any, method string, params ...any) error {
	err := r.node.Call(ctx, result, method, params...)
	if err != nil && ctx.Err() == nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeNodeUnavailable,
			fmt.Sprintf("The node cannot be queried: %v. Nothing was judged.", err),
		)
	}
	return err
}

func (r reader) hashAt(ctx context.Context, height int32) (chainhash.Hash, error) {
	var text string
	if err := r.ask(ctx, &text, "getblockhash", height); err != nil {
		return chainhash.Hash{}, err
	}
	return txidOf(text)
}

// follow gives use every block above from, whose hash is given, in order up to
// the tip. It returns errMoved when from is not on the best chain.
func (r reader) follow(ctx context.Context, from int32, hash chainhash.Hash, use func(*block) error) error {
	for {
		headers, err := r.headers(ctx, hash)
		if err != nil || len(headers) == 0 {
			return err
		}
		if err := r.blocks(ctx, from+1, headers, use); err != nil {
			return err
		}
		from += int32(len(headers)) //nolint:gosec // at most 2,000
		hash = headers[len(headers)-1].BlockHash()
	}
}

// headers returns what follows hash on the best chain, at most 2,000, each one
// linked to the one before.
func (r reader) headers(ctx context.Context, hash chainhash.Hash) ([]wire.BlockHeader, error) {
	var texts []string
	if err := r.ask(ctx, &texts, "getheaders", []string{hash.String()}, ""); err != nil {
		return nil, err
	}
	headers := make([]wire.BlockHeader, len(texts))
	for i, text := range texts {
		raw, err := hex.DecodeString(text)
		if err != nil || headers[i].Deserialize(bytes.NewReader(raw)) != nil {
			return nil, badNode("a header cannot be read")
		}
		if headers[i].PrevBlock != hash {
			return nil, errMoved
		}
		hash = headers[i].BlockHash()
	}
	return headers, nil
}

// blocks fetches the blocks of headers, the first at height from, a few ahead.
func (r reader) blocks(ctx context.Context, from int32, headers []wire.BlockHeader, use func(*block) error) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan *block, prefetch-1)
	g.Go(func() error {
		defer close(queue)
		for i := range headers {
			next := make(chan *block, 1)
			select {
			case queue <- next:
			case <-ctx.Done():
				return ctx.Err()
			}
			g.Go(func() error {
				b, err := r.fetch(ctx, &headers[i])
				if err == nil {
					b.height = from + int32(i) //nolint:gosec // at most 2,000
					next <- b
				}
				return err
			})
		}
		return nil
	})
	g.Go(func() error {
		for next := range queue {
			select {
			case b := <-next:
				if err := use(b); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return g.Wait()
}

// fetch reads one block and proves that it is the one of header.
func (r reader) fetch(ctx context.Context, header *wire.BlockHeader) (*block, error) {
	msg, err := r.raw(ctx, header.BlockHash())
	if err != nil {
		return nil, err
	}
	b := &block{header: *header, txs: msg.Transactions, txids: make([]chainhash.Hash, len(msg.Transactions))}
	for i, tx := range msg.Transactions {
		b.txids[i] = tx.TxHash()
	}
	root, err := merkleRoot(slices.Clone(b.txids))
	if err != nil || root != header.MerkleRoot {
		return nil, badNode(
			fmt.Sprintf("block %s does not hold the transactions that its header says", header.BlockHash()),
		)
	}
	return b, nil
}

func (r reader) raw(ctx context.Context, hash chainhash.Hash) (*wire.MsgBlock, error) {
	var text string
	if err := r.ask(ctx, &text, "getblock", hash.String(), 0); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, badNode("a block is not hexadecimal")
	}
	msg := new(wire.MsgBlock)
	if err := msg.Deserialize(bytes.NewReader(raw)); err != nil || len(msg.Transactions) == 0 {
		return nil, badNode(fmt.Sprintf("block %s cannot be read", hash))
	}
	return msg, nil
}

// merkleRoot computes the root over level, which it uses up. It refuses two equal
// neighbours: with them, two different blocks can have one root (CVE-2012-2459).
func merkleRoot(level []chainhash.Hash) (chainhash.Hash, error) {
	var pair [2 * chainhash.HashSize]byte
	for len(level) > 1 {
		for i := 0; i < len(level); i += 2 {
			right := min(i+1, len(level)-1)
			if right != i && level[i] == level[right] {
				return chainhash.Hash{}, errors.New("two equal hashes side by side")
			}
			copy(pair[:], level[i][:])
			copy(pair[chainhash.HashSize:], level[right][:])
			level[i/2] = chainhash.DoubleHashH(pair[:])
		}
		level = level[:(len(level)+1)/2]
	}
	return level[0], nil
}

func badNode(what string) error {
	return errs.New(
		errs.Unavailable,
		CodeBadNode,
		"The node's answer is inconsistent: "+what+". Nothing was judged; ask another node.",
	)
}
