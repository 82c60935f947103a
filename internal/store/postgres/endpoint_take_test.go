package postgres_test

import (
	"crypto/sha256"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// TestEveryOfferIsGivenOnce races leases of one prober that asks eight times at
// once, as two processes with one key would.
func TestEveryOfferIsGivenOnce(t *testing.T) {
	t.Parallel()
	f := newField(t, 40)
	for i := range f.endpoints {
		f.offer(t, i, i%2, checkSlot, 1)
	}
	f.clock.Advance(time.Minute)
	now := f.clock.Now()
	given := make([][]endpoint.Taken, 8)
	var wait sync.WaitGroup
	for i := range given {
		wait.Go(func() {
			taken, err := f.app.Take(t.Context(), f.vantages[0].ID, now.Add(time.Duration(i)*time.Second), "", uuid.New(), now, now.Add(time.Minute), 5, 100)
			if err != nil {
				wantCode(t, err, "replayed") // it came after a later one
			}
			given[i] = taken
		})
	}
	wait.Wait()

	seen := map[uuid.UUID]bool{}
	for _, list := range given {
		for _, k := range list {
			if seen[k.Offer.ID] || k.Offer.VantageID != f.vantages[0].ID {
				t.Errorf("offer %s was given twice, or to the wrong prober", k.Offer.ID)
			}
			seen[k.Offer.ID] = true
		}
	}
	f.asked = now.Add(time.Minute)
	_, rest := f.take(t, 0, 100, 100)
	if got := len(seen) + len(rest); got != 20 {
		t.Errorf("%d of 20 offers were given", got)
	}
}

func TestARequestForWorkIsNewEachTime(t *testing.T) {
	t.Parallel()
	f := newField(t, 1)
	now := f.clock.Now()
	take := func(at time.Time) error {
		_, err := f.app.Take(t.Context(), f.vantages[0].ID, at, "", uuid.New(), now, now.Add(time.Minute), 5, 5)
		return err
	}
	at := now.Add(123456789 * time.Nanosecond) // finer than the column keeps
	wantCode(t, take(at), "")
	wantCode(t, take(at), "replayed")
	wantCode(t, take(at.Add(-time.Second)), "replayed")
	wantCode(t, take(at.Add(time.Second)), "")
}

func TestAProberGetsToKnowSoManyEndpointsADay(t *testing.T) {
	t.Parallel()
	f := newField(t, 6)
	for i := range f.endpoints {
		f.offer(t, i, 0, checkSlot, 1)
	}
	f.clock.Advance(time.Minute)
	if _, taken := f.take(t, 0, 2, 3); len(taken) != 2 {
		t.Fatalf("%d offers, want the two that were asked for", len(taken))
	}
	_, taken := f.take(t, 0, 10, 3)
	if len(taken) != 1 {
		t.Fatalf("%d offers, want the one that is left of the day", len(taken))
	}
	known := taken[0].Offer.EndpointID
	if _, taken = f.take(t, 0, 10, 3); len(taken) != 0 {
		t.Errorf("%d offers beyond the day's number", len(taken))
	}
	for i, id := range f.endpoints {
		if id == known {
			f.offer(t, i, 0, checkSlot, 2)
		}
	}
	if _, taken = f.take(t, 0, 10, 3); len(taken) != 1 || taken[0].Offer.EndpointID != known {
		t.Errorf("an endpoint that it knows already: %d offers", len(taken))
	}
	exec(t, f.owner, "UPDATE check_offer SET until = until + interval '1 d'")
	f.clock.Advance(24 * time.Hour)
	if _, taken = f.take(t, 0, 10, 3); len(taken) != 3 {
		t.Errorf("%d offers on the next day", len(taken))
	}
}

func TestWhatIsNotGiven(t *testing.T) {
	t.Parallel()
	f := newField(t, 3)
	for i := range 3 {
		f.offer(t, i, 0, checkSlot, 1)
	}
	if _, taken := f.take(t, 0, 10, 10); len(taken) != 0 {
		t.Errorf("%d offers before they are due", len(taken))
	}
	exec(t, f.owner, "UPDATE endpoint SET state = 'retired', retired_at = now() WHERE id = $1", f.endpoints[0])
	exec(t, f.owner, "UPDATE check_offer SET until = due + interval '1 s' WHERE endpoint_id = $1", f.endpoints[1])
	f.clock.Advance(time.Minute)
	if _, taken := f.take(t, 0, 10, 10); len(taken) != 1 || taken[0].Offer.EndpointID != f.endpoints[2] {
		t.Errorf("given: %+v", taken)
	}
	e := audit.Entry{Actor: identity.System("test"), Action: "vantage.disabled", ObjectKind: "vantage", ObjectID: f.vantages[1].ID.String(), At: checkSlot}
	wantCode(t, f.app.DisableVantage(t.Context(), f.vantages[1].ID, checkSlot, e), "")
	wantCode(t, f.app.DisableVantage(t.Context(), f.vantages[1].ID, checkSlot, e), "vantage_not_found")
	_, err := f.app.Take(t.Context(), f.vantages[1].ID, f.clock.Now(), "", uuid.New(), f.clock.Now(), f.clock.Now().Add(1), 1, 1)
	wantCode(t, err, "vantage_not_found")
}

func TestAnEnrolmentTokenWorksOnce(t *testing.T) {
	t.Parallel()
	f := newField(t, 0)
	token := sha256.Sum256([]byte("fi-1")) // used by the rig
	_, err := f.app.Enrol(t.Context(), token[:], token[:], checkSlot)
	wantCode(t, err, "enrolment_unknown")
}

func TestWhatPeopleAskForIsCounted(t *testing.T) {
	t.Parallel()
	f := newField(t, 2)
	other := f.newEndpoint(t, f.newApplication(t), 0)
	ids := slices.Concat(f.endpoints, []uuid.UUID{other})
	for _, id := range []uuid.UUID{ids[0], other} { // one network
		exec(t, f.owner, "INSERT INTO endpoint_link VALUES ($1, 'listen_net', 'net', now())", id)
	}
	ask := func(id uuid.UUID) endpoint.Asked {
		t.Helper()
		var asked endpoint.Asked
		o, err := f.app.UpdateEndpoint(t.Context(), id, func(c *endpoint.Change) error {
			asked = c.Asked
			c.Endpoint.RecheckedAt = &c.Now
			c.NewOffers = []endpoint.Offer{{ID: uuid.New(), EndpointID: id, Kind: vantage.KindRecheck, Slot: c.Now, Attempt: 1, Due: c.Now, Until: c.Now.Add(time.Minute)}}
			return nil
		})
		if err != nil || !o.Pending || !o.RecheckedAt.Equal(f.clock.Now()) {
			t.Errorf("%+v, %v", o, err)
		}
		f.clock.Advance(time.Minute)
		return asked
	}
	got := []endpoint.Asked{ask(ids[0]), ask(ids[1]), ask(other), ask(ids[0])}
	want := []endpoint.Asked{{}, {Application: 1}, {Network: 1}, {Endpoint: 1, Application: 2, Network: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	f.clock.Advance(time.Hour)
	if _, err := f.worker.Expired(t.Context(), f.clock.Now(), 10); err != nil {
		t.Fatal(err)
	}
	o, err := f.app.Endpoint(t.Context(), ids[0])
	if err != nil || o.Pending {
		t.Errorf("pending %v, %v, long after its time", o.Pending, err)
	}
	if got := ask(ids[0]); got != (endpoint.Asked{}) {
		t.Errorf("an hour later: %+v", got)
	}
	_, err = f.app.UpdateEndpoint(t.Context(), uuid.New(), func(*endpoint.Change) error { return nil })
	wantCode(t, err, "endpoint_not_found")
}

func TestMaintenanceLinkagesFleetAndSnapshots(t *testing.T) {
	t.Parallel()
	f := newField(t, 2)
	from := checkSlot.Add(48 * time.Hour)
	declare := func() time.Duration {
		var declared time.Duration
		_, err := f.app.UpdateEndpoint(t.Context(), f.endpoints[0], func(c *endpoint.Change) error {
			declared = c.Declared
			c.Maintenance = []endpoint.Maintenance{{ID: uuid.New(), EndpointID: f.endpoints[0], From: from, To: from.Add(90 * time.Minute), DeclaredAt: c.Now}}
			return nil
		})
		wantCode(t, err, "")
		return declared
	}
	if a, b := declare(), declare(); a != 0 || b != 90*time.Minute {
		t.Errorf("declared %s, then %s", a, b)
	}
	breaks, err := f.app.Maintenance(t.Context(), f.endpoints[0], from.Add(time.Hour), from.Add(2*time.Hour))
	if err != nil || len(breaks) != 2 {
		t.Errorf("maintenance: %+v, %v", breaks, err)
	}

	second, third := f.newEndpoint(t, f.newApplication(t), 0), f.newEndpoint(t, f.newApplication(t), 0)
	for _, id := range []uuid.UUID{f.endpoints[0], f.endpoints[1], second, third} {
		exec(t, f.owner, "INSERT INTO endpoint_link VALUES ($1, 'secret', 'same', now())", id)
	}
	links, err := f.app.Linkages(t.Context(), f.application)
	want := []endpoint.Linkage{
		{Kind: endpoint.LinkSecret, EndpointID: f.endpoints[0], Applications: 2}, {Kind: endpoint.LinkSecret, EndpointID: f.endpoints[1], Applications: 2},
	}
	if diff := cmp.Diff(want, links); diff != "" || err != nil {
		t.Errorf("linkages: %v\n%s", err, diff)
	}

	exec(t, f.owner, "UPDATE endpoint SET protocol = 'mtproto' WHERE id = ANY ($1)", []uuid.UUID{f.endpoints[0], f.endpoints[1], second})
	twins, err := f.app.Twins(t.Context(), f.endpoints[0])
	if err != nil || len(twins) != 1 || twins[0].ID != second || twins[0].DataKey.KEKID != "k1" {
		t.Errorf("twins: %+v, %v; want the one of another application and the same protocol", twins, err)
	}
	exec(t, f.owner, "UPDATE endpoint SET protocol = 'socks5'")

	lease, taken := f.taken(t)
	f.report(t, 0, lease, taken[:1], probe.Up, endpoint.SlotUp)
	f.offer(t, 0, 1, checkSlot, 2)
	f.clock.Advance(time.Minute)
	fleet, err := f.app.Fleet(t.Context(), f.clock.Now())
	at := checkSlot.Add(time.Minute)
	wantFleet := endpoint.Fleet{
		Rows: []endpoint.FleetRow{
			{Protocol: "socks5", Country: "ru", Vantage: "fi-1", Up: 1, Oldest: &at},
			{Protocol: "socks5", Country: "ru", Unchecked: 3},
		},
		Oldest: &at, Waiting: 1, Late: 119 * time.Second,
	}
	if diff := cmp.Diff(wantFleet, fleet); diff != "" || err != nil {
		t.Errorf("fleet: %v\n%s", err, diff)
	}

	s := endpoint.StoredSnapshot{ID: uuid.New(), ApplicationID: f.application, Text: []byte("{}\n"), SHA256: sha256.Sum256([]byte("{}\n")), CreatedAt: checkSlot}
	wantCode(t, f.app.SaveSnapshot(t.Context(), s), "")
	stored, err := f.app.Snapshot(t.Context(), s.ID)
	if diff := cmp.Diff(s, stored); diff != "" || err != nil {
		t.Errorf("snapshot: %v\n%s", err, diff)
	}
	_, err = f.app.LatestSnapshot(t.Context(), uuid.New())
	wantCode(t, err, "snapshot_not_found")
	s.ID, s.SHA256 = uuid.New(), [32]byte{}
	if f.app.SaveSnapshot(t.Context(), s) == nil {
		t.Error("a snapshot was stored under another text's hash")
	}
}
