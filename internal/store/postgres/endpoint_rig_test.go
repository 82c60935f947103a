package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var (
	checkDay  = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	checkSlot = checkDay.Add(12 * time.Hour)
)

// field is a database with an application, endpoints and probers in it.
type field struct {
	owner       *postgres.DB
	app         postgres.EndpointStore // as serve has it
	worker      postgres.EndpointStore // as the worker has it
	clock       *clock.Fake
	application uuid.UUID
	endpoints   []uuid.UUID
	vantages    []endpoint.Vantage
	enqueued    *[]endpoint.Offer
	asked       time.Time // of the latest request for a lease
}

// newField has n endpoints and two enrolled probers outside.
func newField(t *testing.T, n int) *field {
	t.Helper()
	base := pgtest.New(t)
	f := &field{owner: open(t, base.URL), clock: clock.NewFake(checkSlot), enqueued: &[]endpoint.Offer{}}
	enqueue := func(_ context.Context, _ pgx.Tx, offers []endpoint.Offer) error {
		*f.enqueued = append(*f.enqueued, offers...)
		return nil
	}
	f.app = postgres.EndpointStore{DB: open(t, base.AppURL), Clock: f.clock, Enqueue: enqueue}
	f.worker = postgres.EndpointStore{DB: open(t, base.WorkerURL), Clock: f.clock, Enqueue: enqueue}
	if _, _, err := f.worker.Partitions(t.Context(), checkDay.AddDate(0, 0, -2), checkDay.AddDate(0, 0, 3), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	exec(t, f.owner, `INSERT INTO fund (id, name, descriptor, birthday_height, budget_sat, min_amount_sat, max_amount_sat, policy_version, quorum,
		max_feerate_sat_kvb, max_fee_sat, pay_window_days, created_at) VALUES (gen_random_uuid(), 'f', 'd', 1, 5000, 1000, 5000, 1, 2, 10, 1000, 90, now())`)
	f.application = f.newApplication(t)
	for i := range n {
		f.endpoints = append(f.endpoints, f.newEndpoint(t, f.application, i))
	}
	for _, name := range []string{"fi-1", "nl-1"} {
		f.vantages = append(f.vantages, f.newVantage(t, name, vantage.Outside))
	}
	return f
}

func (f *field) newApplication(t *testing.T) uuid.UUID {
	t.Helper()
	id := uuid.New()
	exec(t, f.owner, `INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat,
			payee_index, data_key, key_id, submitted_at, changed_at)
		SELECT $1::uuid, id, 'GR-' || substr($1::uuid::text, 1, 6), 'Blue Heron ' || $1::uuid::text, 'submitted', 1, 1, '{socks5}', 'ru', 'en', 2000, '', 'key', 'k1', $2, $2 FROM fund`, id, checkDay)
	return id
}

func (f *field) newEndpoint(t *testing.T, application uuid.UUID, position int) uuid.UUID {
	t.Helper()
	id := uuid.New()
	exec(t, f.owner, `INSERT INTO endpoint (id, application_id, label, position, protocol, spec, spec_index, checks_from, created_at)
		VALUES ($1::uuid, $2, 'EP-' || substr($1::uuid::text, 1, 8), $3, 'socks5', 'sealed', $4, $5, $5)`, id, application, position, id[:], checkDay)
	return id
}

func (f *field) newVantage(t *testing.T, name string, p vantage.Place) endpoint.Vantage {
	t.Helper()
	v := endpoint.Vantage{ID: uuid.New(), Name: name, Place: p, Country: "FI", ASN: 64500, CreatedAt: checkDay}
	token := sha256.Sum256([]byte(name))
	e := audit.Entry{Actor: identity.System("test"), Action: "vantage.added", ObjectKind: "vantage", ObjectID: v.ID.String(), At: checkDay}
	if err := f.app.CreateVantage(t.Context(), v, token[:], e); err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256([]byte("key of " + name))
	v, err := f.app.Enrol(t.Context(), token[:], key[:], f.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// offer offers a check of endpoint i to prober v, for the slot and attempt.
func (f *field) offer(t *testing.T, i, v int, slot time.Time, attempt int) endpoint.Offer {
	t.Helper()
	o := endpoint.Offer{
		ID: uuid.New(), EndpointID: f.endpoints[i], Kind: vantage.KindSlot, Mode: probe.Light, Place: vantage.Outside, Slot: slot, Attempt: attempt,
		VantageID: f.vantages[v].ID, Due: slot.Add(time.Second), Until: slot.Add(17 * time.Minute),
	}
	stored, err := f.worker.Offer(t.Context(), o)
	if err != nil || !stored {
		t.Fatalf("offer: stored %v, %v", stored, err)
	}
	return o
}

// take leases what is due to prober v.
func (f *field) take(t *testing.T, v, most, perDay int) (uuid.UUID, []endpoint.Taken) {
	t.Helper()
	lease, now := uuid.New(), f.clock.Now()
	f.asked = f.asked.Add(time.Microsecond)
	if f.asked.Before(now) {
		f.asked = now
	}
	taken, err := f.app.Take(t.Context(), f.vantages[v].ID, f.asked, "prober/1", lease, now, now.Add(5*time.Minute), most, perDay)
	if err != nil {
		t.Fatal(err)
	}
	return lease, taken
}

// intake is prober v's next report about taken, with one verdict for all.
func (f *field) intake(t *testing.T, v int, lease uuid.UUID, taken []endpoint.Taken, verdict probe.Verdict, outcome endpoint.SlotOutcome) endpoint.Intake {
	t.Helper()
	at, err := f.app.Vantage(t.Context(), f.vantages[v].ID, f.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	in := endpoint.Intake{
		VantageID: at.ID, Seq: at.Seq + 1, Prev: at.Prev, Lease: lease, Now: f.clock.Now(), SW: "prober/1",
		SHA256: sha256.Sum256(fmt.Appendf(nil, "%s %d", at.Name, at.Seq+1)),
	}
	for _, k := range taken {
		o := k.Offer
		a := endpoint.Attempt{
			OfferID: o.ID, EndpointID: o.EndpointID, VantageID: at.ID, Kind: o.Kind, Mode: o.Mode, Place: o.Place, Slot: o.Slot, Attempt: o.Attempt,
			Started: f.clock.Now(), Verdict: verdict, Stage: probe.StageTCP, MS: map[probe.Stage]int64{probe.StageTCP: 12},
			Record: []byte("sealed"), SHA256: sha256.Sum256(o.ID[:]),
		}
		l := endpoint.Latest{EndpointID: o.EndpointID, At: a.Started, Verdict: verdict, Slot: outcome}
		if verdict == probe.Down {
			a.FailedAt, a.Class = probe.StageHandshake, probe.ClassTimeout
			l.Stage, l.Class = a.FailedAt, a.Class
		}
		in.Attempts, in.Latest = append(in.Attempts, a), append(in.Latest, l)
	}
	return in
}

// report records such a report.
func (f *field) report(t *testing.T, v int, lease uuid.UUID, taken []endpoint.Taken, verdict probe.Verdict, outcome endpoint.SlotOutcome) {
	t.Helper()
	if err := f.app.Record(t.Context(), f.intake(t, v, lease, taken, verdict, outcome)); err != nil {
		t.Fatal(err)
	}
}

// count returns the number that sql gives.
func (f *field) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := f.owner.Pool().QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
