package payout_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TestACrashBetweenAnyTwoCommits lets the worker die before and after each call of
// its store, from an approved batch on until one is broadcast without a crash. The
// next worker goes on with the transaction that was stored, or builds the first.
func TestACrashBetweenAnyTwoCommits(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4*coin, 4*coin)
	died := map[payout.State]int{}
	batches := 0
	for n := 1; ; n++ {
		b := r.approved(1)
		batches++
		_, conductor := r.worker(crashing(r.store, n), r.epoch)
		r.clock.Advance(time.Minute)
		err := conductor.Step(t.Context())
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		left := r.record(b.ID)
		died[left.Batch.State]++

		r.lead()
		r.step()
		rec := r.wantState(b.ID, payout.Broadcast)
		if len(rec.Attempts) != 1 || (len(left.Attempts) == 1 && left.Attempts[0].TxID != rec.Attempts[0].TxID) {
			t.Errorf("%d attempts after a crash in %s, want the one that was stored", len(rec.Attempts), left.Batch.State)
		}
		r.mine(1)
		r.wantState(b.ID, payout.Mined)
		if err == nil {
			break
		}
	}
	for _, state := range []payout.State{payout.Approved, payout.Built, payout.Signing, payout.Signed, payout.Broadcast} {
		if died[state] == 0 {
			t.Errorf("no worker died with its batch %s: %v", state, died)
		}
	}
	if n := r.signer.signatures(); n != batches {
		t.Errorf("%d signatures for %d batches", n, batches)
	}
}

// lostBroadcaster tells the node, or does not, and loses the reply.
type lostBroadcaster struct {
	conductor.Broadcaster
	sends bool
}

func (l lostBroadcaster) Broadcast(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (string, error) {
	if l.sends {
		if _, err := l.Broadcaster.Broadcast(ctx, raw, maxFeeRateSatKVB); err != nil {
			return "", err
		}
	}
	return "", errs.New(errs.Unavailable, "node_down", "The node did not answer.")
}

// TestLostRepliesOfTheNode has the broadcast, or its reply, get lost: both count
// as broadcast, and the same bytes are told again.
func TestLostRepliesOfTheNode(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	for _, sends := range []bool{true, false} {
		b := r.approved(1)
		if err := r.conductorWith(r.signer.client(), lostBroadcaster{broadcaster{r.chain}, sends}).Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		rec := r.wantState(b.ID, payout.Broadcast)
		if !strings.Contains(rec.Batch.LastError, "did not answer") {
			t.Errorf("last error %q", rec.Batch.LastError)
		}
		r.step()
		if rec := r.wantState(b.ID, payout.Broadcast); rec.Batch.LastError != "" || len(rec.Attempts) != 1 {
			t.Errorf("last error %q, %d attempts after the node was told again", rec.Batch.LastError, len(rec.Attempts))
		}
		r.mine(1)
		r.wantState(b.ID, payout.Mined)
	}
	if n := r.signer.signatures(); n != 2 {
		t.Errorf("%d signatures, want 2", n)
	}
}

// TestTwoWorkersAtOnce has two workers that both believe to lead, with the same
// epoch, take the same batches on side by side, bumps included.
func TestTwoWorkersAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin, coin)
	var batches []payout.Batch
	for range 4 {
		batches = append(batches, r.approved(1))
	}
	both := func() {
		r.clock.Advance(time.Minute)
		var all sync.WaitGroup
		for range 2 {
			_, conductor := r.worker(r.store, r.epoch)
			all.Go(func() {
				if err := conductor.Step(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	both()
	r.step() // what one of them stumbled over
	for _, b := range batches {
		if rec := r.wantState(b.ID, payout.Broadcast); len(rec.Attempts) != 1 {
			t.Errorf("%d attempts, want 1", len(rec.Attempts))
		}
		r.askBump(b.ID, 20_000)
	}
	both()
	r.step()
	for _, b := range batches {
		if rec := r.wantState(b.ID, payout.Broadcast); len(rec.Attempts) != 2 || len(rec.Attempts[1].Raw) == 0 {
			t.Errorf("%d attempts, want 2 that are signed", len(rec.Attempts))
		}
	}
	if n := r.signer.signatures(); n != 2*len(batches) {
		t.Errorf("%d signatures, want %d", n, 2*len(batches))
	}
	r.mine(1)
	for _, b := range batches {
		r.wantState(b.ID, payout.Mined)
	}
	if diff := cmp.Diff([]string(nil), r.texts("SELECT code FROM breaker")); diff != "" {
		t.Error(diff)
	}
}
