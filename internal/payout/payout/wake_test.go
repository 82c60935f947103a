package payout_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool" //nolint:depguard // the test listens as the worker's lease does

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// ear listens where the leading worker does.
type ear struct {
	r    *rig
	conn *pgxpool.Conn
}

func (r *rig) listen() ear {
	r.t.Helper()
	conn, err := r.owner.Pool().Acquire(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(conn.Release)
	e := ear{r: r, conn: conn}
	e.exec("LISTEN causeway_due")
	return e
}

func (e ear) exec(sql string) {
	e.r.t.Helper()
	if _, err := e.conn.Exec(e.r.t.Context(), sql); err != nil {
		e.r.t.Fatal(err)
	}
}

// heard returns how often somebody called the worker since the last time.
func (e ear) heard() int {
	e.r.t.Helper()
	e.exec("SELECT 1") // the server sends what is due before it answers
	over, cancel := context.WithCancel(e.r.t.Context())
	cancel()
	n := 0
	for {
		if _, err := e.conn.Conn().WaitForNotification(over); err != nil {
			return n
		}
		n++
	}
}

// TestWhatPeopleDoWakesTheWorker has people do everything after which a batch may go
// on: each calls the worker once, when it is committed. What the worker does itself,
// and what changes nothing for it, does not.
func TestWhatPeopleDoWakesTheWorker(t *testing.T) {
	t.Parallel()
	r, _ := newSharedRig(t, 1, coin, coin)
	ear := r.listen()
	want := func(what string, n int) {
		t.Helper()
		if got := ear.heard(); got != n {
			t.Errorf("%s called the worker %d times, want %d", what, got, n)
		}
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sign := func(b payout.Batch) {
		t.Helper()
		r.step()
		want("asking a signer", 0)
		raw, status := r.export(b)
		if status.Missing != 1 {
			t.Fatalf("%d signatures are missing, want one", status.Missing)
		}
		must(r.service.ImportPSBT(t.Context(), r.second, b.ID, r.signElsewhere(raw, 23)))
		want("a signature that was brought", 1)
		r.step()
		want("signing and broadcasting", 0)
	}

	b := r.compose(r.owe(1, owed))
	want("a batch that waits for its approval", 0)
	if _, err := r.service.Approve(t.Context(), r.treasurer, b.ID, b.Version, payout.Batch{}.Digest); err == nil {
		t.Error("approved with another digest")
	}
	want("an approval that was refused", 0)
	r.approve(b)
	want("an approval", 1)
	sign(b)
	must(r.service.Bump(t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version, 20_000))
	want("a higher fee", 1)
	sign(b)
	asked := r.askVoid(b.ID)
	ear.heard()
	must(r.service.ApproveVoid(t.Context(), r.second, b.ID, asked.Version, r.record(b.ID).Void.Digest))
	want("taking back", 1)
	sign(b)

	for _, c := range r.treasury().Coins {
		if c.ReservedBy == nil {
			must(nil, failure(r.service.LockCoin(t.Context(), r.treasurer, c.OutPoint, "a test")))
			want("a coin that was locked", 0)
			must(nil, failure(r.service.UnlockCoin(t.Context(), r.second, c.OutPoint)))
			want("a coin that was unlocked", 1)
		}
	}
	must(nil, r.store.Trip(t.Context(), r.epoch, payout.Finding{Code: payout.DeepReorg, Subject: "a test", At: r.clock.Now()}))
	want("a breaker", 0)
	r.resetBreakers()
	want("a breaker that two people reset", 2)
}

// TestABatchThatWaitsIsTriedAtOnceWhenPeopleAct unlocks the coin that a batch needs, with
// a clock that stands still: without the call its next try would be a second away.
func TestABatchThatWaitsIsTriedAtOnceWhenPeopleAct(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.approved(1)
	op := r.treasury().Coins[0].OutPoint
	if _, err := r.service.LockCoin(t.Context(), r.treasurer, op, "a test"); err != nil {
		t.Fatal(err)
	}
	step := func(want payout.State) {
		t.Helper()
		if err := r.conductor.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantState(b.ID, want)
	}
	step(payout.Approved)
	if _, err := r.service.UnlockCoin(t.Context(), r.second, op); err != nil {
		t.Fatal(err)
	}
	step(payout.Approved)
	r.conductor.Retry()
	step(payout.Broadcast)
}
