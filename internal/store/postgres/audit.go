package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// record appends entries to the audit log and to the history of their objects,
// inside the transaction of q. It takes the log's lock, which is held until the
// transaction ends, so a transaction calls it last and commits soon. An object
// whose id is no UUID has no history, only its leaf. The key of the request that ctx
// belongs to is written with the first entries (package once).
func (d *DB) record(ctx context.Context, q *db.Queries, entries ...audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	// Before the lock of the log: who waits for another call with the same key holds up nobody else.
	if err := useKey(ctx, q, entries); err != nil {
		return err
	}
	if err := q.LockAudit(ctx); err != nil {
		return fmt.Errorf("lock the audit log: %w", err)
	}
	return appendEntries(ctx, q, entries...)
}

// appendEntries is record for a transaction that holds the log's lock. What was waiting
// goes first: it may be about the same objects, and happened before.
func appendEntries(ctx context.Context, q *db.Queries, entries ...audit.Entry) error {
	// READ COMMITTED: this statement sees what the last holder of the lock wrote.
	end, err := q.AuditEnd(ctx)
	if err != nil {
		return fmt.Errorf("read size of the audit log: %w", err)
	}
	size := end.Size
	for more := end.Waiting; more; {
		n, err := appendWaiting(ctx, q, size)
		if err != nil {
			return err
		}
		size, more = size+n, n == waitingAtOnce
	}
	for i, e := range entries {
		if err := appendEntry(ctx, q, size+int64(i), e); err != nil {
			return err
		}
	}
	return nil
}

func appendEntry(ctx context.Context, q *db.Queries, seq int64, e audit.Entry) error {
	row, err := audit.Append(seq, e, hashReader(ctx, q))
	if err != nil {
		return fmt.Errorf("make audit leaf of %s: %w", e.Action, err)
	}
	text, err := detailOf(e)
	if err != nil {
		return err
	}
	object, notUUID := uuid.Parse(e.ObjectID) // a txid or the like
	arg := db.AppendAuditParams{
		Seq:        row.Seq,
		At:         e.At,
		Actor:      e.Actor.Label(),
		Action:     e.Action,
		ObjectKind: e.ObjectKind,
		ObjectID:   e.ObjectID,
		Leaf:       row.Leaf,
		Indexes:    make([]int64, len(row.Hashes)),
		Hashes:     make([][]byte, len(row.Hashes)),
		Object:     uuid.NullUUID{UUID: object, Valid: notUUID == nil},
		FromState:  orNull(e.From),
		ToState:    orNull(e.To),
		ActorKind: string(
			e.Actor.Kind,
		),
		ActorStaff: uuid.NullUUID{UUID: e.Actor.StaffID, Valid: e.Actor.Kind == identity.KindStaff},
		Detail:     text,
	}
	for i, h := range row.Hashes {
		arg.Indexes[i], arg.Hashes[i] = row.FirstHash+int64(i), h[:]
	}
	if err := q.AppendAudit(ctx, arg); err != nil {
		return fmt.Errorf("append audit leaf %d, %s of %s %s: %w", seq, e.Action, e.ObjectKind, e.ObjectID, err)
	}
	return nil
}

// detailOf returns what a row of history has beside e's columns, as JSON.
func detailOf(e audit.Entry) ([]byte, error) {
	detail := e.Detail
	if detail == nil {
		detail = map[string]string{}
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return nil, fmt.Errorf("encode detail of %s: %w", e.Action, err)
	}
	return text, nil
}

// orNull returns nil for "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// hashReader reads the log's stored hashes through q.
func hashReader(ctx context.Context, q *db.Queries) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return readHashes(ctx, q, indexes) })
}

func readHashes(ctx context.Context, q *db.Queries, indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	rows, err := q.ListAuditHashes(ctx, indexes)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]tlog.Hash, len(rows))
	for _, row := range rows {
		found[row.Index] = tlog.Hash(row.Hash)
	}
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := found[index]
		if !ok {
			return nil, fmt.Errorf("hash %d of the audit log is missing", index)
		}
		out[i] = h
	}
	return out, nil
}
