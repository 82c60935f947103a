package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// WrappedKey is the data key of an application, as it is stored.
type WrappedKey struct {
	Application uuid.UUID
	Key         seal.Wrapped
}

// CountByKey returns how many applications have their data key under each key of the key
// file. Purged ones have none.
func (d *DB) CountByKey(ctx context.Context) (map[string]int64, error) {
	rows, err := d.q.CountByKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("count applications by key: %w", mapError(err))
	}
	by := make(map[string]int64, len(rows))
	for _, r := range rows {
		by[r.KeyID] = r.Applications
	}
	return by, nil
}

// UnderOlderKeys returns up to most data keys that are not under active, in the order of
// their applications, from the one after after.
func (d *DB) UnderOlderKeys(ctx context.Context, active string, after uuid.UUID, most int) ([]WrappedKey, error) {
	rows, err := d.q.ListUnderOlderKeys(
		ctx,
		db.ListUnderOlderKeysParams{After: after, Active: active, Most: int32(most)},
	)
	if err != nil {
		return nil, fmt.Errorf("list data keys under older keys: %w", mapError(err))
	}
	list := make([]WrappedKey, len(rows))
	for i, r := range rows {
		list[i] = WrappedKey{r.ID, seal.Wrapped{KEKID: r.KeyID, Bytes: r.DataKey}}
	}
	return list, nil
}

// Rewrap puts fresh in the place of was, application by application, where was still
// stands, and e in the log with their number. All of fresh are under the key active. It
// returns how many were replaced; for none nothing is written.
func (d *DB) Rewrap(
	ctx context.Context,
	active string,
	was []WrappedKey,
	fresh [][]byte,
	e audit.Entry,
) (n int64, err error) {
	arg := db.RewrapParams{Active: active, Fresh: fresh}
	for _, w := range was {
		arg.Ids, arg.Was = append(arg.Ids, w.Application), append(arg.Was, w.Key.Bytes)
	}
	err = d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		if n, err = q.Rewrap(ctx, arg); err != nil || n == 0 {
			return err
		}
		e.Detail = map[string]string{"applications": strconv.FormatInt(n, 10)}
		return d.record(ctx, q, e)
	})
	if err != nil {
		return 0, fmt.Errorf("rewrap data keys: %w", err)
	}
	return n, nil
}

// DropKeys takes keys out of use for ever: nothing can be wrapped under one from here on.
// entry makes the log's line of each that was in use until now. Conflict "key_in_use"
// while a data key is under one of them; nothing is changed then.
func (d *DB) DropKeys(ctx context.Context, ids []string, at time.Time, entry func(id string) audit.Entry) error {
	err := d.inTx(ctx, func(ctx context.Context, q *db.Queries, tx pgx.Tx) error {
		// Who writes an application right now is waited for and counted, and who writes one
		// later meets the dropped key.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '10s'"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "LOCK TABLE application IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		rows, err := q.CountByKey(ctx)
		if err != nil {
			return err
		}
		under := map[string]int64{}
		for _, r := range rows {
			under[r.KeyID] = r.Applications
		}
		for _, id := range ids {
			if n := under[id]; n > 0 {
				return errs.Newf(
					errs.Conflict,
					CodeKeyInUse,
					"The data keys of %d applications are still under key %s. Nothing was changed. Run: causeway admin keys rewrap",
					n,
					id,
				)
			}
			fresh, err := q.DropKey(ctx, id, at)
			if err != nil {
				return err
			}
			if fresh == 0 {
				continue // a run before this one was cut off
			}
			if err := d.record(ctx, q, entry(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop keys: %w", err)
	}
	return nil
}
