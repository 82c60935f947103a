package payout_test

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// lost is a rig whose dump lacks the approval of a payment that went out since.
type lost struct {
	*restorable
	batch  payout.Batch
	script []byte
}

// loseOne pays somebody whose approval the dump does not have, and restores it.
func loseOne(t *testing.T, mined bool) *lost {
	t.Helper()
	l := &lost{restorable: newRestorable(t, coin, coin, coin), script: payeeScript(8000)}
	dump := l.dump()
	l.batch = l.approve(l.compose([]uuid.UUID{l.again(owed)}))
	l.step()
	l.wantState(l.batch.ID, payout.Broadcast)
	if mined {
		l.mine(1)
	}
	l.restore(dump)
	return l
}

// again approves a payment to the same person.
func (l *lost) again(amount btcutil.Amount) uuid.UUID {
	l.t.Helper()
	return l.oweTo(l.script, amount)
}

func (l *lost) unjoined() payout.UnjoinedPayment {
	l.t.Helper()
	list, err := l.service.Unjoined(l.t.Context(), l.treasurer)
	if err != nil || len(list) != 1 || list[0].Number != l.batch.Number || list[0].Amount != owed {
		l.t.Fatalf("unjoined payments %+v, %v, want one of batch %d", list, err, l.batch.Number)
	}
	return list[0]
}

func (l *lost) wantCode(when string, err error, code string) {
	l.t.Helper()
	if codeOf(err) != code {
		l.t.Errorf("%s: %v, want %s", when, err, code)
	}
}

// TestAPaymentApprovedAgainIsNotPaidTwice approves again what a batch has paid since
// the dump: no signer can know that it is the same, so it is not composed, nor built
// when it was composed before the worker came up, until the two are joined.
func TestAPaymentApprovedAgainIsNotPaidTwice(t *testing.T) {
	t.Parallel()
	for _, mined := range []bool{true, false} {
		l := loseOne(t, mined)
		l.exec("SELECT nextval('batch_number')")                  // not the lost batch's: that one would be cancelled
		early := l.approve(l.compose([]uuid.UUID{l.again(owed)})) // serve is up before the worker
		if err := l.recover(); err != nil {
			t.Fatal(err)
		}
		before := l.released()
		p := l.unjoined()
		l.resetBreakers()
		l.step()
		if rec := l.wantState(early.ID, payout.Built); !strings.Contains(rec.Batch.LastError, "Paying it could pay twice") {
			t.Errorf("the early batch says %q", rec.Batch.LastError)
		}
		if _, err := l.service.Cancel(t.Context(), l.treasurer, early.ID, l.record(early.ID).Batch.Version); err != nil {
			t.Fatal(err)
		}
		id, other := l.record(early.ID).Items[0].InstalmentID, l.again(owed+1)
		_, err := l.service.Compose(t.Context(), l.treasurer, order([]uuid.UUID{id}))
		l.wantCode("compose", err, "paid_before_restore")
		l.wantCode("join by a reviewer", failure(l.service.JoinPayment(t.Context(), l.hire("w1", identity.RoleReviewer), p.OutPoint, id)), "not_permitted")
		l.wantCode("join another amount", failure(l.service.JoinPayment(t.Context(), l.treasurer, p.OutPoint, other)), "not_the_same")
		ear := l.listen()
		if _, err := l.service.JoinPayment(t.Context(), l.treasurer, p.OutPoint, id); err != nil {
			t.Fatal(err)
		}
		if n := ear.heard(); n != 1 {
			t.Errorf("joining called the worker %d times, want once", n)
		}
		l.wantCode("join twice", failure(l.service.JoinPayment(t.Context(), l.treasurer, p.OutPoint, other)), "unjoined_not_found")
		l.wantInstalment(id, map[bool]grant.InstalmentState{true: grant.Mined, false: grant.MaybePaid}[mined])
		wantNoBreach(t, l.restorable)
		_, err = l.service.Compose(t.Context(), l.treasurer, order([]uuid.UUID{id}))
		l.wantCode("compose what was joined", err, "not_payable")
		if mined {
			l.reorg(1, false)
			l.mustSync()
			rec := l.wantState(l.batch.ID, payout.Broadcast)
			_, err := l.service.Bump(t.Context(), l.treasurer, l.batch.ID, rec.Batch.Version, 20_000)
			l.wantCode("bump", err, "approvals_lost")
		}
		l.mine(finalDepth + 2)
		l.wantState(l.batch.ID, payout.Final)
		l.wantInstalment(id, grant.Final)
		if got := len(l.released()); got != len(before) {
			t.Errorf("%d transactions were released, want %d", got, len(before))
		}
		wantNoBreach(t, l.restorable)
	}
}

// TestAPaymentThatStandsForItself pays the same person once more.
func TestAPaymentThatStandsForItself(t *testing.T) {
	t.Parallel()
	l := loseOne(t, true)
	if err := l.recover(); err != nil {
		t.Fatal(err)
	}
	l.resetBreakers()
	p, id := l.unjoined(), l.again(owed)
	_, err := l.service.Compose(t.Context(), l.treasurer, order([]uuid.UUID{id}))
	l.wantCode("compose", err, "paid_before_restore")
	l.wantCode("without a reason", failure(l.service.SeparatePayment(t.Context(), l.treasurer, p.OutPoint, " ")), "invalid_fields")
	ear := l.listen()
	if _, err := l.service.SeparatePayment(t.Context(), l.treasurer, p.OutPoint, "the second year"); err != nil {
		t.Fatal(err)
	}
	if n := ear.heard(); n != 1 {
		t.Errorf("separating called the worker %d times, want once", n)
	}
	l.wantCode("twice", failure(l.service.SeparatePayment(t.Context(), l.treasurer, p.OutPoint, "the second year")), "already_separate")
	b := l.approve(l.compose([]uuid.UUID{id}))
	l.step()
	l.mine(finalDepth)
	l.wantState(b.ID, payout.Final)
	wantNoBreach(t, l.restorable)
}

// TestWhatLacksItsApprovalCanBeTakenBack has the network forget a transaction that
// no signer can be asked for again: it is not bumped, and a void frees its coins.
func TestWhatLacksItsApprovalCanBeTakenBack(t *testing.T) {
	t.Parallel()
	l := loseOne(t, false)
	l.restartNode()
	l.start(l.signer.client())
	if err := l.recover(); err != nil {
		t.Fatal(err)
	}
	l.resetBreakers()
	l.step()
	rec := l.wantState(l.batch.ID, payout.Signing)
	if !strings.Contains(rec.Batch.LastError, "approvals were lost") {
		t.Errorf("last error %q", rec.Batch.LastError)
	}
	l.void(l.batch.ID)
	l.step()
	l.mine(finalDepth)
	l.wantState(l.batch.ID, payout.Voided)
	checkInvariants(t, l.rig)
	if b := l.treasury().Balances; b["in_flight"] != 0 || b["paid"] != 0 || b["lost"] != 0 {
		t.Errorf("balances %v, want nothing in flight, paid or lost", b)
	}
	next := l.approve(l.compose([]uuid.UUID{l.again(owed)}))
	l.step()
	l.mine(finalDepth)
	l.wantState(next.ID, payout.Final)
	checkInvariants(t, l.rig)
}

// TestManyLostApprovalsFitIntoOneBreaker loses more payments than a breaker names.
func TestManyLostApprovalsFitIntoOneBreaker(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	const people = 130
	dump := r.dump()
	b := r.approve(r.compose(r.owe(people, 20_000)))
	r.step()
	r.mine(1)
	r.wantState(b.ID, payout.Mined)

	r.restore(dump)
	if err := r.recover(); err != nil {
		t.Fatal(err)
	}
	open := r.texts("SELECT f.detail FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id")
	if len(open) != 1 || strings.Count(open[0], "decision note") != 100 || !strings.Contains(open[0], " 130 of them, 2600000 sat in all,") || !strings.Contains(open[0], "And 30 more") {
		t.Errorf("breakers %v, want one that names 100 of %d", open, people)
	}
	wantNoBreach(t, r)
}

// TestWhatIsNoBatchAnyMoreIsBookedAsPaid cancels, in the restored database, a payment
// that had gone out: its batch cannot be rebuilt, and its transaction is ours all the
// same, in its block, after a reorg and under the next lease.
func TestWhatIsNoBatchAnyMoreIsBookedAsPaid(t *testing.T) {
	t.Parallel()
	r := newRestorable(t, coin, coin)
	id := r.oweOne(owed)
	b := r.approve(r.compose([]uuid.UUID{id}))
	dump := r.dump()
	r.step()
	r.mine(1)

	r.use(dump)
	if _, err := r.service.Cancel(t.Context(), r.treasurer, b.ID, r.record(b.ID).Batch.Version); err != nil {
		t.Fatal(err)
	}
	r.exec("UPDATE instalment SET state = 'cancelled' WHERE id = $1", id)
	r.exec(`WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) VALUES ('uncommit', $1::text, now()) RETURNING id)
		INSERT INTO ledger_posting SELECT id, a.account, a.sat FROM t, (VALUES ('committed', -$2::bigint), ('available', $2::bigint)) AS a (account, sat)`, id.String(), int64(owed))
	r.start(r.signer.client())
	look := func(when string) {
		t.Helper()
		if err := r.recover(); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		open := r.texts("SELECT b.code || ' ' || f.detail FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id")
		if len(open) != 1 || !strings.HasPrefix(open[0], "recovery_failed ") || !strings.Contains(open[0], "was cancelled") {
			t.Errorf("%s: breakers %v, want one that says what was cancelled", when, open)
		}
		if got := r.treasury().Balances; got["paid"] != owed || got["lost"] != 0 || got["in_flight"] != 0 {
			t.Errorf("%s: balances %v, want %d paid", when, got, owed)
		}
		wantNoBreach(t, r)
	}
	look("restored")
	r.reorg(1, true)
	look("after a reorg")
	r.lead()
	r.start(r.signer.client())
	look("under the next lease")
	r.reorg(2, true)
	look("after a reorg under the next lease")
}

// wantNoBreach reads the invariants alone, where one address was rightly paid by what
// is no payment here.
func wantNoBreach(t *testing.T, r *restorable) {
	t.Helper()
	breaches, err := postgres.PayoutStore{DB: r.owner}.Breaches(r.background(), 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaches {
		t.Errorf("%s: %s", b.Invariant, b.What)
	}
}

// failure drops what a call returns beside its error.
func failure[T any](_ T, err error) error { return err }
