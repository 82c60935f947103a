package payout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
)

// age is how much older than the chain and the journals a dump is.
type age struct {
	name   string
	passes time.Duration
	blocks int // mined at the end
	mined  bool
}

var ages = []age{
	{name: "1 s", passes: time.Second},
	{name: "2 min", passes: 2 * time.Minute, mined: true},
	{name: "a day", passes: 24 * time.Hour, mined: true, blocks: finalDepth + 2},
}

// staged is a dump and the stage at which it was taken.
type staged struct {
	name string
	dump *pgtest.DB
}

// dumpAtEachStage leads one batch through every stage and takes a dump at each.
func (r *restorable) dumpAtEachStage(ids []uuid.UUID) (payout.Batch, []staged) {
	r.t.Helper()
	var taken []staged
	take := func(name string, b payout.Batch, state payout.State) {
		r.t.Helper()
		r.wantState(b.ID, state)
		taken = append(taken, staged{name, r.dump()})
	}
	b := r.compose(ids)
	take("composed", b, payout.Composed)
	r.approve(b)
	take("approved", b, payout.Approved)
	r.signer.stop()
	r.step()
	take("built", b, payout.Built)
	r.signer.start(policy())
	r.clock.Advance(time.Minute)
	if err := r.conductorWith(mute{r.signer.client()}, broadcaster{r.chain}).Step(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	take("signing", b, payout.Signing)
	ctx, cancel := context.WithCancel(r.t.Context())
	_ = r.conductorWith(r.signer.client(), cutOff{cancel}).Step(ctx)
	take("signed", b, payout.Signed)
	r.step()
	take("broadcast", b, payout.Broadcast)
	r.bump(b, 12_000)
	take("bumped", b, payout.Broadcast)
	r.mine(1)
	take("mined", b, payout.Mined)
	return b, taken
}

// unjoinable is what a dump cannot know: payments whose approval came after it.
type unjoinable struct {
	batches []payout.Batch
	digests []string
	lost    btcutil.Amount // of all that may be paid
}

// paySince pays on after the dumps were taken: an approval that they have together
// with one that they lack, a bump, batches of approvals that they all lack, one that
// spends the change of another, a void, and a deposit.
func (r *restorable) paySince(known uuid.UUID, a age) unjoinable {
	r.t.Helper()
	var u unjoinable
	r.clock.Advance(a.passes / 2)
	pay := func(coins []wire.OutPoint, known []uuid.UUID, fresh int) payout.Batch {
		r.t.Helper()
		lacking := r.owe(fresh, owed)
		o := order(append(slices.Clone(lacking), known...))
		o.Coins = coins
		b, err := r.service.Compose(r.t.Context(), r.treasurer, o)
		if err != nil {
			r.t.Fatal(err)
		}
		r.approve(b)
		r.step()
		u.batches = append(u.batches, b)
		for _, it := range r.wantState(b.ID, payout.Broadcast).Items {
			if slices.Contains(lacking, it.InstalmentID) {
				u.digests, u.lost = append(u.digests, it.Digest.String()), u.lost+it.Amount
			}
		}
		return b
	}
	mixed := pay(nil, []uuid.UUID{known}, 1)
	r.bump(mixed, 15_000)
	pay(nil, nil, 2)
	if !a.mined {
		return u
	}
	r.deposit(coin / 2)
	r.mine(1)
	rec := r.wantState(mixed.ID, payout.Mined)
	mined := rec.Attempts[len(rec.Attempts)-1]
	var change []wire.OutPoint
	for _, o := range mined.Outputs {
		if o.ChangeIndex != nil {
			change = append(change, wire.OutPoint{Hash: mined.TxID, Index: o.Vout})
		}
	}
	pay(change, nil, 1)
	taken := pay(nil, nil, 1)
	r.void(taken.ID)
	r.step()
	if n := len(r.record(taken.ID).Attempts); n != 2 {
		r.t.Fatalf("%d attempts, want a void", n)
	}
	r.mine(1 + a.blocks)
	if a.blocks > 0 {
		r.wantState(taken.ID, payout.Voided)
		u.lost -= owed // nobody can be paid by it any more
	}
	pay(nil, nil, 1)
	r.clock.Advance(a.passes / 2)
	return u
}

// standing is where batches and books are, with what waits for its signature again
// told as broadcast.
func (r *restorable) standing(numbers []payout.Batch) map[string]string {
	r.t.Helper()
	all := map[string]string{}
	for _, b := range numbers {
		state := r.record(b.ID).Batch.State
		if state == payout.Signing || state == payout.Signed {
			state = payout.Broadcast
		}
		all[fmt.Sprintf("batch %d", b.Number)] = string(state)
	}
	for account, sat := range r.treasury().Balances {
		if account != "available" && account != "committed" && sat != 0 {
			all[string(account)] = fmt.Sprint(int64(sat))
		}
	}
	return all
}

// TestARestoredDatabaseKnowsWhatTheJournalsKnow restores dumps of every stage that
// are a second, two minutes and a day old, with payments since then whose approvals
// they do not have: every batch and every account ends where it was, nothing is
// called foreign or lost, and one breaker says what could not be joined.
func TestARestoredDatabaseKnowsWhatTheJournalsKnow(t *testing.T) {
	t.Parallel()
	for _, a := range ages {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			r := newRestorable(t, coin, coin, coin, coin, coin, coin)
			ids, known := r.owe(2, owed), r.oweOne(owed)
			b, taken := r.dumpAtEachStage(ids)
			u := r.paySince(known, a)
			all := append([]payout.Batch{b}, u.batches...)
			want, before := r.standing(all), r.released()
			for i, s := range taken {
				r.restore(s.dump)
				if err := r.recover(); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				r.wantJoined(s.name, u)
				if diff := cmp.Diff(want, r.standing(all)); diff != "" {
					t.Errorf("%s: where batches and books stand, before and after the restore:\n%s", s.name, diff)
				}
				checkInvariants(t, r.rig)
				r.resetBreakers()
				r.start(r.signer.client())
				if err := r.recover(); err != nil {
					t.Fatalf("%s, started again: %v", s.name, err)
				}
				r.step()
				if open := r.treasury().Breakers; len(open) != 0 {
					t.Errorf("%s: %d breakers are open after both were reset: %v", s.name, len(open), open)
				}
				if diff := cmp.Diff(before, r.released()); diff != "" {
					t.Errorf("%s: released before and after the restore:\n%s", s.name, diff)
				}
				if i == len(taken)-1 {
					r.mine(finalDepth + 1)
					for _, b := range all {
						if s := r.record(b.ID).Batch.State; s != payout.Final && s != payout.Voided {
							t.Errorf("batch %d is %s in the end", b.Number, s)
						}
					}
				}
				checkInvariants(t, r.rig)
			}
		})
	}
}

// wantJoined wants one breaker, which names every payment that could not be joined.
func (r *restorable) wantJoined(when string, u unjoinable) {
	r.t.Helper()
	open := r.texts("SELECT b.code || ': ' || f.detail FROM breaker b JOIN breaker_finding f ON f.breaker_id = b.id ORDER BY b.id, f.no")
	if len(open) != 1 || !strings.HasPrefix(open[0], "recovery_failed: ") {
		r.t.Errorf("%s: %d breakers, want one: recovery_failed\n%s", when, len(open), strings.Join(open, "\n"))
		return
	}
	for _, d := range u.digests {
		if !strings.Contains(open[0], d) {
			r.t.Errorf("%s: the breaker does not name decision note %s: %s", when, d, open[0])
		}
	}
	for _, b := range u.batches {
		if !strings.Contains(open[0], fmt.Sprintf("Batch %d", b.Number)) {
			r.t.Errorf("%s: the breaker does not name batch %d: %s", when, b.Number, open[0])
		}
	}
	if sum := fmt.Sprintf("%d sat", int64(u.lost)); !strings.Contains(open[0], sum) {
		r.t.Errorf("%s: the breaker does not say %s: %s", when, sum, open[0])
	}
	if lost := r.treasury().Balances["lost"]; lost != 0 {
		r.t.Errorf("%s: %d sat are booked as lost", when, int64(lost))
	}
}
