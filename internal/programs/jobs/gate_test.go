package jobs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// newPayment adds a payable instalment of the rig's application.
func (r *rig) newPayment(t *testing.T) {
	t.Helper()
	r.exec(t, `SET session_replication_role = replica; -- without its decision, which a gate does not look at
		INSERT INTO grants SELECT gen_random_uuid(), a.id, a.fund_id, a.reference, a.designation, 'active', 2000, 1, now() FROM application a;
		INSERT INTO instalment SELECT gen_random_uuid(), g.id, 1, gen_random_uuid(), sha256('d'), 'note', 'script', 'address', 2000, now(), now() + interval '90 d', 'payable', NULL, 1, now(), now() FROM grants g;
		RESET session_replication_role`)
}

// days writes 30 days of marks for every endpoint, the last one yesterday.
func (r *rig) days(t *testing.T, marks string) {
	t.Helper()
	r.exec(t, `SET session_replication_role = replica; DELETE FROM endpoint_day; RESET session_replication_role`)
	r.exec(t, `INSERT INTO endpoint_day SELECT e.id, 'outside', d::date, 900, $1, sha256('x'), 96
		FROM endpoint e, generate_series($2::date - 30, $2::date - 1, interval '1 d') d`, marks, r.clock.Now())
}

func (r *rig) payment(t *testing.T) string {
	t.Helper()
	var s string
	must(t, r.owner.QueryRow(t.Context(), "SELECT concat_ws(' ', state, held_reason, version) FROM instalment").Scan(&s))
	return s
}

// TestAGateHoldsAndLetsGo moves one payment through every answer of its gate.
func TestAGateHoldsAndLetsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.exec(t, "UPDATE endpoint SET checks_from = $1", noon.AddDate(0, 0, -60))
	r.newPayment(t)
	up, half, little := strings.Repeat("u", 96), strings.Repeat("ud", 48), strings.Repeat("u", 70)+strings.Repeat("-", 26)
	look := func(marks, want string) {
		t.Helper()
		r.days(t, marks)
		r.fake.Advance(time.Hour)
		must(t, r.scheduler.Do(t.Context(), "gates"))
		must(t, r.scheduler.Do(t.Context(), "gates")) // once an hour is enough
		if got := r.payment(t); got != want {
			t.Errorf("the payment is %q, want %q", got, want)
		}
		r.noBreach(t)
	}

	look(half, "payable 1") // a fund without a threshold
	if n := r.count(t, "SELECT count(*) FROM uptime_snapshot"); n != 0 {
		t.Errorf("%d snapshots of a gate that is not there", n)
	}
	r.exec(t, "UPDATE check_policy SET min_uptime_permille = 900")
	look(half, "held uptime:hold_below 2")
	look(half, "held uptime:hold_below 2")
	if n := r.count(t, "SELECT count(*) FROM uptime_snapshot"); n != 1 {
		t.Errorf("%d snapshots that say the same", n)
	}
	look(up, "payable 3")
	look(little, "held uptime:hold_coverage 4")
	r.exec(t, "UPDATE check_policy SET min_uptime_permille = 0")
	look(little, "payable 5") // the threshold was taken back
	r.exec(t, "UPDATE check_policy SET require_control = true")
	look(up, "held uptime:hold_unproven 6")
	r.exec(t, "UPDATE instalment SET held_reason = 'a person looks at it'")
	r.exec(t, "UPDATE check_policy SET require_control = false, min_uptime_permille = 900")
	look(up, "held a person looks at it 6")
	r.exec(t, "UPDATE instalment SET state = 'payable', held_reason = NULL")
	r.exec(t, "UPDATE instalment SET state = 'allocated'")
	look(half, "allocated 6") // it is in a batch

	events := r.count(t, "SELECT count(*) FROM event WHERE object_kind = 'instalment'")
	leaves := r.count(t, "SELECT count(*) FROM audit_leaf WHERE object_kind = 'instalment'")
	if events != 5 || leaves != 5 {
		t.Errorf("%d events and %d leaves, want five", events, leaves)
	}
	for _, id := range r.snapshots(t) {
		if _, err := uptime.Verify(id); err != nil {
			t.Error(err)
		}
	}
}

// TestAPaymentThatMovedMeanwhileIsLeftAlone moves it between the look at its gate
// and the answer.
func TestAPaymentThatMovedMeanwhileIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.newPayment(t)
	r.exec(t, "UPDATE check_policy SET min_uptime_permille = 900")
	gate := func(pay bool) {
		t.Helper()
		policy, err := r.worker.Policy(t.Context())
		must(t, err)
		r.fake.Advance(time.Hour)
		list, err := r.worker.Gates(t.Context(), 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d gates, %v", len(list), err)
		}
		if pay {
			policy.MinUptimePermille = 0
			r.exec(t, "UPDATE instalment SET held_reason = 'a person looks at it'")
		} else {
			r.exec(t, "UPDATE instalment SET state = 'allocated'")
		}
		snapshot, decision, err := endpoint.DecideGate(list[0], policy, uuid.New(), r.clock.Now())
		if err != nil || (decision == uptime.Pay) != pay {
			t.Fatalf("decision %s, %v", decision, err)
		}
		e := audit.Entry{Actor: identity.System("gate"), Action: "instalment.moved", ObjectKind: "instalment", ObjectID: list[0].InstalmentID.String(), At: r.clock.Now()}
		must(t, r.worker.Gate(t.Context(), list[0], snapshot, pay, e))
	}

	gate(false)
	if got := r.payment(t); got != "allocated 1" {
		t.Errorf("a payment in a batch became %q", got)
	}
	r.exec(t, "UPDATE instalment SET state = 'payable'")
	r.exec(t, "UPDATE instalment SET state = 'held', held_reason = 'uptime:hold_below'")
	gate(true)
	if got := r.payment(t); got != "held a person looks at it 1" {
		t.Errorf("a payment that a person holds became %q", got)
	}
	if n := r.count(t, "SELECT count(*) FROM event WHERE object_kind = 'instalment'"); n != 0 {
		t.Errorf("%d events of what did not happen", n)
	}
}

func (r *rig) snapshots(t *testing.T) [][]byte {
	t.Helper()
	rows, err := r.owner.Query(t.Context(), "SELECT text FROM uptime_snapshot")
	must(t, err)
	var all [][]byte
	for rows.Next() {
		var text []byte
		must(t, rows.Scan(&text))
		all = append(all, text)
	}
	must(t, rows.Err())
	if len(all) < 4 {
		t.Errorf("%d snapshots", len(all))
	}
	return all
}
