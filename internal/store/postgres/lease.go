package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-fund/causeway/internal/payout/payout"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
)

// leaseKey is the advisory lock that the leading worker holds.
const leaseKey = 7305813

// dueChannel is where PostgreSQL tells the leader that somebody made work for it. The
// query WakeWorker names it too.
const dueChannel = "causeway_due"

// LeaseConfig is what Lead needs beside the work itself.
type LeaseConfig struct {
	Now     func() time.Time
	Waiting func() // called once while another one leads; may be nil
	// Due is called when somebody has committed what the leader may act on: it must not
	// block. What was committed before fn is called is for fn to look for. May be nil.
	Due func()
}

// Lead waits for the worker's lease, takes a new epoch and runs fn with it. The
// context of fn ends when the connection that holds the lock is lost. It returns
// fn's error; every write that fn makes must check the epoch, because a lost lock
// is noticed late.
//
// The connection that holds the lock is also the one that listens: whoever leads
// hears, and a listener that is lost comes back with the next lease.
func (d *DB) Lead(ctx context.Context, cfg LeaseConfig, fn func(ctx context.Context, epoch int64) error) error {
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
	if err := takeLock(ctx, own, cfg.Waiting); err != nil {
		return err
	}
	if _, err := own.Exec(ctx, "LISTEN "+dueChannel); err != nil {
		return mapError(fmt.Errorf("listen for work: %w", err))
	}
	epoch, err := queries(own).TakeLease(ctx, cfg.Now())
	if err != nil {
		return mapError(fmt.Errorf("take lease: %w", err))
	}
	leading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchLock(leading, own, cfg.Due, stop)
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

// watchLock passes on what the connection hears, and ends the leading context when it
// stops answering.
func watchLock(ctx context.Context, conn *pgx.Conn, due func(), stop context.CancelCauseFunc) {
	for {
		heard, err := listen(ctx, conn)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			stop(
				errs.Wrap(
					err,
					errs.Unavailable,
					payout.CodeLeaseLost,
					"The database connection that holds the worker's lease is gone. Nothing was half done; the worker starts again.",
				),
			)
			return
		case heard && due != nil:
			due()
		}
	}
}

// listen waits for a notification, and when none comes for lockPoll asks whether the
// server is still there.
func listen(ctx context.Context, conn *pgx.Conn) (heard bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, lockPoll)
	defer cancel()
	_, err = conn.WaitForNotification(waiting)
	if err == nil {
		return true, nil
	}
	if waiting.Err() == nil || ctx.Err() != nil {
		return false, err
	}
	return false, conn.Ping(ctx)
}
