package chainaudit

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// coin is an output of the treasury.
type coin struct {
	place
	sat    int64
	height int32
}

// spend is who spent a coin.
type spend struct {
	txid   chainhash.Hash
	height int32
}

// touch is a transaction on the chain that spends or makes coins of the
// treasury, or that a journal names.
type touch struct {
	txid   chainhash.Hash
	height int32
	inputs []wire.OutPoint
	prev   []*coin // the coin that each input spends, nil when it is none
	outs   []*wire.TxOut
	own    []*place // where each output is derived, nil when it is not
}

// scan is what the chain says of a treasury, without any journal.
type scan struct {
	window *window
	named  map[chainhash.Hash]bool // transactions of the journals

	height  int32
	header  wire.BlockHeader
	hash    chainhash.Hash
	coins   map[wire.OutPoint]*coin // unspent
	spent   map[wire.OutPoint]spend
	touches []*touch
}

// newScan begins above the block at height. named holds the transactions that
// are wanted even if they do not touch a coin that is known.
func newScan(w *window, named map[chainhash.Hash]bool, height int32, hash chainhash.Hash) *scan {
	return &scan{
		window: w, named: named, height: height, hash: hash,
		coins: map[wire.OutPoint]*coin{}, spent: map[wire.OutPoint]spend{},
	}
}

// run reads on to the tip of r's best chain.
func (s *scan) run(ctx context.Context, r reader, progress func(height int32)) error {
	return r.follow(ctx, s.height, s.hash, func(b *block) error {
		if err := s.add(b); err != nil {
			return err
		}
		progress(b.height)
		return nil
	})
}

func (s *scan) add(b *block) error {
	own, err := s.ownOutputs(b)
	if err != nil {
		return err
	}
	for i, tx := range b.txs {
		touched := own[i] != nil || s.named[b.txids[i]]
		for _, in := range tx.TxIn {
			if touched {
				break
			}
			_, touched = s.coins[in.PreviousOutPoint]
		}
		if touched {
			s.touch(b, i, own[i])
		}
	}
	s.height, s.header, s.hash = b.height, b.header, b.header.BlockHash()
	return nil
}

// ownOutputs finds the outputs of a block that the treasury owns, by
// transaction. A find can show more scripts, which may stand earlier in the block.
func (s *scan) ownOutputs(b *block) (map[int][]*place, error) {
	for {
		found, again := map[int][]*place{}, false
		for i, tx := range b.txs {
			for j, out := range tx.TxOut {
				p, ok := s.window.find(out.PkScript)
				if !ok {
					continue
				}
				grew, err := s.window.seen(p)
				if err != nil {
					return nil, err
				}
				again = again || grew
				if found[i] == nil {
					found[i] = make([]*place, len(tx.TxOut))
				}
				found[i][j] = &p
			}
		}
		if !again {
			return found, nil
		}
	}
}

func (s *scan) touch(b *block, i int, own []*place) {
	tx := b.txs[i]
	if own == nil {
		own = make([]*place, len(tx.TxOut))
	}
	t := &touch{txid: b.txids[i], height: b.height, outs: tx.TxOut, own: own, prev: make([]*coin, len(tx.TxIn))}
	for k, in := range tx.TxIn {
		op := in.PreviousOutPoint
		t.inputs = append(t.inputs, op)
		if c := s.coins[op]; c != nil {
			t.prev[k] = c
			delete(s.coins, op)
		}
		s.spent[op] = spend{t.txid, b.height}
	}
	for j, p := range own {
		if p != nil {
			op := wire.OutPoint{Hash: t.txid, Index: uint32(j)}
			s.coins[op] = &coin{place: *p, sat: tx.TxOut[j].Value, height: b.height}
		}
	}
	s.touches = append(s.touches, t)
}
