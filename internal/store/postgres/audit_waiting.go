package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// waitingAtOnce is how many leaves one round appends.
const waitingAtOnce = 1000

// queueEntry writes e to the history of its object and leaves its leaf to whoever appends
// next. It takes no lock. Only submissions may: see audit_waiting.
func queueEntry(ctx context.Context, q *db.Queries, e audit.Entry) error {
	if _, err := audit.NewLeaf(0, e); err != nil {
		return fmt.Errorf("make audit leaf of %s: %w", e.Action, err)
	}
	object, err := uuid.Parse(e.ObjectID)
	if err != nil {
		return fmt.Errorf("object of %s: %w", e.Action, err)
	}
	text, err := detailOf(e)
	if err != nil {
		return err
	}
	return q.QueueAudit(ctx, db.QueueAuditParams{
		At:         e.At,
		Actor:      e.Actor.Label(),
		Action:     e.Action,
		ObjectKind: e.ObjectKind,
		ObjectID:   object,
		Digest:     orEmpty(e.Digest),
		FromState:  e.From,
		ToState:    e.To,
		ActorKind: string(
			e.Actor.Kind,
		),
		ActorStaff: uuid.NullUUID{UUID: e.Actor.StaffID, Valid: e.Actor.Kind == identity.KindStaff},
		Detail:     text,
	})
}

// appendWaiting appends up to waitingAtOnce leaves that wait to a log of that size, in the
// order in which they came, and returns how many. The caller holds the log's lock.
func appendWaiting(ctx context.Context, q *db.Queries, size int64) (int64, error) {
	taken, err := q.TakeWaiting(ctx, waitingAtOnce)
	if err != nil || len(taken) == 0 {
		return 0, err
	}
	var arg db.AppendWaitingParams
	known := hashes{stored: hashReader(ctx, q), fresh: map[int64]tlog.Hash{}}
	for i, w := range taken {
		row, err := audit.AppendLeaf(audit.Leaf{
			Action:     w.Action,
			Actor:      w.Actor,
			At:         w.At.UTC().Format(time.RFC3339),
			Digest:     hex.EncodeToString(w.Digest),
			From:       w.FromState,
			ObjectID:   w.ObjectID.String(),
			ObjectKind: w.ObjectKind,
			Seq:        size + int64(i),
			To:         w.ToState,
		}, known)
		if err != nil {
			return 0, fmt.Errorf("append what waits of %s %s: %w", w.ObjectKind, w.ObjectID, err)
		}
		arg.Seqs, arg.Ats, arg.Actors, arg.Actions = append(
			arg.Seqs,
			row.Seq,
		), append(
			arg.Ats,
			w.At,
		), append(
			arg.Actors,
			w.Actor,
		), append(
			arg.Actions,
			w.Action,
		)
		arg.ObjectKinds, arg.ObjectIds, arg.Leaves = append(
			arg.ObjectKinds,
			w.ObjectKind,
		), append(
			arg.ObjectIds,
			w.ObjectID.String(),
		), append(
			arg.Leaves,
			row.Leaf,
		)
		for j, h := range row.Hashes {
			at := row.FirstHash + int64(j)
			known.fresh[at] = h
			arg.Indexes, arg.Hashes = append(arg.Indexes, at), append(arg.Hashes, h[:])
		}
	}
	if err := q.AppendWaiting(ctx, arg); err != nil {
		return 0, fmt.Errorf("append %d audit leaves from %d on: %w", len(taken), size, err)
	}
	return int64(len(taken)), nil
}

// hashes are those of the log and of what is about to be written.
type hashes struct {
	stored tlog.HashReader
	fresh  map[int64]tlog.Hash
}

// ReadHashes keeps what it reads.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var absent []int64
	for _, at := range indexes {
		if _, ok := h.fresh[at]; !ok {
			absent = append(absent, at)
		}
	}
	if len(absent) > 0 {
		read, err := h.stored.ReadHashes(absent)
		if err != nil {
			return nil, err
		}
		for i, at := range absent {
			h.fresh[at] = read[i]
		}
	}
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = h.fresh[at]
	}
	return out, nil
}
