package payout_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

func TestParallelComposesMakeOneBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	ids := r.owe(3, owed)
	codes := make([]string, 8)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			// Every order has the first payment in it, in another company and place.
			mine := [][]uuid.UUID{ids, ids[:2], ids[:1], {ids[2], ids[0]}}[i%4]
			_, err := r.service.Compose(t.Context(), r.treasurer, order(mine))
			codes[i] = string(errs.CodeOf(err))
			if err == nil {
				codes[i] = "made"
			}
		})
	}
	all.Wait()

	count := map[string]int{}
	for _, c := range codes {
		count[c]++
	}
	if diff := cmp.Diff(map[string]int{"made": 1, "not_payable": 7}, count); diff != "" {
		t.Error(diff)
	}
	if n := r.number("SELECT count(*) FROM batch"); n != 1 {
		t.Errorf("%d batches, want 1", n)
	}
}

// TestCancelRacesTheWorker cancels while the worker takes the batch on, beginning
// at every call that the worker makes: either it is cancelled and nothing was
// signed, or it is on its way and cannot be.
func TestCancelRacesTheWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin, coin, coin)
	const calls = 24
	signed := 0
	for at := range calls {
		b := r.approved(1)
		var cancelErr error
		var both sync.WaitGroup
		cancel := func() {
			for version := b.Version; ; version++ {
				_, cancelErr = r.service.Cancel(t.Context(), r.treasurer, b.ID, version)
				if errs.CodeOf(cancelErr) != "stale_version" {
					return
				}
			}
		}
		left := at
		tick := func() error {
			if left--; left == -1 {
				both.Go(cancel)
			}
			return nil
		}
		_, conductor := r.worker(gate{workerStore: oneBatch{r.store, b.ID}, before: tick, after: tick}, r.epoch)
		r.clock.Advance(time.Minute)
		if err := conductor.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		both.Wait()
		r.step() // a cancelled batch may have cost the worker its step

		rec := r.record(b.ID)
		switch {
		case left >= 0:
			t.Fatalf("the worker made only %d calls", at-left)
		case cancelErr == nil:
			r.wantState(b.ID, payout.Cancelled)
			for _, e := range events(rec) {
				if e != "built" {
					t.Errorf("a cancelled batch was %s", e)
				}
			}
		case errs.CodeOf(cancelErr) == "wrong_state":
			r.wantState(b.ID, payout.Broadcast)
			signed++
		default:
			t.Fatal(cancelErr)
		}
		r.mine(1)
	}
	if n := r.signer.signatures(); n != signed || signed == 0 || signed == calls {
		t.Errorf("%d signatures; %d of %d batches were not cancelled in time, want the same and some of both", n, signed, calls)
	}
}

func TestParallelApprovalsCountOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.compose(r.owe(1, owed))
	errors := make([]error, 6)
	var all sync.WaitGroup
	for i := range errors {
		all.Go(func() {
			who := r.treasurer
			if i%2 == 1 {
				who = r.second
			}
			_, errors[i] = r.service.Approve(t.Context(), who, b.ID, b.Version, b.Digest)
		})
	}
	all.Wait()

	won := 0
	for _, err := range errors {
		if err == nil {
			won++
		} else if code := errs.CodeOf(err); code != "stale_version" {
			t.Errorf("got %v, want stale_version", err)
		}
	}
	if n := r.number("SELECT count(*) FROM approval"); won != 1 || n != 1 {
		t.Errorf("%d approvals went through, %d are stored, want 1 and 1", won, n)
	}
}

// TestReviewerDoesNotPay keeps the two duties apart: one who voted on a payment
// neither composes nor approves it.
func TestReviewerDoesNotPay(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	ids := r.owe(2, owed)
	b := r.compose(ids[:1])

	_, composeErr := r.service.Compose(t.Context(), r.reviewer, order(ids[1:]))
	_, dryErr := r.service.DryRun(t.Context(), r.reviewer, order(ids[1:]))
	_, approveErr := r.service.Approve(t.Context(), r.reviewer, b.ID, b.Version, b.Digest)

	for _, err := range []error{composeErr, dryErr, approveErr} {
		if codeOf(err) != "conflict_of_duty" {
			t.Errorf("got %v, want conflict_of_duty", err)
		}
	}
	r.wantState(b.ID, payout.Composed)
}

func TestApprovalIsForADigestAndAVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	b := r.compose(r.owe(1, owed))
	other := b.Digest
	other[31] ^= 1

	_, digestErr := r.service.Approve(t.Context(), r.treasurer, b.ID, b.Version, other)
	_, versionErr := r.service.Approve(t.Context(), r.treasurer, b.ID, b.Version+1, b.Digest)

	if codeOf(digestErr) != "stale_digest" || codeOf(versionErr) != "stale_version" {
		t.Errorf("got %v and %v, want stale_digest and stale_version", digestErr, versionErr)
	}
	r.step()
	r.wantState(b.ID, payout.Composed)
}

func TestDryRunIsWhatWillBeAndStoresNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	ids := r.owe(2, owed)
	before := r.everything()

	p, err := r.service.DryRun(t.Context(), r.treasurer, order(ids))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.everything()); diff != "" {
		t.Errorf("a dry run changed the database:\n%s", diff)
	}
	b := r.approve(r.compose(ids))
	r.step()
	a := r.wantState(b.ID, payout.Broadcast).Attempts[0]
	if p.Fee != a.Fee || p.Total != 2*owed || p.Change != coin-2*owed-a.Fee {
		t.Errorf("promised fee %d, total %d, change %d; fee is %d", p.Fee, p.Total, p.Change, a.Fee)
	}
}

// TestWorkerWithoutTheLeaseWritesNothing has an old leader go on with batches in
// every state that the conductor works on, and with blocks to walk.
func TestWorkerWithoutTheLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	for name, stand := range map[string]func(*rig){
		"approved":  func(r *rig) { r.approved(1) },
		"built":     func(r *rig) { r.signer.stop(); r.approved(1); r.step(); r.signer.start(policy()) },
		"broadcast": func(r *rig) { r.broadcast(1); r.node.Mine(1) },
		"reorg":     func(r *rig) { r.broadcast(1); r.mine(2); r.reorg(2, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, coin)
			stand(r)
			_, staleConductor := r.worker(r.store, r.epoch)
			staleFollower, _ := r.worker(r.store, r.epoch)
			r.lead()
			before := r.everything()
			signatures := r.signer.signatures()

			_, syncErr := staleFollower.Sync(t.Context())
			stepErr := staleConductor.Step(t.Context())

			if diff := cmp.Diff(before, r.everything()); diff != "" {
				t.Errorf("changed:\n%s", diff)
			}
			if name == "approved" || name == "built" {
				if codeOf(stepErr) != "lease_lost" || r.signer.signatures() != signatures {
					t.Errorf("step: %v with %d new signatures, want lease_lost and none", stepErr, r.signer.signatures()-signatures)
				}
			} else if codeOf(syncErr) != "lease_lost" {
				t.Errorf("sync: %v, want lease_lost", syncErr)
			}
			r.round() // the new leader goes on
			r.mine(1)
			if n := r.number("SELECT count(*) FROM batch WHERE state = 'mined'"); n != 1 {
				t.Errorf("%d batches mined by the new leader, want 1", n)
			}
		})
	}
}

// everything returns a fingerprint of each table.
func (r *rig) everything() map[string]string {
	r.t.Helper()
	prints := map[string]string{}
	for _, table := range r.texts("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1") {
		all := r.texts("SELECT t::text FROM " + table + " t ORDER BY 1")
		prints[table] = strings.Join(all, "\n")
	}
	return prints
}
