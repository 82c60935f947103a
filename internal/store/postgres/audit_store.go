package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// AuditStore keeps the audit log. Only the worker's role may PutCheckpoint.
type AuditStore struct{ *DB }

var _ audit.Store = AuditStore{}

// AuditSize first appends what waits: a submission is in the log of whoever looks at it.
func (s AuditStore) AuditSize(ctx context.Context) (int64, error) {
	for {
		end, err := s.q.AuditEnd(ctx)
		if err != nil || !end.Waiting {
			return end.Size, mapError(err)
		}
		err = s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
			if err := q.LockAudit(ctx); err != nil {
				return err
			}
			size, err := q.AuditSize(ctx)
			if err != nil {
				return err
			}
			_, err = appendWaiting(ctx, q, size)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
}

func (s AuditStore) AuditHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	hashes, err := readHashes(ctx, s.q, indexes)
	return hashes, mapError(err)
}

func (s AuditStore) AuditLeaves(ctx context.Context, from, limit int64) ([][]byte, error) {
	leaves, err := s.q.ListAuditLeaves(ctx, from, limit)
	if err != nil {
		return nil, mapError(fmt.Errorf("list audit leaves from %d: %w", from, err))
	}
	return leaves, nil
}

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

func (s AuditStore) NewestCheckpoints(ctx context.Context, skip, limit int64) ([]audit.StoredCheckpoint, error) {
	rows, err := s.q.ListNewestCheckpoints(ctx, skip, limit)
	if err != nil {
		return nil, mapError(fmt.Errorf("list newest checkpoints: %w", err))
	}
	list := make([]audit.StoredCheckpoint, len(rows))
	for i, row := range rows {
		list[i] = audit.StoredCheckpoint{Size: row.Size, Note: row.Note, At: row.At}
	}
	return list, nil
}

func (s AuditStore) PutCheckpoint(ctx context.Context, c audit.StoredCheckpoint) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := q.InsertCheckpoint(ctx, db.InsertCheckpointParams{Size: c.Size, Note: c.Note, At: c.At}); err != nil {
			return fmt.Errorf("insert checkpoint %d: %w", c.Size, err)
		}
		return nil
	})
}
