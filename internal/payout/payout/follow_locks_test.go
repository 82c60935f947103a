package payout_test

import (
	"net/url"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// held keeps every batch but some locked, as a person's transaction would, until let is
// called.
func (r *rig) held(but ...uuid.UUID) (let func()) {
	r.t.Helper()
	tx, err := r.owner.Pool().Begin(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := tx.Exec(r.t.Context(), "SELECT FROM batch WHERE id <> ALL ($1::uuid[]) FOR UPDATE", but); err != nil {
		r.t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(r.background()); err != nil {
			r.t.Error(err)
		}
	}
}

// TestABlockLocksOnlyWhatItChanges has blocks come while everything else is locked by
// somebody: a batch that a block cannot change is neither waited for nor read.
func TestABlockLocksOnlyWhatItChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	address, err := url.Parse(r.base.WorkerURL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("lock_timeout", "2s") // a lock that should not be taken fails soon
	address.RawQuery = query.Encode()
	var sent pgtest.Statements
	db, err := postgres.OpenTraced(t.Context(), address.String(), &sent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	follower, _ := r.worker(postgres.PayoutStore{DB: db}, r.epoch)
	if _, err := follower.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	// block syncs with what the node has new; only what it may change is free.
	block := func(what string, changed ...uuid.UUID) map[string]int {
		t.Helper()
		let := r.held(changed...)
		defer let()
		sent.Take()
		if _, err := follower.Sync(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got := sent.Take()
		if got["LockBatch"] != len(changed) {
			t.Errorf("%s: %d batches were locked, want %d", what, got["LockBatch"], len(changed))
		}
		return got
	}
	deposit := func(what string) map[string]int {
		t.Helper()
		r.deposit(coin)
		r.node.Mine(1)
		return block(what)
	}

	alone := deposit("a deposit, before there is a batch")
	first, second := r.broadcast(2), r.broadcast(1)
	r.node.Mine(1)
	block("the block of two batches", first.ID, second.ID)
	third := r.broadcast(1)
	r.node.Mine(1)
	block("the block of the third", third.ID)
	beside := deposit("a deposit, beside batches that wait for depth")
	for name, n := range beside {
		if n != alone[name] {
			t.Errorf("%s is sent %d times for a deposit beside three batches, %d times without", name, n, alone[name])
		}
	}

	r.node.Mine(paidDepth - 4)
	block("blocks that are not deep enough")
	r.node.Mine(1)
	block("the block at which two are paid", first.ID, second.ID)
	r.wantState(first.ID, payout.Paid)
	r.wantState(third.ID, payout.Mined)
	r.node.Mine(1)
	block("the block at which the third is paid", third.ID)

	r.node.Invalidate(r.hashAt(r.height()))
	r.node.Mine(2)
	block("a reorg of one block: the third is mined again, then paid again", third.ID, third.ID)
	r.wantState(third.ID, payout.Paid)
	if n := r.number("SELECT count(*) FROM attempt_event e JOIN attempt a ON a.id = e.attempt_id WHERE a.batch_id = $1 AND e.event = 'reorged'", third.ID); n != 1 {
		t.Errorf("the third batch was set back %d times, want once", n)
	}

	r.node.Mine(finalDepth)
	block("blocks up to final", first.ID, second.ID, third.ID)
	for _, b := range []payout.Batch{first, second, third} {
		r.wantState(b.ID, payout.Final)
	}
	deposit("a deposit, after all are final")
}
