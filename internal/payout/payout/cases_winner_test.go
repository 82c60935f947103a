package payout_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// askBump asks for a higher feerate of a batch.
func (r *rig) askBump(id uuid.UUID, rateSatKVB int64) {
	r.t.Helper()
	if _, err := r.service.Bump(r.t.Context(), r.treasurer, id, r.record(id).Batch.Version, rateSatKVB); err != nil {
		r.t.Fatalf("bump: %v", err)
	}
}

// bumped is broadcast, and then replaced by an attempt that pays 20 sat/vB.
func (r *rig) bumped(n int) payout.Record {
	r.t.Helper()
	b := r.broadcast(n)
	r.askBump(b.ID, 20_000)
	r.step()
	rec := r.wantState(b.ID, payout.Broadcast)
	if len(rec.Attempts) != 2 || len(rec.Attempts[1].Raw) == 0 || rec.Batch.LastError != "" {
		r.t.Fatalf("%d attempts after a bump, last error %q", len(rec.Attempts), rec.Batch.LastError)
	}
	return rec
}

// hold makes the node forget its mempool and take these transactions instead.
func (r *rig) hold(raws ...[]byte) {
	r.t.Helper()
	r.restartNode()
	for _, raw := range raws {
		r.submit(raw)
	}
}

// resetBreakers has two people look at every open breaker.
func (r *rig) resetBreakers() {
	r.t.Helper()
	for _, b := range r.treasury().Breakers {
		for _, who := range []identity.Actor{r.treasurer, r.second} {
			if _, err := r.service.ResetBreaker(r.t.Context(), who, b.ID, b.Version()); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// wantWinner holds the heights of a batch's two attempts: winner is in a block, the
// other is not. With -1 neither is.
func (r *rig) wantWinner(id uuid.UUID, winner int) {
	r.t.Helper()
	for _, a := range r.record(id).Attempts {
		if (a.Height > 0) != (a.No == winner) {
			r.t.Errorf("attempt %d is at height %d, want attempt %d in a block", a.No, a.Height, winner)
		}
	}
}

// standing is the state of a batch whose transaction has depth confirmations.
func standing(depth int32) payout.State {
	switch {
	case depth >= finalDepth:
		return payout.Final
	case depth >= paidDepth:
		return payout.Paid
	}
	return payout.Mined
}

// TestTheOriginalWinsAfterABump mines the first attempt after a second one was
// signed and broadcast: it is as good, and the second one is never sent again.
func TestTheOriginalWinsAfterABump(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	rec := r.bumped(2)
	r.hold(rec.Attempts[0].Raw)
	r.node.Mine(1)
	r.round()
	r.wantState(rec.Batch.ID, payout.Mined)
	r.wantWinner(rec.Batch.ID, 0)
	r.mine(finalDepth - 1)
	r.wantState(rec.Batch.ID, payout.Final)
	r.wantWinner(rec.Batch.ID, 0)
	if n := r.number("SELECT count(*) FROM breaker"); n != 0 {
		t.Errorf("%d breakers tripped", n)
	}
}

// TestReorgsWithEveryWinner bumps four batches, buries the originals, and takes
// their blocks away again: on the branch that wins, the first holds its original,
// the second its replacement, the third nothing, and a coin of the fourth went
// elsewhere. In the end each is paid once.
func TestReorgsWithEveryWinner(t *testing.T) {
	t.Parallel()
	for depth := int32(1); depth <= 10; depth++ {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, coin, coin, coin, coin, coin)
			var batches [4]payout.Record
			var originals [][]byte
			for i := range batches {
				batches[i] = r.bumped(1)
				originals = append(originals, batches[i].Attempts[0].Raw)
			}
			original, replaced, neither, stolen := batches[0].Batch.ID, batches[1].Batch.ID, batches[2].Batch.ID, batches[3].Batch.ID
			target := r.coinOf(batches[3].Attempts[0].Inputs[0].OutPoint)
			r.hold(originals...)
			r.node.Mine(int(depth))
			r.mustSync()
			for _, b := range batches {
				r.wantState(b.Batch.ID, standing(depth))
				r.wantWinner(b.Batch.ID, 0)
			}

			r.node.Invalidate(r.hashAt(r.height() - depth + 1))
			r.hold(originals[0], batches[1].Attempts[1].Raw)
			r.sendPSBT(r.theft(target, 4_000_000))
			r.node.Mine(int(depth) + 1)
			r.mustSync()
			r.wantState(original, standing(depth+1))
			r.wantWinner(original, 0)
			r.wantState(replaced, standing(depth+1))
			r.wantWinner(replaced, 1)
			r.wantState(neither, payout.Broadcast)
			r.wantWinner(neither, -1)
			r.wantState(stolen, payout.Conflicted)
			r.wantWinner(stolen, -1)

			r.round()
			r.mine(1) // what was on no branch is told again, whatever the breaker says
			r.wantState(neither, payout.Mined)
			r.wantWinner(neither, 1)
			r.node.Mine(finalDepth)
			r.mustSync()
			for _, id := range []uuid.UUID{original, replaced, neither} {
				r.wantState(id, payout.Final)
			}
			r.wantState(stolen, payout.Voided)
			r.resetBreakers()
			again := r.approve(r.compose([]uuid.UUID{batches[3].Items[0].InstalmentID}))
			r.step()
			r.mine(1)
			r.wantState(again.ID, payout.Mined)
			if n := r.signer.signatures(); n != 9 {
				t.Errorf("%d signatures, want two for each of four batches and one more", n)
			}
		})
	}
}

// TestAForeignSpendReleasesByDepth waits for a theft to be as deep as final: one
// block less keeps the payment where it is, for people, SQL and the signer alike.
func TestAForeignSpendReleasesByDepth(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin)
	b := r.broadcast(1)
	id := r.record(b.ID).Items[0].InstalmentID
	r.restartNode()
	r.steal(r.record(b.ID).Attempts[0].Inputs[0].OutPoint, 4_000_000)
	r.node.Mine(1)
	r.mustSync()
	r.wantState(b.ID, payout.Conflicted)
	r.resetBreakers()

	r.mine(finalDepth - 2)
	r.wantState(b.ID, payout.Conflicted)
	r.wantInstalment(id, grant.MaybePaid)
	if _, err := r.service.Compose(t.Context(), r.treasurer, order([]uuid.UUID{id})); codeOf(err) != "not_payable" {
		t.Errorf("composed before the theft was final: %v, want not_payable", err)
	}
	_, err := r.owner.Pool().Exec(t.Context(), "UPDATE instalment SET state = 'payable' WHERE id = $1", id)
	if err == nil || !strings.Contains(err.Error(), "may still be paid") {
		t.Errorf("released by hand: %v, want that it may still be paid", err)
	}

	r.mine(1)
	r.wantState(b.ID, payout.Voided)
	r.wantInstalment(id, grant.Payable)
	again := r.approve(r.compose([]uuid.UUID{id}))
	_, proofless := r.worker(withoutProofs{r.store}, r.epoch)
	r.clock.Advance(time.Minute)
	if err := proofless.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rec := r.wantState(again.ID, payout.Signing); !strings.Contains(rec.Batch.LastError, "would_pay_twice") {
		t.Errorf("asked without a proof: last error %q, want would_pay_twice", rec.Batch.LastError)
	}
	r.step()
	r.wantState(again.ID, payout.Broadcast)
	r.mine(1)
	r.wantState(again.ID, payout.Mined)
}

// withoutProofs is a store that shows the signer no proof.
type withoutProofs struct{ workerStore }

func (withoutProofs) DeadAttempts(context.Context, uuid.UUID, int) ([]payout.DeadAttempt, error) {
	return nil, nil
}

// trip has the worker find something.
func (r *rig) trip(f payout.Finding) {
	r.t.Helper()
	f.At = r.clock.Now()
	if err := r.store.Trip(r.t.Context(), r.epoch, f); err != nil {
		r.t.Fatal(err)
	}
}
