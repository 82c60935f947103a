package payout_test

import (
	"github.com/jackc/pgx/v5" //nolint:depguard // the test writes rows as a thief would
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// tell writes entries as a store does with what they tell of.
func (r *rig) tell(entries ...audit.Entry) {
	r.t.Helper()
	ctx := r.t.Context()
	err := pgx.BeginFunc(ctx, r.owner.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(7305812, 2)"); err != nil {
			return err
		}
		var size int64
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM audit_leaf").Scan(&size); err != nil {
			return err
		}
		fresh := map[int64]tlog.Hash{}
		stored := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, at := range indexes {
				var ok bool
				if out[i], ok = fresh[at]; ok {
					continue
				}
				var hash []byte
				if err := tx.QueryRow(ctx, "SELECT hash FROM audit_hash WHERE index = $1", at).Scan(&hash); err != nil {
					return nil, err
				}
				out[i] = tlog.Hash(hash)
			}
			return out, nil
		})
		todo := &pgx.Batch{}
		for i, e := range entries {
			row, err := audit.Append(size+int64(i), e, stored)
			if err != nil {
				return err
			}
			todo.Queue("INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7)",
				row.Seq, e.At, e.Actor.Label(), e.Action, e.ObjectKind, e.ObjectID, row.Leaf)
			for k, h := range row.Hashes {
				fresh[row.FirstHash+int64(k)] = h
				todo.Queue("INSERT INTO audit_hash VALUES ($1, $2)", row.FirstHash+int64(k), h[:])
			}
			todo.Queue(`INSERT INTO event (object_kind, object_id, event, from_state, to_state, actor_kind, actor_id, at)
				VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7, $8)`, e.ObjectKind, e.ObjectID, e.Action, e.From, e.To,
				string(e.Actor.Kind), e.Actor.StaffID, e.At)
		}
		return tx.SendBatch(ctx, todo).Close()
	})
	if err != nil {
		r.t.Fatal(err)
	}
}
