package payout_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// deed is one thing that happens in a history.
type deed struct {
	what string
	n    int
}

func deeds() *rapid.Generator[[]deed] {
	one := rapid.Custom(func(t *rapid.T) deed {
		what := rapid.SampledFrom([]string{"pay", "pay", "work", "work", "crash", "crash", "crash", "mine", "mine", "mine empty", "reorg", "reorg and forget", "cancel", "bump", "bump", "void", "deposit", "signer down", "signer up"}).Draw(t, "what")
		return deed{what, rapid.IntRange(1, 5).Draw(t, "n")}
	})
	return rapid.SliceOfN(one, 25, 35)
}

// TestRandomHistories mixes payments, crashes of the worker between any two calls
// of its store, nodes that forget, reorgs, cancellations, bumps and voids; then
// everything calms down and every payment is final, once.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	for seed := range 8 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, coin, coin, coin)
			for _, d := range deeds().Example(seed) {
				t.Logf("%s %d", d.what, d.n)
				r.do(d)
				if t.Failed() {
					return
				}
			}
			r.calmDown()
		})
	}
}

func (r *rig) do(d deed) {
	r.t.Helper()
	switch d.what {
	case "pay":
		r.approve(r.compose(r.owe(d.n%3+1, owed/4)))
	case "work":
		r.round()
	case "crash":
		r.crash(d.n)
	case "mine":
		r.node.Mine(d.n)
	case "mine empty":
		r.restartNode()
		r.node.Mine(1)
	case "reorg", "reorg and forget":
		if r.height()-int32(d.n) >= r.fund.BirthdayHeight {
			r.reorg(int32(d.n), d.what == "reorg")
		}
	case "cancel":
		r.cancelOne(d.n)
	case "bump", "void":
		r.changeOne(d)
	case "deposit":
		r.deposit(coin)
	case "signer down":
		r.signer.stop()
	case "signer up":
		r.signer.stop()
		r.signer.start(policy())
	}
	r.t.Helper()
	for _, row := range r.texts("SELECT what FROM invariant_i07_coins") {
		r.t.Errorf("after %s: %s", d.what, row)
	}
}

// crash lets the worker go on until the nth stop from now, and starts a new one.
func (r *rig) crash(n int) {
	r.t.Helper()
	r.clock.Advance(60e9)
	follower, conductor := r.worker(crashing(r.store, n*n), r.epoch)
	_, err := follower.Sync(r.t.Context())
	if err == nil {
		err = conductor.Step(r.t.Context())
	}
	if err != nil && !errors.Is(err, errCrash) {
		r.t.Fatalf("before the crash: %v", err)
	}
	r.lead()
}

func (r *rig) restartNode() {
	r.t.Helper()
	r.node.Restart()
	r.chain = r.node.Client()
	r.follower, r.conductor = r.worker(r.store, r.epoch)
}

// cancelOne tries to cancel the nth newest batch; that it cannot be is no fault.
func (r *rig) cancelOne(n int) {
	r.t.Helper()
	list, _, err := r.service.Batches(r.t.Context(), r.treasurer, payout.BatchFilter{}, 50)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(list) < n {
		return
	}
	b := list[n-1]
	_, err = r.service.Cancel(r.t.Context(), r.treasurer, b.ID, b.Version)
	if err == nil != b.State.BeforeSigning() {
		r.t.Errorf("cancel of a batch that is %s: %v", b.State, err)
	}
}

// changeOne tries to bump the nth newest batch, or to take it back; that it cannot be
// is no fault.
func (r *rig) changeOne(d deed) {
	r.t.Helper()
	list, _, err := r.service.Batches(r.t.Context(), r.treasurer, payout.BatchFilter{}, 50)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(list) < d.n {
		return
	}
	b := list[d.n-1]
	if d.what == "bump" {
		_, err := r.service.Bump(r.t.Context(), r.treasurer, b.ID, b.Version, 10_000+1_000*(int64(b.Number)%20))
		if err == nil && b.State != payout.Broadcast && b.State != payout.Voiding {
			r.t.Errorf("bumped a batch that is %s", b.State)
		}
		return
	}
	asked, err := r.service.AskVoid(r.t.Context(), r.treasurer, b.ID, b.Version, payout.VoidOrder{Reason: "a history"})
	if err != nil {
		return
	}
	if _, err := r.service.ApproveVoid(r.t.Context(), r.second, b.ID, asked.Version, r.record(b.ID).Void.Digest); err != nil {
		r.t.Errorf("approve the void of a batch that was %s: %v", b.State, err)
	}
}

// calmDown lets the worker work undisturbed, pays what was cancelled, and wants
// all of it final.
func (r *rig) calmDown() {
	r.t.Helper()
	r.signer.stop()
	r.signer.start(policy())
	r.lead()
	r.deposit(coin, coin)
	r.mine(8)
	const unpaid = "SELECT count(*) FROM instalment WHERE state <> 'final'"
	for range 80 {
		for _, id := range r.texts("SELECT id::text FROM instalment WHERE state = 'payable' ORDER BY created_at, id") {
			r.approve(r.compose([]uuid.UUID{uuid.MustParse(id)}))
		}
		r.mine(1)
		if r.number(unpaid) == 0 {
			break
		}
	}
	if n := r.number(unpaid); n != 0 {
		r.t.Errorf("%d payments are not final: %v", n, r.texts("SELECT state || ' ' || coalesce(last_error, '') FROM batch WHERE state NOT IN ('final', 'voided', 'cancelled')"))
	}
	if codes := r.texts("SELECT code FROM breaker"); len(codes) != 0 {
		r.t.Errorf("breakers %v in a history without a theft", codes)
	}
	const happened = "SELECT count(*) FROM attempt a WHERE EXISTS (SELECT FROM attempt_event e WHERE e.attempt_id = a.id AND e.event = $1)"
	// A signature whose answer got lost is not asked for again when the batch was taken
	// back meanwhile.
	if n := int64(r.signer.signatures()); n < r.number(happened, "signed") || n > r.number(happened, "signing") {
		r.t.Errorf("%d signatures for %d attempts, of which %d were signed", n, r.number(happened, "signing"), r.number(happened, "signed"))
	}
}

var _ workerStore = gate{}
