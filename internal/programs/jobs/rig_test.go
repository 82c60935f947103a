package jobs_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/programs/jobs"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var (
	day  = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	noon = day.Add(12 * time.Hour)
)

// rig is a database with endpoints and probers, and a scheduler that does not run.
type rig struct {
	base      *pgtest.DB
	owner     *pgxpool.Pool
	app       postgres.EndpointStore
	worker    postgres.EndpointStore
	clock     clock.Clock
	fake      *clock.Fake // nil where the clock is real
	scheduler *jobs.Scheduler
	vantages  []endpoint.Vantage
}

// newRig has endpoints and two probers outside, and its clock stands at noon.
func newRig(t testing.TB, endpoints int) *rig {
	t.Helper()
	fake := clock.NewFake(noon)
	r := newRigAt(t, endpoints, fake)
	r.fake = fake
	return r
}

func newRigAt(t testing.TB, endpoints int, c clock.Clock) *rig {
	t.Helper()
	base := pgtest.New(t)
	r := &rig{base: base, owner: base.Pool(t), clock: c}
	enqueue, err := jobs.Enqueuer()
	must(t, err)
	r.app = postgres.EndpointStore{DB: open(t, base.AppURL), Clock: c, Enqueue: enqueue}
	r.worker = postgres.EndpointStore{DB: open(t, base.WorkerURL), Clock: c}
	r.scheduler = r.newScheduler(t)
	must(t, r.scheduler.Do(t.Context(), "partitions"))
	r.exec(t, `INSERT INTO fund (id, name, descriptor, birthday_height, budget_sat, min_amount_sat, max_amount_sat, policy_version, quorum,
		max_feerate_sat_kvb, max_fee_sat, pay_window_days, created_at) VALUES (gen_random_uuid(), 'f', 'd', 1, 500000, 1000, 5000, 1, 2, 10000, 1000, 90, now())`)
	r.exec(t, `INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat,
			payee_index, data_key, key_id, submitted_at, changed_at)
		SELECT gen_random_uuid(), id, 'GR-7K3FQ2', 'Blue Heron', 'submitted', 1, 1, '{socks5}', 'ru', 'en', 2000, '', 'key', 'k1', now(), now() FROM fund`)
	r.exec(t, `INSERT INTO endpoint (id, application_id, label, position, protocol, spec, spec_index, checks_from, created_at)
		SELECT gen_random_uuid(), a.id, 'EP-' || n, n, 'socks5', 'sealed', '', $2, $2 FROM application a, generate_series(1, $1) n`, endpoints, c.Now().Add(-24*time.Hour))
	r.newVantage(t, "fi-1", vantage.Outside)
	r.newVantage(t, "nl-1", vantage.Outside)
	return r
}

func (r *rig) newScheduler(t testing.TB) *jobs.Scheduler {
	t.Helper()
	s, err := jobs.NewScheduler(jobs.Config{
		Store: r.worker, Pool: r.base.WorkerPool(t), Clock: r.clock, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	must(t, err)
	return s
}

func (r *rig) newVantage(t testing.TB, name string, p vantage.Place) endpoint.Vantage {
	t.Helper()
	v := endpoint.Vantage{ID: uuid.New(), Name: name, Place: p, Country: "FI", ASN: 64500, CreatedAt: r.clock.Now()}
	sum := sha256.Sum256([]byte(name))
	e := audit.Entry{Actor: identity.System("test"), Action: "vantage.added", ObjectKind: "vantage", ObjectID: v.ID.String(), At: r.clock.Now()}
	must(t, r.app.CreateVantage(t.Context(), v, sum[:], e))
	v, err := r.app.Enrol(t.Context(), sum[:], sum[:], r.clock.Now())
	must(t, err)
	r.vantages = append(r.vantages, v)
	return v
}

// queued is a check that waits in River.
type queued struct {
	Endpoint uuid.UUID     `json:"e"`
	Kind     vantage.Kind  `json:"k"`
	Mode     probe.Mode    `json:"m"`
	Place    vantage.Place `json:"p"`
	Slot     time.Time     `json:"s"`
	Attempt  int           `json:"n"`
	Due      time.Time     `json:"d"`
	Until    time.Time     `json:"u"`
	ID       uuid.UUID     `json:"i"`
}

func (q queued) offer() endpoint.Offer {
	return endpoint.Offer{ID: q.ID, EndpointID: q.Endpoint, Kind: q.Kind, Mode: q.Mode, Place: q.Place, Slot: q.Slot, Attempt: q.Attempt, Due: q.Due, Until: q.Until}
}

// checks returns the checks that wait in River, in the order of their moments.
func (r *rig) checks(t testing.TB) []queued {
	t.Helper()
	rows, err := r.owner.Query(t.Context(), "SELECT args, scheduled_at FROM river.river_job WHERE kind = 'check' ORDER BY scheduled_at, id")
	must(t, err)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (queued, error) {
		var text []byte
		var at time.Time
		var q queued
		if err := row.Scan(&text, &at); err != nil {
			return q, err
		}
		err := json.Unmarshal(text, &q)
		if err == nil && !q.Due.Truncate(time.Microsecond).Equal(at) {
			err = fmt.Errorf("due at %s and scheduled at %s", q.Due, at)
		}
		return q, err
	})
	must(t, err)
	return list
}

// work takes what is due to every prober and answers it with verdict.
func (r *rig) work(t testing.TB, verdict probe.Verdict, outcome endpoint.SlotOutcome, confirm func(endpoint.Offer) []endpoint.Offer) (answered int) {
	t.Helper()
	for _, v := range r.vantages {
		for {
			n := r.answer(t, v.ID, 100, verdict, outcome, confirm)
			if answered += n; n < 100 {
				break
			}
		}
	}
	return answered
}

// answer leases up to most checks of a prober and reports them.
func (r *rig) answer(t testing.TB, v uuid.UUID, most int, verdict probe.Verdict, outcome endpoint.SlotOutcome, confirm func(endpoint.Offer) []endpoint.Offer) int {
	t.Helper()
	ctx, now, lease := t.Context(), r.clock.Now(), uuid.New()
	at, err := r.app.Vantage(ctx, v, now)
	must(t, err)
	asked := now
	if at.AskedAt != nil && !asked.After(*at.AskedAt) {
		asked = at.AskedAt.Add(time.Microsecond)
	}
	taken, err := r.app.Take(ctx, v, asked, "prober/1", lease, now, now.Add(10*time.Minute), most, 100_000)
	must(t, err)
	if len(taken) == 0 {
		return 0
	}
	in := endpoint.Intake{VantageID: v, Seq: at.Seq + 1, Prev: at.Prev, SHA256: sha256.Sum256(fmt.Appendf(nil, "%s %d", v, at.Seq+1)), Lease: lease, Now: now, SW: "prober/1"}
	for _, k := range taken {
		o := k.Offer
		a := endpoint.Attempt{
			OfferID: o.ID, EndpointID: o.EndpointID, VantageID: v, Kind: o.Kind, Mode: o.Mode, Place: o.Place, Slot: o.Slot, Attempt: o.Attempt, Started: now,
			Verdict: verdict, Stage: probe.StageTCP, MS: map[probe.Stage]int64{probe.StageTCP: 12}, Record: make([]byte, 600), SHA256: sha256.Sum256(o.ID[:]),
		}
		in.Attempts = append(in.Attempts, a)
		in.Latest = append(in.Latest, endpoint.Latest{EndpointID: o.EndpointID, At: now, Verdict: verdict, Slot: outcome})
		if confirm != nil {
			in.Confirm = append(in.Confirm, confirm(o)...)
		}
	}
	must(t, r.app.Record(ctx, in))
	return len(taken)
}

func (r *rig) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := r.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (r *rig) count(t testing.TB, sql string, args ...any) int {
	t.Helper()
	var n int
	must(t, r.owner.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	must(t, err)
	d.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	t.Cleanup(d.Close)
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noBreach wants the invariants to hold.
func (r *rig) noBreach(t testing.TB) {
	t.Helper()
	list, err := r.worker.CheckBreaches(context.WithoutCancel(t.Context()), 10)
	must(t, err)
	for _, b := range list {
		t.Errorf("%s: %s", b.Invariant, b.What)
	}
}
