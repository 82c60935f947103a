package payout_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// TestReorgsOfAnyDepth takes away the payment's block from under one confirmation and
// from under enough to be called paid. The same transaction comes back: nothing is
// built again. Every depth and every winner is in TestReorgsWithEveryWinner.
func TestReorgsOfAnyDepth(t *testing.T) {
	t.Parallel()
	for _, depth := range []int32{1, paidDepth} {
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, mempool kept %t", depth, keep), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, coin, coin)
				b := r.broadcast(2)
				r.mine(int(depth))
				before := r.record(b.ID)

				r.reorg(depth, keep)
				if !keep {
					r.mustSync()
					r.wantState(b.ID, payout.Broadcast)
					checkInvariants(t, r)
					r.mine(1) // it is broadcast again, and mined with the next block
				}
				r.mine(finalDepth)
				rec := r.wantState(b.ID, payout.Final)

				if len(rec.Attempts) != 1 || rec.Attempts[0].TxID != before.Attempts[0].TxID || r.signer.signatures() != 1 {
					t.Errorf("%d attempts and %d signatures, want the one of before", len(rec.Attempts), r.signer.signatures())
				}
				got := events(rec)
				want := []string{"built", "signing", "signed", "broadcast", "mined"}
				if depth >= paidDepth {
					want = append(want, "paid")
				}
				for range reorgEvents(depth) {
					want = append(want, "reorged")
				}
				want = append(want, "mined", "paid", "final")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if open := r.number("SELECT count(*) FROM breaker"); open != 0 {
					t.Errorf("%d breakers tripped", open)
				}
			})
		}
	}
}

// reorgEvents is 2 when the payment was called paid: it is mined again when the
// block at that depth goes, and on its way again when its own goes.
func reorgEvents(depth int32) int {
	if depth >= paidDepth {
		return 2
	}
	return 1
}

// TestReorgBelowFinalStopsSigning has a payment that was final leave the best
// chain, stay away, and come back.
func TestReorgBelowFinalStopsSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	r.mine(finalDepth + 1)
	raw := r.wantState(b.ID, payout.Final).Attempts[0].Raw

	r.reorg(finalDepth+1, false)
	r.mustSync()
	r.wantState(b.ID, payout.Final)
	if codes := r.texts("SELECT code FROM breaker"); !cmp.Equal(codes, []string{"deep_reorg"}) {
		t.Fatalf("breakers %v, want deep_reorg", codes)
	}
	other := r.approved(1)
	r.step()
	r.wantState(other.ID, payout.Approved)

	if _, err := r.chain.Submit(t.Context(), raw, 50_000); err != nil {
		t.Fatal(err)
	}
	r.mine(finalDepth)
	r.wantState(b.ID, payout.Final)
	if r.signer.signatures() != 1 {
		t.Errorf("%d signatures, want 1", r.signer.signatures())
	}
}

// TestReorgTakesADepositAway has the only coin of a built batch vanish; the batch
// waits and pays when the coin is back.
func TestReorgTakesADepositAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.deposit(coin)
	r.mine(6)
	r.signer.stop()
	b := r.approved(1)
	r.step()
	r.wantState(b.ID, payout.Built)

	gone := r.reorg(6, false)
	r.round()
	treasury, err := r.service.Treasury(t.Context(), r.treasurer)
	if err != nil {
		t.Fatal(err)
	}
	if len(treasury.Coins) != 0 || treasury.Difference != 0 {
		t.Fatalf("%d coins, difference %d", len(treasury.Coins), treasury.Difference)
	}
	r.signer.start(policy())
	r.round()
	if rec := r.wantState(b.ID, payout.Built); rec.Batch.LastError == "" || r.signer.signatures() != 0 {
		t.Errorf("%d signatures for a coin that is not there; last error %q", r.signer.signatures(), rec.Batch.LastError)
	}

	r.node.Reconsider(gone)
	r.node.Invalidate(r.hashAt(r.height() - 6)) // the other branch, from its first block on
	r.node.Mine(3)
	r.round()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(paidDepth)
	r.wantState(b.ID, payout.Paid)
}

func TestNodeThatForgetsIsToldAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(2)

	r.node.Restart()
	r.chain = r.node.Client()
	r.lead() // a worker that starts tells everything again; one that runs does with the next block
	r.step()
	r.mine(1)

	r.wantState(b.ID, payout.Mined)
}

// TestRunningWorkerTellsAgainOnceABlock is the same for a worker that did not
// notice that the node had restarted.
func TestRunningWorkerTellsAgainOnceABlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(2)

	r.node.Restart()
	r.node.Mine(1)
	r.round()
	r.wantState(b.ID, payout.Broadcast)
	r.mine(1)

	r.wantState(b.ID, payout.Mined)
}

// TestNodeThatFellBackIsNoReorg has the node lose its newest blocks, as btcd does
// when it is killed: its chain is the beginning of ours, so nothing is undone and
// nothing is signed until it has more.
func TestNodeThatFellBackIsNoReorg(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(1)
	hashes := r.mine(finalDepth)
	r.wantState(b.ID, payout.Final)

	r.node.Invalidate(hashes[0]) // the tip is now below the payment, on the same chain
	_, err := r.follower.Sync(t.Context())
	if got := codeOf(err); got != "node_behind" {
		t.Errorf("sync: %v, want node_behind", err)
	}
	r.wantState(b.ID, payout.Final)
	if n := r.number("SELECT count(*) FROM breaker"); n != 0 {
		t.Errorf("%d breakers tripped", n)
	}

	r.node.Reconsider(hashes[0])
	r.mine(1)
	r.wantState(b.ID, payout.Final)
}
