package audit

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Store reads the log and keeps its checkpoints. Leaves and hashes are written
// by the stores of other packages, with Append, in the transaction of a change.
type Store interface {
	// AuditSize returns the number of rows.
	AuditSize(ctx context.Context) (int64, error)

	// AuditHashes returns the stored hashes at these indexes, in this order; an
	// absent one is an error.
	AuditHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)

	// AuditLeaves returns the leaf bytes of up to limit rows from row from on.
	AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error)

	// Checkpoints returns all rows of checkpoints, smallest first. Whoever may
	// write to the store may have added rows that no key signed.
	Checkpoints(ctx context.Context) ([]StoredCheckpoint, error)

	// NewestCheckpoints returns up to limit rows of checkpoints, those of greatest
	// size first, without the first skip of them.
	NewestCheckpoints(ctx context.Context, skip, limit int64) ([]StoredCheckpoint, error)

	// PutCheckpoint stores a checkpoint beside what is there; the same one being
	// there already is no error.
	PutCheckpoint(ctx context.Context, c StoredCheckpoint) error
}

// StoredCheckpoint is a signed checkpoint with its size and time of signing.
type StoredCheckpoint struct {
	Size int64
	Note string
	At   time.Time
}

// Log answers questions about the log. It takes no notice of a row of checkpoints
// that its key did not sign. Safe for concurrent use.
type Log struct {
	store Store
	clock clock.Clock
	vkey  string
}

// NewLog returns a Log over store, whose checkpoints are signed by the key of
// this public key.
func NewLog(store Store, c clock.Clock, vkey string) *Log {
	return &Log{store: store, clock: c, vkey: vkey}
}

// Checkpoint signs the log as it stands and stores the checkpoint, if there are
// rows that the latest valid one does not cover. It first proves to itself that
// the log of the latest one is a prefix: Conflict "audit_broken" when it is not,
// and nothing is signed. s is the key of the Log.
func (l *Log) Checkpoint(ctx context.Context, s *Signer) (latest StoredCheckpoint, signed bool, err error) {
	latest, err = l.Latest(ctx)
	if err != nil && !errs.Is(err, CodeNoCheckpoint) {
		return StoredCheckpoint{}, false, fmt.Errorf("read latest checkpoint: %w", err)
	}
	size, err := l.store.AuditSize(ctx)
	if err != nil {
		return StoredCheckpoint{}, false, fmt.Errorf("read size of the audit log: %w", err)
	}
	if size < latest.Size {
		return latest, false, broken(Finding{First: size, Last: size, What: Truncated}, nil)
	}
	if size == latest.Size {
		return latest, false, nil
	}
	stored := l.reader(ctx)
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return latest, false, fmt.Errorf("hash the audit log at %d rows: %w", size, err)
	}
	text, err := s.Sign(size, root)
	if err != nil {
		return latest, false, err
	}
	if latest.Size > 0 {
		proof, err := ProveConsistency(latest.Note, latest.Size, text, size, stored)
		if err != nil {
			return latest, false, err
		}
		if err := proof.Verify(s.PublicKey()); err != nil {
			return latest, false, err
		}
	}
	fresh := StoredCheckpoint{Size: size, Note: text, At: l.clock.Now()}
	if err := l.store.PutCheckpoint(ctx, fresh); err != nil {
		return latest, false, fmt.Errorf("store checkpoint %d: %w", size, err)
	}
	return fresh, true, nil
}

// Inclusion returns the proof of row seq against the newest checkpoint. NotFound
// "no_checkpoint", "not_covered".
func (l *Log) Inclusion(ctx context.Context, seq int64) (Inclusion, error) {
	latest, err := l.Latest(ctx)
	if err != nil {
		return Inclusion{}, err
	}
	leaves, err := l.store.AuditLeaves(ctx, seq, 1)
	if err != nil {
		return Inclusion{}, fmt.Errorf("read audit row %d: %w", seq, err)
	}
	if len(leaves) == 0 {
		return Inclusion{}, errs.Newf(errs.NotFound, CodeNotCovered, "There is no row %d in the audit log.", seq)
	}
	return ProveInclusion(seq, leaves[0], latest.Note, latest.Size, l.reader(ctx))
}

// Consistency returns the proof that the newest checkpoint's log begins with the
// log of the checkpoint of oldSize rows. NotFound "no_checkpoint".
func (l *Log) Consistency(ctx context.Context, oldSize int64) (Consistency, error) {
	all, err := l.store.Checkpoints(ctx)
	if err != nil {
		return Consistency{}, fmt.Errorf("read checkpoints: %w", err)
	}
	for _, c := range all {
		if c.Size == oldSize && l.signed(c) {
			newest, err := l.Latest(ctx)
			if err != nil {
				return Consistency{}, err
			}
			return ProveConsistency(c.Note, c.Size, newest.Note, newest.Size, l.reader(ctx))
		}
	}
	return Consistency{}, errs.Newf(errs.NotFound, CodeNoCheckpoint, "There is no checkpoint of %d rows.", oldSize)
}

// Export returns the whole log for off-line verification, with every row of
// checkpoints: the verifier names those that do not hold.
func (l *Log) Export(ctx context.Context) (Bundle, error) {
	points, err := l.store.Checkpoints(ctx)
	if err != nil {
		return Bundle{}, fmt.Errorf("read checkpoints: %w", err)
	}
	size, err := l.store.AuditSize(ctx)
	if err != nil {
		return Bundle{}, fmt.Errorf("read size of the audit log: %w", err)
	}
	leaves, err := l.store.AuditLeaves(ctx, 0, size)
	if err != nil {
		return Bundle{}, fmt.Errorf("read the audit log: %w", err)
	}
	indexes := make([]int64, tlog.StoredHashCount(int64(len(leaves))))
	for i := range indexes {
		indexes[i] = int64(i)
	}
	hashes, err := l.store.AuditHashes(ctx, indexes)
	if err != nil {
		return Bundle{}, fmt.Errorf("read hashes of the audit log: %w", err)
	}
	notes := make([]string, len(points))
	for i, c := range points {
		notes[i] = c.Note
	}
	return newBundle(leaves, hashes, notes), nil
}

func (l *Log) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return l.store.AuditHashes(ctx, indexes)
	})
}
