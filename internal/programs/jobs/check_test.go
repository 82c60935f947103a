package jobs_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// offered returns the prober that an offer went to, or uuid.Nil.
func (r *rig) offered(t *testing.T, id uuid.UUID) uuid.UUID {
	t.Helper()
	var v uuid.NullUUID
	must(t, r.owner.QueryRow(t.Context(), "SELECT max(vantage_id::text)::uuid FROM check_offer WHERE id = $1", id).Scan(&v))
	return v.UUID
}

func (r *rig) endpoint(t *testing.T) uuid.UUID {
	t.Helper()
	var id uuid.UUID
	must(t, r.owner.QueryRow(t.Context(), "SELECT id FROM endpoint ORDER BY position LIMIT 1").Scan(&id))
	return id
}

func (r *rig) slotOffer(t *testing.T, attempt int) endpoint.Offer {
	t.Helper()
	return endpoint.Offer{
		ID: uuid.New(), EndpointID: r.endpoint(t), Kind: vantage.KindSlot, Mode: probe.Full, Place: vantage.Outside, Slot: noon, Attempt: attempt,
		Due: r.clock.Now(), Until: noon.Add(17 * time.Minute),
	}
}

// offer offers o and wants it to be taken up at once.
func (r *rig) offer(t *testing.T, o endpoint.Offer) uuid.UUID {
	t.Helper()
	wait, err := r.scheduler.Offer(t.Context(), o)
	if err != nil || wait != 0 {
		t.Fatalf("offer: wait %s, %v", wait, err)
	}
	return r.offered(t, o.ID)
}

// TestAConfirmationGoesToAnotherProber repeats it, because with two probers the
// right one is drawn half of the time anyway.
func TestAConfirmationGoesToAnotherProber(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for range 20 {
		first := r.offer(t, r.slotOffer(t, 1))
		second := r.offer(t, r.slotOffer(t, 2))
		third := r.offer(t, r.slotOffer(t, 3))
		if first == second || second == uuid.Nil {
			t.Fatalf("both attempts went to %s", first)
		}
		if third == uuid.Nil {
			t.Fatal("with every prober asked, nobody is asked a third time")
		}
		r.exec(t, "DELETE FROM check_offer")
	}
}

func TestAnAttemptIsOfferedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	o := r.slotOffer(t, 1)
	r.offer(t, o)
	again := r.slotOffer(t, 1)
	if v := r.offer(t, again); v != uuid.Nil {
		t.Errorf("the same attempt was offered again to %s", v)
	}
}

func TestWhoIsOfferedAnything(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, change string
		able         bool
	}{
		{"as it is", "SELECT", true},
		{"not seen for 11 minutes", "UPDATE vantage SET seen_at = seen_at - interval '11 min'", false},
		{"disabled", "UPDATE vantage SET disabled_at = seen_at", false},
		{"never enrolled", "UPDATE vantage SET public_key = NULL", false},
		{"inside", "UPDATE vantage SET place = 'inside'", false},
		{"one canary of ten wrong", "INSERT INTO vantage_canary SELECT id, date_trunc('hour', seen_at), 9, 1 FROM vantage", false},
		{"one canary of a hundred wrong", "INSERT INTO vantage_canary SELECT id, date_trunc('hour', seen_at), 99, 1 FROM vantage", true},
		{"wrong two days ago", "INSERT INTO vantage_canary SELECT id, seen_at - interval '2 d', 0, 9 FROM vantage", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1)
			r.exec(t, tt.change)
			o := r.slotOffer(t, 1)
			wait, err := r.scheduler.Offer(t.Context(), o)
			must(t, err)
			if got := r.offered(t, o.ID) != uuid.Nil; got != tt.able || (wait == 0) != tt.able {
				t.Errorf("offered %v, wait %s", got, wait)
			}
		})
	}
}

func TestWhatIsOverIsNotOffered(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	o := r.slotOffer(t, 1)
	r.fake.Advance(17 * time.Minute)
	if v := r.offer(t, o); v != uuid.Nil {
		t.Error("a check of a slot that is over was offered")
	}
}

// TestWhatAProberTookAndDidNotAnswerIsOfferedAgain follows one slot whose probers
// all die.
func TestWhatAProberTookAndDidNotAnswerIsOfferedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.exec(t, "UPDATE check_policy SET slot_s = 3600") // a lease of ten minutes fits in more than once
	r.offer(t, func() endpoint.Offer { o := r.slotOffer(t, 1); o.Until = noon.Add(62 * time.Minute); return o }())
	for attempt := 2; attempt <= 4; attempt++ {
		now := r.clock.Now()
		for i, v := range r.vantages {
			if _, err := r.app.Take(t.Context(), v.ID, now.Add(time.Duration(i)), "", uuid.New(), now, now.Add(10*time.Minute), 10, 10); err != nil {
				t.Fatal(err)
			}
		}
		r.fake.Advance(10 * time.Minute)
		must(t, r.scheduler.Do(t.Context(), "expire"))
		if n := r.count(t, "SELECT count(*) FROM check_offer WHERE done_at IS NULL"); n != 1 {
			t.Fatalf("attempt %d: a report may come a little late, and the offer has ended", attempt-1)
		}
		r.fake.Advance(time.Minute)
		must(t, r.scheduler.Do(t.Context(), "expire"))
		must(t, r.scheduler.Do(t.Context(), "expire"))

		list := r.checks(t)
		if attempt == 4 {
			if len(list) != 2 {
				t.Errorf("%d offers followed, want two as the policy has confirmations", len(list))
			}
			break
		}
		last := list[len(list)-1]
		wait := last.Due.Sub(r.clock.Now())
		if len(list) != attempt-1 || last.Attempt != attempt || wait < 20*time.Second || wait > 60*time.Second {
			t.Fatalf("attempt %d: %d checks, the last %+v", attempt, len(list), last)
		}
		r.fake.Advance(wait)
		for _, v := range r.vantages { // they ask again, so that they count as seen
			now := r.clock.Now()
			_, err := r.app.Take(t.Context(), v.ID, now, "", uuid.New(), now, now.Add(time.Minute), 0, 0)
			must(t, err)
		}
		r.offer(t, last.offer())
		r.fake.Advance(time.Second)
	}
	r.noBreach(t)
}

func TestAConfirmationIsQueuedOnceWithItsReport(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.offer(t, r.slotOffer(t, 1))
	confirm := func(o endpoint.Offer) []endpoint.Offer {
		o.ID, o.Attempt, o.Due = uuid.New(), o.Attempt+1, r.clock.Now().Add(30*time.Second)
		o.Until = o.Due.Add(2 * time.Minute)
		return []endpoint.Offer{o, o} // said twice, queued once
	}

	if n := r.work(t, probe.Down, endpoint.SlotOpen, confirm); n != 1 {
		t.Fatalf("%d checks were answered", n)
	}

	list := r.checks(t)
	if len(list) != 1 || list[0].Attempt != 2 || list[0].ID == uuid.Nil {
		t.Fatalf("queued: %+v", list)
	}
	r.fake.Advance(30 * time.Second)
	r.offer(t, list[0].offer())
	if n := r.work(t, probe.Up, endpoint.SlotUp, nil); n != 1 {
		t.Fatalf("%d confirmations were answered", n)
	}
	slot, err := r.worker.SlotAttempts(t.Context(), r.endpoint(t), vantage.Outside, noon)
	must(t, err)
	if len(slot) != 2 || slot[0].VantageID == slot[1].VantageID {
		t.Errorf("the slot's attempts: %+v", slot)
	}
	r.noBreach(t)
}
