package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// taken offers a check of each endpoint to prober 0 and leases them all.
func (f *field) taken(t *testing.T) (uuid.UUID, []endpoint.Taken) {
	t.Helper()
	for i := range f.endpoints {
		f.offer(t, i, 0, checkSlot, 1)
	}
	f.clock.Advance(time.Minute)
	lease, taken := f.take(t, 0, 100, 100)
	if len(taken) != len(f.endpoints) {
		t.Fatalf("%d of %d offers were given out", len(taken), len(f.endpoints))
	}
	return lease, taken
}

// everything is a report with all that can follow from one.
func (f *field) everything(t *testing.T) endpoint.Intake {
	t.Helper()
	lease, taken := f.taken(t)
	in := f.intake(t, 0, lease, taken, probe.Down, endpoint.SlotDown)
	now := f.clock.Now()
	o := taken[0].Offer
	in.Canaries = []endpoint.CanaryAnswer{{Job: uuid.New(), Right: true}, {Job: uuid.New(), Right: false}}
	in.Proofs = []endpoint.Proof{{
		ID: uuid.New(), EndpointID: o.EndpointID, OfferID: o.ID, Kind: string(control.KindDNS), Held: true, VantageID: in.VantageID, At: now,
		AgainAt: now.AddDate(0, 2, 0), ValidUntil: now.AddDate(0, 3, 0),
	}}
	in.Links = []endpoint.Link{{EndpointID: o.EndpointID, Kind: endpoint.LinkExitIP, Index: []byte("hash"), SeenAt: now}}
	in.Hits = []endpoint.Hit{{EndpointID: o.EndpointID, What: "exit", List: "ru", Version: "1", Order: "2971-18", FoundAt: now}}
	confirm := o
	confirm.ID, confirm.Attempt, confirm.Due = uuid.New(), 2, now.Add(30*time.Second)
	in.Confirm = []endpoint.Offer{confirm}
	in.Entries = []audit.Entry{{Actor: identity.System("test"), Action: "endpoint.proven", ObjectKind: "endpoint", ObjectID: o.EndpointID.String(), At: now}}
	return in
}

// written counts the rows that a report can leave behind.
func (f *field) written(t *testing.T) int {
	t.Helper()
	return f.count(t, `SELECT (SELECT count(*) FROM vantage_report) + (SELECT count(*) FROM check_result) + (SELECT count(*) FROM endpoint_proof)
		+ (SELECT count(*) FROM endpoint_link) + (SELECT count(*) FROM endpoint_hit) + (SELECT count(*) FROM vantage_canary)
		+ (SELECT count(*) FROM endpoint WHERE last_at IS NOT NULL) + (SELECT count(*) FROM check_offer WHERE done_at IS NOT NULL)
		+ (SELECT count(*) FROM audit_leaf WHERE object_kind = 'endpoint') + (SELECT sum(seq) FROM vantage)`)
}

// TestAReportIsWrittenWholeOrNotAtAll fails it at its end, in the queue, and cuts
// it off, as a crash would; then it is sent again.
func TestAReportIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	f := newField(t, 3)
	in := f.everything(t)
	full := errors.New("the queue is full")
	broken := f.app
	broken.Enqueue = func(context.Context, pgx.Tx, []endpoint.Offer) error { return full }
	if err := broken.Record(t.Context(), in); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	broken.Enqueue = func(ctx context.Context, tx pgx.Tx, _ []endpoint.Offer) error {
		_, err := f.owner.Pool().Exec(ctx, "SELECT pg_terminate_backend($1)", tx.Conn().PgConn().PID())
		return err
	}
	if err := broken.Record(t.Context(), in); err == nil {
		t.Error("recorded on a connection that is gone")
	}
	if n := f.written(t); n != 0 {
		t.Errorf("%d rows of a report that was not recorded", n)
	}

	if err := f.app.Record(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if n := f.written(t); n != 1+3+1+1+1+1+3+3+1+1 {
		t.Errorf("%d rows of a report", n)
	}
	if len(*f.enqueued) != 1 {
		t.Errorf("%d confirmations were queued", len(*f.enqueued))
	}
	wantCode(t, f.app.Record(t.Context(), in), "report_out_of_order")
	if n := f.written(t); n != 16 {
		t.Errorf("%d rows after the report came twice", n)
	}
}

// TestAReportFollowsOnTheOneBefore sends reports that do not.
func TestAReportFollowsOnTheOneBefore(t *testing.T) {
	t.Parallel()
	f := newField(t, 1)
	lease, taken := f.taken(t)
	for name, change := range map[string]func(*endpoint.Intake){
		"one is left out":         func(in *endpoint.Intake) { in.Seq++ },
		"the first once more":     func(in *endpoint.Intake) { in.Seq-- },
		"it follows another one":  func(in *endpoint.Intake) { in.Prev[0]++ },
		"nobody knows the prober": func(in *endpoint.Intake) { in.VantageID = uuid.New() },
	} {
		in := f.intake(t, 0, lease, taken, probe.Up, endpoint.SlotUp)
		change(&in)
		if err := f.app.Record(t.Context(), in); !errs.Is(err, "report_out_of_order") && !errs.Is(err, "vantage_not_found") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := f.written(t); n != 0 {
		t.Errorf("%d rows were written", n)
	}
	f.report(t, 0, lease, taken, probe.Up, endpoint.SlotUp)

	// Not even the program could put in what does not follow.
	_, err := f.app.Pool().Exec(t.Context(), "INSERT INTO vantage_report VALUES ($1, 2, sha256('x'), sha256('y'), $2, now())", f.vantages[0].ID, lease)
	if err == nil {
		t.Error("a report that does not follow was put into the chain")
	}
}

// TestAReportIsOnlyAboutItsOwnLease answers offers of another lease, another
// prober, and such as have ended.
func TestAReportIsOnlyAboutItsOwnLease(t *testing.T) {
	t.Parallel()
	f := newField(t, 1)
	lease, taken := f.taken(t)
	other, _ := f.take(t, 1, 10, 10)

	in := f.intake(t, 1, other, taken, probe.Up, endpoint.SlotUp)
	in.Confirm = []endpoint.Offer{{EndpointID: f.endpoints[0], Slot: checkSlot, Attempt: 2}}
	if err := f.app.Record(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	f.report(t, 1, lease, taken, probe.Up, endpoint.SlotUp)
	f.report(t, 0, other, taken, probe.Up, endpoint.SlotUp)
	if n := f.count(t, "SELECT count(*) FROM check_result") + f.count(t, "SELECT count(*) FROM endpoint WHERE last_at IS NOT NULL") + len(*f.enqueued); n != 0 {
		t.Error("another prober's answer was written")
	}
	f.report(t, 0, lease, taken, probe.Up, endpoint.SlotUp)
	f.report(t, 0, lease, taken, probe.Down, endpoint.SlotDown)
	if n := f.count(t, "SELECT count(*) FROM check_result"); n != 1 {
		t.Errorf("%d results of one offer", n)
	}
	e, err := f.app.Endpoint(t.Context(), f.endpoints[0])
	if err != nil || e.LastVerdict != probe.Up || e.FailedSlots != 0 {
		t.Errorf("the second answer counted: %+v, %v", e.Endpoint, err)
	}
}

// TestOneReportSentTwiceAtOnceIsWrittenOnce races it.
func TestOneReportSentTwiceAtOnceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	f := newField(t, 5)
	lease, taken := f.taken(t)
	in := f.intake(t, 0, lease, taken, probe.Up, endpoint.SlotUp)
	var wait sync.WaitGroup
	results := make([]error, 6)
	for i := range results {
		wait.Go(func() { results[i] = f.app.Record(t.Context(), in) })
	}
	wait.Wait()

	written := 0
	for _, err := range results {
		if err == nil {
			written++
		} else {
			wantCode(t, err, "report_out_of_order")
		}
	}
	if n := f.count(t, "SELECT count(*) FROM check_result"); written != 1 || n != 5 {
		t.Errorf("written %d times, %d results", written, n)
	}
}

// TestTwoProbersReportTheSameEndpointsAtOnce would deadlock without an order.
func TestTwoProbersReportTheSameEndpointsAtOnce(t *testing.T) {
	t.Parallel()
	f := newField(t, 20)
	lease0, taken0 := f.taken(t)
	for i := range f.endpoints {
		f.offer(t, i, 1, checkSlot, 2)
	}
	lease1, taken1 := f.take(t, 1, 100, 100)
	in0, in1 := f.intake(t, 0, lease0, taken0, probe.Down, endpoint.SlotOpen), f.intake(t, 1, lease1, taken1, probe.Down, endpoint.SlotDown)
	for i, j := 0, len(in1.Latest)-1; i < j; i, j = i+1, j-1 {
		in1.Latest[i], in1.Latest[j] = in1.Latest[j], in1.Latest[i]
	}
	var wait sync.WaitGroup
	for _, in := range []endpoint.Intake{in0, in1} {
		wait.Go(func() {
			if err := f.app.Record(t.Context(), in); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()

	if n := f.count(t, "SELECT count(*) FROM endpoint WHERE failed_slots = 1 AND last_verdict = 'down' AND last_slot = $1", checkSlot); n != 20 {
		t.Errorf("%d of 20 endpoints have one failed slot", n)
	}
}

func TestFailedSlotsAndTheLatestVerdict(t *testing.T) {
	t.Parallel()
	f := newField(t, 1)
	step := func(i int, verdict probe.Verdict, outcome endpoint.SlotOutcome, failed int) {
		t.Helper()
		slot := checkSlot.Add(time.Duration(i) * 15 * time.Minute)
		f.offer(t, 0, 0, slot, 1)
		f.clock.Advance(slot.Add(time.Minute).Sub(f.clock.Now()))
		lease, taken := f.take(t, 0, 10, 10)
		f.report(t, 0, lease, taken, verdict, outcome)
		plan, err := f.worker.Planned(t.Context(), slot, uuid.Nil, 10)
		if err != nil || len(plan) != 1 || plan[0].FailedSlots != failed || !plan[0].LastSlot.Equal(slot) {
			t.Errorf("step %d: %+v, %v; want %d failed slots", i, plan, err, failed)
		}
	}
	step(0, probe.Down, endpoint.SlotDown, 1)
	step(1, probe.Down, endpoint.SlotOpen, 1)
	step(2, probe.Unknown, endpoint.SlotOpen, 1)
	step(3, probe.Down, endpoint.SlotDown, 2)
	step(4, probe.Up, endpoint.SlotUp, 0)

	// A late report of an earlier check changes no verdict.
	f.offer(t, 0, 0, checkSlot.Add(61*time.Minute), 2)
	f.clock.Advance(5 * time.Minute)
	lease, taken := f.take(t, 0, 10, 10)
	in := f.intake(t, 0, lease, taken, probe.Down, endpoint.SlotOpen)
	in.Attempts[0].Started = checkSlot
	in.Latest[0].At = checkSlot
	if err := f.app.Record(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	e, err := f.app.Endpoint(t.Context(), f.endpoints[0])
	if err != nil || e.LastVerdict != probe.Up || !e.LastAt.After(checkSlot) {
		t.Errorf("an earlier check became the latest: %+v, %v", e.Endpoint, err)
	}
}

func TestAProofThatHoldsProves(t *testing.T) {
	t.Parallel()
	f := newField(t, 2)
	in := f.everything(t)
	failed := in.Proofs[0]
	failed.ID, failed.EndpointID, failed.OfferID, failed.Held, failed.Why = uuid.New(), in.Attempts[1].EndpointID, in.Attempts[1].OfferID, false, "decoy_passed"
	in.Proofs = append(in.Proofs, failed)
	if err := f.app.Record(t.Context(), in); err != nil {
		t.Fatal(err)
	}

	proven, err := f.app.Endpoint(t.Context(), in.Proofs[0].EndpointID)
	if err != nil || proven.Control != control.KindDNS || !proven.ProvenUntil.Equal(in.Proofs[0].ValidUntil) || !proven.ProveAgainAt.Equal(in.Proofs[0].AgainAt) {
		t.Errorf("proven: %+v, %v", proven.Endpoint, err)
	}
	proofs, err := f.app.Proofs(t.Context(), failed.EndpointID)
	if err != nil || len(proofs) != 1 || proofs[0].Held || proofs[0].Why != "decoy_passed" {
		t.Errorf("the proof that failed: %+v, %v", proofs, err)
	}
	v, err := f.app.Vantage(t.Context(), in.VantageID, f.clock.Now())
	if err != nil || v.CanaryGood != 1 || v.CanaryBad != 1 || v.Trusted() {
		t.Errorf("the prober: %+v, %v", v, err)
	}
	hits, err := f.app.Hits(t.Context(), f.application)
	if err != nil || len(hits) != 1 || hits[0].Order != "2971-18" {
		t.Errorf("hits: %+v, %v", hits, err)
	}
	breaches, err := f.worker.CheckBreaches(t.Context(), 10)
	if err != nil || len(breaches) != 0 {
		t.Errorf("breaches: %+v, %v", breaches, err)
	}
}

// TestEveryBreachOfChecksIsNamed seeds each fault.
func TestEveryBreachOfChecksIsNamed(t *testing.T) {
	t.Parallel()
	f := newField(t, 2)
	if err := f.app.Record(t.Context(), f.everything(t)); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]string{
		"c01_one_result": `INSERT INTO check_result SELECT gen_random_uuid(), endpoint_id, vantage_id, kind, mode, place, slot, attempt, started, verdict, stage, failed_at,
			class, ms, record, exit_known, sha256 FROM check_result LIMIT 1`,
		"c02_proven": `UPDATE endpoint SET proven_until = proven_until + interval '1 d' WHERE control IS NOT NULL`,
		"c03_chain":  `UPDATE vantage SET seq = seq + 1 WHERE seq > 0`,
		"c04_gate": `INSERT INTO instalment VALUES (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), sha256(''), '', '', '', 1, now(), now() + interval '1 d', 'held', 'uptime:hold_below', 1,
			now(), now())`,
	} {
		errDone := errors.New("done")
		err := f.owner.Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			for _, sql := range []string{"SET LOCAL session_replication_role = replica", fault} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
			}
			var got string
			if err := tx.QueryRow(ctx, "SELECT coalesce(string_agg(DISTINCT invariant, ' '), 'nothing') FROM check_breach WHERE what <> ''").Scan(&got); err != nil {
				return err
			}
			if got != name {
				t.Errorf("%s: got %s", name, got)
			}
			return errDone
		})
		if !errors.Is(err, errDone) {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
