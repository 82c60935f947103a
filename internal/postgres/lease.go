package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/postgres/db"
)

// leaseKey is the advisory lock that the leading worker holds.
const leaseKey = 7305813

// Lead waits for the worker's lease, takes a new epoch and runs fn with it. The
// context of fn ends when the connection that holds the lock is lost. It returns
// fn's error; every write that fn makes must check the epoch, because a lost lock
// is noticed late.
func (d *DB) Lead(ctx context.Context, now func() time.Time, waiting func(), fn func(ctx context.Context, epoch int64) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return mapError(err)
	}
	// The lock lives and dies with its connection, so it must not go back to the pool.
	own := conn.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = own.Close(ctx)
	}()
	if err := takeLock(ctx, own, waiting); err != nil {
		return err
	}
	epoch, err := db.New(own).TakeLease(ctx, now())
	if err != nil {
		return mapError(fmt.Errorf("take lease: %w", err))
	}
	leading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchLock(leading, own, stop)
	}()
	err = fn(leading, epoch)
	stop(nil)
	<-done
	if cause := context.Cause(leading); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

const lockPoll = 2 * time.Second

func takeLock(ctx context.Context, conn *pgx.Conn, waiting func()) error {
	for told := false; ; told = true {
		var ok bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", leaseKey).Scan(&ok); err != nil {
			return mapError(fmt.Errorf("ask for the worker's lock: %w", err))
		}
		if ok {
			return nil
		}
		if !told && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// watchLock ends the leading context when the connection stops answering.
func watchLock(ctx context.Context, conn *pgx.Conn, stop context.CancelCauseFunc) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := conn.Ping(ctx); err != nil && ctx.Err() == nil {
				stop(errs.Wrap(err, errs.Unavailable, "lease_lost", "The database connection that holds the worker's lease is gone. Nothing was half done; the worker starts again."))
				return
			}
		}
	}
}
