package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/audit"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/postgres/db"
)

// AuditStore implements audit.Store. Only the worker's role may PutCheckpoint.
type AuditStore struct{ *DB }

var _ audit.Store = AuditStore{}

// AuditSize implements audit.Store.
func (s AuditStore) AuditSize(ctx context.Context) (int64, error) {
	n, err := s.q.AuditSize(ctx)
	return n, mapError(err)
}

// AuditHashes implements audit.Store.
func (s AuditStore) AuditHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	hashes, err := readHashes(ctx, s.q, indexes)
	return hashes, mapError(err)
}

// AuditLeaves implements audit.Store.
func (s AuditStore) AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error) {
	leaves, err := s.q.ListAuditLeaves(ctx, from, limit)
	if err != nil {
		return nil, mapError(fmt.Errorf("list audit leaves from %d: %w", from, err))
	}
	return leaves, nil
}

// Checkpoints implements audit.Store.
func (s AuditStore) Checkpoints(ctx context.Context) ([]audit.StoredCheckpoint, error) {
	rows, err := s.q.ListCheckpoints(ctx)
	if err != nil {
		return nil, mapError(fmt.Errorf("list checkpoints: %w", err))
	}
	all := make([]audit.StoredCheckpoint, len(rows))
	for i, row := range rows {
		all[i] = audit.StoredCheckpoint{Size: row.Size, Note: row.Note, At: row.At}
	}
	return all, nil
}

// LatestCheckpoint implements audit.Store.
func (s AuditStore) LatestCheckpoint(ctx context.Context) (audit.StoredCheckpoint, error) {
	row, err := s.q.LatestCheckpoint(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return audit.StoredCheckpoint{}, errs.New(errs.NotFound, "no_checkpoint", "The audit log has no signed checkpoint yet.")
	}
	if err != nil {
		return audit.StoredCheckpoint{}, mapError(fmt.Errorf("read latest checkpoint: %w", err))
	}
	return audit.StoredCheckpoint{Size: row.Size, Note: row.Note, At: row.At}, nil
}

// PutCheckpoint implements audit.Store.
func (s AuditStore) PutCheckpoint(ctx context.Context, c audit.StoredCheckpoint) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := q.InsertCheckpoint(ctx, db.InsertCheckpointParams{Size: c.Size, Note: c.Note, At: c.At}); err != nil {
			return fmt.Errorf("insert checkpoint %d: %w", c.Size, err)
		}
		return nil
	})
}
