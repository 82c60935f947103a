package spv

import (
	"bytes"
	"fmt"
	"math/big"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	// HeaderSize is the length of a block header in bytes.
	HeaderSize = wire.MaxBlockHeaderPayload

	// MaxHeaders bounds the headers of one proof.
	MaxHeaders = 2016

	// MaxTxBytes bounds the transaction of a proof: what fits into a block.
	MaxTxBytes = wire.MaxBlockPayload
)

// Inclusion is the proof that a transaction is in a block with more blocks on
// top of it.
type Inclusion struct {
	Tx       []byte           // raw transaction, with or without its witness
	Position uint32           // of the transaction in its block, from 0
	Branch   []chainhash.Hash // from the leaf's sibling up
	Headers  []byte           // HeaderSize bytes each, oldest first; the first is of the block that holds Tx
}

// Prove returns the proof that the transaction at position is in block, with the
// headers of the blocks on top of it, oldest first. The error (errs.Invalid,
// code bad_proof) says that the block has no such transaction.
func Prove(block *wire.MsgBlock, position int, following []wire.BlockHeader) (Inclusion, error) {
	branch := Branch(block, position)
	if branch == nil {
		return Inclusion{}, badProof(
			"is about transaction %d of a block that has %d",
			position,
			len(block.Transactions),
		)
	}
	var tx, headers bytes.Buffer
	if err := block.Transactions[position].Serialize(&tx); err != nil {
		return Inclusion{}, fmt.Errorf("write transaction: %w", err)
	}
	for _, header := range append([]wire.BlockHeader{block.Header}, following...) {
		if err := header.Serialize(&headers); err != nil {
			return Inclusion{}, fmt.Errorf("write header: %w", err)
		}
	}
	return Inclusion{
		Tx:       tx.Bytes(),
		Position: uint32(position), //nolint:gosec // Branch found it in a block in memory
		Branch:   branch,
		Headers:  headers.Bytes(),
	}, nil
}

// Verify holds the proof against the rules of net and returns the transaction
// and the hash of its block. The block itself counts as the first confirmation;
// fewer than minConfirmations headers are refused, and so is one whose target is
// easier than maxTarget (nil: net.PowLimit). Every fault is errs.Invalid with
// code bad_proof.
func (p Inclusion) Verify(
	net *chaincfg.Params,
	minConfirmations int,
	maxTarget *big.Int,
) (*wire.MsgTx, chainhash.Hash, error) {
	headers, err := p.headers()
	if err != nil {
		return nil, chainhash.Hash{}, err
	}
	if len(headers) < minConfirmations {
		return nil, chainhash.Hash{}, badProof("has %d block headers; %d are needed", len(headers), minConfirmations)
	}
	if err := checkHeaders(headers, net.PowLimit, maxTarget); err != nil {
		return nil, chainhash.Hash{}, err
	}
	tx, err := readTx(p.Tx)
	if err != nil {
		return nil, chainhash.Hash{}, err
	}
	leaf := tx.TxHash()
	if err := checkBranch(leaf, p.Position, p.Branch); err != nil {
		return nil, chainhash.Hash{}, err
	}
	if Root(leaf, p.Position, p.Branch) != headers[0].MerkleRoot {
		return nil, chainhash.Hash{}, badProof(
			"does not lead from transaction %s to the Merkle root of its block",
			leaf,
		)
	}
	return tx, headers[0].BlockHash(), nil
}

// Confirmations returns the number of headers.
func (p Inclusion) Confirmations() int { return len(p.Headers) / HeaderSize }

func (p Inclusion) headers() ([]wire.BlockHeader, error) {
	n := len(p.Headers) / HeaderSize
	if n == 0 || n > MaxHeaders || len(p.Headers)%HeaderSize != 0 {
		return nil, badProof(
			"has %d bytes of block headers; it needs 1 to %d headers of %d bytes",
			len(p.Headers),
			MaxHeaders,
			HeaderSize,
		)
	}
	headers := make([]wire.BlockHeader, n)
	r := bytes.NewReader(p.Headers)
	for i := range headers {
		if err := headers[i].Deserialize(r); err != nil {
			return nil, badProof("has a block header that cannot be read")
		}
	}
	return headers, nil
}

// readTx reads a whole transaction with or without witness, in the one spelling
// that it has.
func readTx(raw []byte) (*wire.MsgTx, error) {
	if len(raw) > MaxTxBytes {
		return nil, badProof("has a transaction of %d bytes; none is longer than %d", len(raw), MaxTxBytes)
	}
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, badProof("contains a transaction that cannot be read")
	}
	var again bytes.Buffer
	if err := tx.Serialize(&again); err != nil || !bytes.Equal(again.Bytes(), raw) {
		return nil, badProof("has a transaction with more bytes than it needs")
	}
	if tx.SerializeSizeStripped() == nodeSize {
		return nil, badProof("has a transaction of %d bytes, which could be an inner node of the Merkle tree", nodeSize)
	}
	if len(tx.TxIn) == 0 || len(tx.TxOut) == 0 {
		return nil, badProof("has a transaction without inputs or outputs")
	}
	// So that sums of a few outputs cannot run over (CVE-2010-5139).
	for _, out := range tx.TxOut {
		if out.Value < 0 || out.Value > btcutil.MaxSatoshi {
			return nil, badProof("has a transaction with an impossible amount")
		}
	}
	return tx, nil
}

func badProof(format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, CodeBadProof, "The proof "+fmt.Sprintf(format, args...)+".")
}
