package payout_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// void has two people take a batch back and cancel some of its payments.
func (r *rig) void(id uuid.UUID, cancel ...uuid.UUID) {
	r.t.Helper()
	asked, err := r.service.AskVoid(r.t.Context(), r.treasurer, id, r.record(id).Batch.Version, payout.VoidOrder{Reason: "the operator asked us to", CancelIDs: cancel})
	if err != nil {
		r.t.Fatalf("ask for a void: %v", err)
	}
	if _, err := r.service.ApproveVoid(r.t.Context(), r.second, id, asked.Version, r.record(id).Void.Digest); err != nil {
		r.t.Fatalf("approve a void: %v", err)
	}
}

// TestAVoidThatLosesIsPaidAfterCancel mines the payment after its void was signed
// and broadcast: the recipient was paid, and that it was to be cancelled is known.
func TestAVoidThatLosesIsPaidAfterCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	b := r.broadcast(2)
	items := r.record(b.ID).Items
	cancelled, other := items[0].InstalmentID, items[1].InstalmentID
	r.void(b.ID, cancelled)
	r.step()
	rec := r.wantState(b.ID, payout.Voiding)
	if len(rec.Attempts) != 2 || rec.PaidAfterCancel(items[0]) {
		t.Fatalf("%d attempts, want a void; paid after cancel %t", len(rec.Attempts), rec.PaidAfterCancel(items[0]))
	}

	r.hold(rec.Attempts[0].Raw)
	r.node.Mine(1)
	r.round()
	rec = r.wantState(b.ID, payout.Mined)
	r.wantWinner(b.ID, 0)
	if !rec.PaidAfterCancel(items[0]) || rec.PaidAfterCancel(items[1]) {
		t.Errorf("paid after cancel: %t and %t, want true and false", rec.PaidAfterCancel(items[0]), rec.PaidAfterCancel(items[1]))
	}

	// A reorg lets the void win after all.
	r.node.Invalidate(r.hashAt(r.height()))
	r.hold(rec.Attempts[1].Raw)
	r.node.Mine(2)
	r.mustSync()
	rec = r.wantState(b.ID, payout.Voiding)
	r.wantWinner(b.ID, 1)
	if rec.PaidAfterCancel(rec.Items[0]) {
		t.Error("paid after cancel although its block is gone")
	}
	r.mine(finalDepth - 2)
	r.wantState(b.ID, payout.Voided)
	r.wantInstalment(cancelled, grant.Cancelled)
	r.wantInstalment(other, grant.Payable)
}

// TestARecipientIsCancelledBeforeTheSigner drops one of three recipients from a
// batch that is approved, and from one that is built: the others are composed anew,
// which needs a new approval.
func TestARecipientIsCancelledBeforeTheSigner(t *testing.T) {
	t.Parallel()
	for _, at := range []payout.State{payout.Approved, payout.Built} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, coin, coin)
			r.signer.stop()
			ids := r.owe(3, owed)
			b := r.approve(r.compose(ids))
			if at == payout.Built {
				r.step()
			}
			rec := r.wantState(b.ID, at)
			if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, rec.Batch.Version); err != nil {
				t.Fatal(err)
			}
			r.exec("UPDATE instalment SET state = 'cancelled' WHERE id = $1", ids[0])
			r.exec(`WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('uncommit', $1, now()) RETURNING id),
				p AS (INSERT INTO ledger_posting SELECT id, 'committed', -$2::bigint FROM t)
				INSERT INTO ledger_posting SELECT id, 'available', $2::bigint FROM t`, ids[0].String(), int64(owed))
			if _, err := r.service.Compose(t.Context(), r.treasurer, order(ids)); codeOf(err) != "not_payable" {
				t.Errorf("composed with the one that was cancelled: %v, want not_payable", err)
			}

			rest := r.compose(ids[1:])
			if rest.Digest == b.Digest {
				t.Error("other recipients have the digest of before")
			}
			r.signer.start(policy())
			r.step()
			r.wantState(rest.ID, payout.Composed) // the old approval is not for this
			r.approve(rest)
			r.step()
			r.mine(1)
			r.wantState(rest.ID, payout.Mined)
			r.wantInstalment(ids[0], grant.Cancelled)
			if n := r.signer.signatures(); n != 1 {
				t.Errorf("%d signatures, want 1", n)
			}
		})
	}
}

// TestLeftoversReturnBeforeSigning orders more than there is money for: the batches
// that can be paid are, each for itself, and the payments of the rest return.
func TestLeftoversReturnBeforeSigning(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*owed, 3*owed)
	r.exec("UPDATE fund SET max_payees = 2")
	batches, err := r.service.ComposeAll(t.Context(), r.treasurer, order(r.owe(5, owed)))
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	anchors := map[string]bool{}
	for _, b := range batches {
		sizes = append(sizes, b.Payees)
		r.approve(b)
	}
	if diff := cmp.Diff([]int{2, 2, 1}, sizes); diff != "" {
		t.Fatal(diff)
	}
	r.step()
	for _, b := range batches[:2] {
		anchors[r.wantState(b.ID, payout.Broadcast).Batch.Anchor.String()] = true
	}
	if len(anchors) != 2 {
		t.Errorf("%d anchors for 2 batches", len(anchors))
	}
	left := r.wantState(batches[2].ID, payout.Approved)
	if left.Batch.LastError == "" {
		t.Error("nothing says why the rest waits")
	}
	if _, err := r.service.Cancel(t.Context(), r.treasurer, left.Batch.ID, left.Batch.Version); err != nil {
		t.Fatal(err)
	}
	r.wantState(left.Batch.ID, payout.Cancelled)
	r.mine(1)
	again := r.approve(r.compose([]uuid.UUID{left.Items[0].InstalmentID}))
	r.step()
	r.mine(1)
	r.wantState(again.ID, payout.Mined)
}

// TestAnOrderIsSplitTheSameWay splits 450 payments into three batches; the same
// order, in whatever order it is given, is split the same way again.
func TestAnOrderIsSplitTheSameWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin)
	ids := r.owe(450, 20_000)
	parts := func(ids []uuid.UUID) (list [][]uuid.UUID) {
		dry, err := r.service.DryRun(t.Context(), r.treasurer, order(ids))
		if err != nil || dry.Batches != 3 {
			t.Fatalf("a dry run says %d batches, %v, want 3", dry.Batches, err)
		}
		batches, err := r.service.ComposeAll(t.Context(), r.treasurer, order(ids))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			var part []uuid.UUID
			for _, it := range r.wantState(b.ID, payout.Composed).Items {
				part = append(part, it.InstalmentID)
			}
			list = append(list, part)
			if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, b.Version); err != nil {
				t.Fatal(err)
			}
		}
		return list
	}
	first := parts(ids)
	if len(first) != 3 || len(first[0]) != 200 || len(first[1]) != 200 || len(first[2]) != 50 {
		t.Errorf("%d batches, want 200, 200 and 50 payments", len(first))
	}
	slices.Reverse(ids)
	if diff := cmp.Diff(first, parts(ids)); diff != "" {
		t.Errorf("split in another way (-first +again):\n%s", diff)
	}
}
