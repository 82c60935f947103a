package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// leading is a leader in a goroutine of its own.
type leading struct {
	epoch chan int64 // one number when it leads
	stop  context.CancelFunc
	waits chan struct{} // closed when it was told to wait
	done  chan error    // what Lead returned
	inner chan error    // why the leader's own context ended
	due   chan struct{} // a value for each time that it was woken
}

func lead(t *testing.T, d *postgres.DB) *leading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &leading{epoch: make(chan int64, 1), stop: cancel, waits: make(chan struct{}), done: make(chan error, 1), inner: make(chan error, 1), due: make(chan struct{}, 100)}
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	go func() {
		l.done <- d.Lead(ctx, postgres.LeaseConfig{Now: now, Waiting: func() { close(l.waits) }, Due: func() { l.due <- struct{}{} }}, func(ctx context.Context, epoch int64) error {
			l.epoch <- epoch
			<-ctx.Done()
			l.inner <- context.Cause(ctx)
			return ctx.Err()
		})
	}()
	t.Cleanup(cancel)
	return l
}

// from waits for a value, far longer than it takes.
func from[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case v := <-c:
		return v
	case <-ctx.Done():
		t.Fatalf("no %s in 30 s", what)
		panic("unreachable")
	}
}

func TestSecondLeaderWaitsAndTakesOverWhenTheFirstDies(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	owner, worker, other := open(t, base.URL), open(t, base.WorkerURL), open(t, base.WorkerURL)
	first := lead(t, worker)
	if epoch := from(t, first.epoch, "first leader"); epoch != 1 {
		t.Errorf("first epoch is %d, want 1", epoch)
	}
	second := lead(t, other)
	from(t, second.waits, "second that waits")

	// The server ends the connection that holds the lock, as a failover would.
	exec(t, owner, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	if epoch := from(t, second.epoch, "take-over"); epoch != 2 {
		t.Errorf("second epoch is %d, want 2", epoch)
	}
	wantCode(t, from(t, first.inner, "end of the first leader"), "lease_lost")
	wantCode(t, from(t, first.done, "end of the first lead"), "lease_lost")

	store := postgres.PayoutStore{DB: worker}
	wantCode(t, store.SetError(t.Context(), 1, uuid.New(), "c", "x", time.Time{}), "lease_lost")
	if err := store.SetError(t.Context(), 2, uuid.New(), "c", "x", time.Time{}); err != nil {
		t.Errorf("with the lease: %v", err)
	}
	second.stop()
	if err := from(t, second.done, "end of the second lead"); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v, want context canceled", err)
	}
}

// pinged waits until the connection that holds the lock has been asked for its health.
func pinged(t *testing.T, owner *postgres.DB) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var last string
		err := owner.Pool().QueryRow(t.Context(), `SELECT a.query FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
			WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&last)
		if err != nil {
			t.Fatal(err)
		}
		if last == "-- ping" {
			return
		}
		from(t, tick.C, "tick")
	}
}

// TestWhoeverLeadsHearsOfWork calls the leader from another connection, ends the
// connection that listens, and calls whoever leads then.
func TestWhoeverLeadsHearsOfWork(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	owner := open(t, base.URL)
	const call = "SELECT pg_notify('causeway_due', '')"
	for epoch := int64(1); epoch <= 3; epoch++ {
		l := lead(t, open(t, base.WorkerURL))
		if got := from(t, l.epoch, "leader"); got != epoch {
			t.Errorf("epoch %d, want %d", got, epoch)
		}
		exec(t, owner, call)
		from(t, l.due, "call")
		pinged(t, owner)
		exec(t, owner, call)
		from(t, l.due, "call after the connection was asked for its health")
		exec(t, owner, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		wantCode(t, from(t, l.done, "end of the lead"), "lease_lost")
		exec(t, owner, call)
		if len(l.due) != 0 {
			t.Error("it heard after its lease")
		}
	}
}

func TestLeaseIsGivenBackAtOnce(t *testing.T) {
	t.Parallel()
	d := open(t, pgtest.New(t).WorkerURL)
	for want := int64(1); want <= 3; want++ {
		stop := errors.New("enough")
		var got int64
		err := d.Lead(t.Context(), postgres.LeaseConfig{Now: func() time.Time { return time.Unix(0, 0) }}, func(_ context.Context, epoch int64) error {
			got = epoch
			return stop
		})
		if !errors.Is(err, stop) || got != want {
			t.Errorf("epoch %d, %v, want %d and the function's own error", got, err, want)
		}
	}
}

func TestWaitingForTheLeaseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	first, second := lead(t, open(t, base.WorkerURL)), lead(t, open(t, base.WorkerURL))
	select { // either may be first
	case <-first.waits:
		first, second = second, first
	case <-second.waits:
	}
	from(t, first.epoch, "leader")

	second.stop()

	if err := from(t, second.done, "end"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
	if len(second.epoch) != 0 {
		t.Error("it led")
	}
}

// TestEveryWriteOfTheWorkerAsksForTheLease calls each with an epoch that is over.
func TestEveryWriteOfTheWorkerAsksForTheLease(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	store := postgres.PayoutStore{DB: open(t, base.WorkerURL)}
	exec(t, open(t, base.URL), "UPDATE lease SET epoch = 8")
	ctx, never := t.Context(), errors.New("called without the lease")
	for name, write := range map[string]func() error{
		"Connect": func() error {
			return store.Connect(ctx, 7, payout.Block{}, func(*payout.ChainWork) error { return never })
		},
		"ConnectQuiet": func() error {
			_, err := store.ConnectQuiet(ctx, 7, []payout.Block{{}})
			return err
		},
		"Disconnect": func() error {
			return store.Disconnect(ctx, 7, payout.Tip{}, func(*payout.ChainWork) error { return never })
		},
		"UpdateBatch": func() error {
			_, err := store.UpdateBatch(ctx, 7, uuid.New(), time.Time{}, func(*payout.Locked) error { return never })
			return err
		},
		"SetError": func() error { return store.SetError(ctx, 7, uuid.New(), "c", "x", time.Time{}) },
		"Trip":     func() error { return store.Trip(ctx, 7, payout.Finding{Code: payout.DeepReorg}) },
		"Lapse":    func() error { return store.Lapse(ctx, 7, payout.LedgerMismatch, nil, time.Time{}) },
	} {
		if err := write(); !errs.Is(err, "lease_lost") {
			t.Errorf("%s: got %v, want lease_lost", name, err)
		}
	}
}
