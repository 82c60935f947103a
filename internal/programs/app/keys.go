package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// RotateKeys makes a new key in the file that seals what operators write, and returns
// its id. Older keys stay in the file.
func RotateKeys(sealPath string) (id string, err error) { return seal.RotateKeyFile(sealPath) }

// rewrapAtOnce is how many data keys one transaction replaces: their rows are locked for
// some milliseconds.
const rewrapAtOnce = 500

// Rewrapped is what a run of RewrapKeys has done.
type Rewrapped struct {
	Key     string // that all data keys shall be under
	Done    int64  // were put under it
	Already int64  // were under it before
	Left    int64  // came under another key while it ran: a serve seals with an older file
	Failed  int64  // open under no key of the file, and stay as they are
}

// RewrapKeys puts the data key of every application under the newest key of the key file.
// What operators wrote stays as it is: it is sealed under the data keys. Serve and worker
// may run. A run that was cut off is gone on with by the next. cfg needs the database of
// role app and the key file; progress is told how many are done.
func RewrapKeys(ctx context.Context, cfg ServeConfig, progress func(done int64)) (Rewrapped, error) {
	dbURL, err := readSecret("database URL", cfg.DatabaseURLFile)
	if err != nil {
		return Rewrapped{}, err
	}
	keys, err := seal.Load(cfg.KeyFile)
	if err != nil {
		return Rewrapped{}, err
	}
	db, err := openDatabase(ctx, dbURL)
	if err != nil {
		return Rewrapped{}, err
	}
	defer db.Close()
	return rewrap(ctx, db, keys, rewrapAtOnce, progress)
}

func rewrap(
	ctx context.Context,
	db *postgres.DB,
	keys *seal.Keyring,
	atOnce int,
	progress func(done int64),
) (Rewrapped, error) {
	r := Rewrapped{Key: keys.ActiveKEK()}
	before, err := db.CountByKey(ctx)
	if err != nil {
		return r, err
	}
	r.Already = before[r.Key]
	for after := uuid.Nil; ; {
		list, err := db.UnderOlderKeys(ctx, r.Key, after, atOnce)
		if err != nil {
			return r, err
		}
		if len(list) == 0 {
			break
		}
		after = list[len(list)-1].Application
		var was []postgres.WrappedKey
		var fresh [][]byte
		for _, w := range list {
			again, _, err := keys.Rewrap(w.Application.String(), w.Key)
			if err != nil {
				r.Failed++
				continue
			}
			was, fresh = append(was, w), append(fresh, again.Bytes)
		}
		if len(was) == 0 {
			continue
		}
		n, err := db.Rewrap(ctx, r.Key, was, fresh, keyEntry("key.rewrapped", r.Key))
		if err != nil {
			return r, err
		}
		r.Done += n
		progress(r.Done)
	}
	left, err := db.CountByKey(ctx)
	if err != nil {
		return r, err
	}
	for id, n := range left {
		if id != r.Key {
			r.Left += n
		}
	}
	r.Left -= r.Failed
	if r.Failed > 0 {
		return r, errs.Newf(
			errs.Internal,
			seal.CodeUnsealingFailed,
			"The data keys of %d applications open under no key of this file and were left as they are. %d others were put under key %s. Run this again with the newest copy of the key file.",
			r.Failed,
			r.Done,
			r.Key,
		)
	}
	return r, nil
}

// DropOlderKeys takes every key but the newest out of the key file, once no data key is
// under one of them, and returns their ids. From then on the database refuses what a
// program with an older copy of the file would seal. ownerURL is the database owner's.
func DropOlderKeys(ctx context.Context, ownerURL, sealPath string) ([]string, error) {
	db, err := openDatabase(ctx, ownerURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return seal.DropOlderKeys(sealPath, func(ids []string) error {
		return db.DropKeys(
			ctx,
			ids,
			clock.Real{}.Now(),
			func(id string) audit.Entry { return keyEntry("key.dropped", id) },
		)
	})
}

func keyEntry(action, id string) audit.Entry {
	return audit.Entry{
		Actor:      identity.System("admin"),
		Action:     action,
		ObjectKind: "seal_key",
		ObjectID:   id,
		At:         clock.Real{}.Now(),
	}
}
