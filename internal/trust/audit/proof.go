package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Inclusion proves that a row is in the log that a checkpoint speaks of. Hashes
// is the RFC 6962 audit path, each in base64 in JSON.
type Inclusion struct {
	Seq        int64       `json:"seq"`
	Leaf       string      `json:"leaf"` // the exact bytes, as text
	Checkpoint string      `json:"checkpoint"`
	Hashes     []tlog.Hash `json:"hashes"`
}

// Consistency proves that the log of one checkpoint begins with all of the log
// of an earlier one.
type Consistency struct {
	Old    string      `json:"old"`
	New    string      `json:"new"`
	Hashes []tlog.Hash `json:"hashes"`
}

// ProveInclusion returns the proof for row seq against a signed checkpoint of
// size rows. NotFound "not_covered" when the checkpoint does not reach the row.
func ProveInclusion(seq int64, leaf []byte, signed string, size int64, stored tlog.HashReader) (Inclusion, error) {
	if seq < 0 || seq >= size {
		return Inclusion{}, errs.Newf(errs.NotFound, CodeNotCovered, "No checkpoint covers row %d yet.", seq)
	}
	hashes, err := tlog.ProveRecord(size, seq, stored)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove row %d: %w", seq, err)
	}
	return Inclusion{Seq: seq, Leaf: string(leaf), Checkpoint: signed, Hashes: noNil(hashes)}, nil
}

// Verify checks the proof against the public key. Conflict "audit_broken" when
// it does not hold; errors of OpenCheckpoint.
func (p Inclusion) Verify(vkey string) error {
	c, err := OpenCheckpoint(p.Checkpoint, vkey)
	if err != nil {
		return err
	}
	leaf, err := ParseLeaf([]byte(p.Leaf))
	if err != nil || leaf.Seq != p.Seq {
		return broken(Finding{First: p.Seq, Last: p.Seq, What: Altered}, err)
	}
	if p.Seq >= c.Size {
		return errs.Newf(errs.NotFound, CodeNotCovered, "The checkpoint does not cover row %d.", p.Seq)
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Seq, tlog.RecordHash([]byte(p.Leaf))); err != nil {
		return broken(Finding{First: p.Seq, Last: p.Seq, What: Altered}, err)
	}
	return nil
}

// ProveConsistency returns the proof between two signed checkpoints.
func ProveConsistency(
	signedOld string,
	oldSize int64,
	signedNew string,
	newSize int64,
	stored tlog.HashReader,
) (Consistency, error) {
	if oldSize < 1 || oldSize > newSize {
		return Consistency{}, errs.Newf(
			errs.Invalid,
			CodeNotEarlier,
			"A log of %d rows does not come before one of %d.",
			oldSize,
			newSize,
		)
	}
	hashes, err := tlog.ProveTree(newSize, oldSize, stored)
	if err != nil {
		return Consistency{}, fmt.Errorf("prove %d in %d: %w", oldSize, newSize, err)
	}
	return Consistency{Old: signedOld, New: signedNew, Hashes: noNil(hashes)}, nil
}

// Verify checks the proof against the public key. Conflict "audit_broken" when
// history before the old checkpoint was changed; errors of OpenCheckpoint.
func (p Consistency) Verify(vkey string) error {
	older, err := OpenCheckpoint(p.Old, vkey)
	if err != nil {
		return err
	}
	newer, err := OpenCheckpoint(p.New, vkey)
	if err != nil {
		return err
	}
	if older.Size < 1 || older.Size > newer.Size {
		return errs.Newf(
			errs.Invalid,
			CodeNotEarlier,
			"A log of %d rows does not come before one of %d.",
			older.Size,
			newer.Size,
		)
	}
	if err := tlog.CheckTree(p.Hashes, newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return broken(Finding{First: 0, Last: older.Size - 1, What: Altered}, err)
	}
	return nil
}

// noNil makes an empty proof "[]" in JSON.
func noNil(h []tlog.Hash) []tlog.Hash {
	if h == nil {
		return []tlog.Hash{}
	}
	return h
}
