package jobs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

func TestDaysAreRolledUpWhenTheyAreOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	must(t, r.scheduler.Plan(t.Context(), noon))
	for _, q := range r.checks(t) {
		o := q.offer()
		o.Due = noon
		r.offer(t, o)
	}
	if n := r.work(t, probe.Up, endpoint.SlotUp, nil); n != 3 {
		t.Fatalf("%d checks were answered", n)
	}
	days := func() int { return r.count(t, "SELECT count(*) FROM endpoint_day") }

	r.fake.Advance(12*time.Hour + 14*time.Minute)
	must(t, r.scheduler.Do(t.Context(), "roll"))
	if n := days(); n != 0 {
		t.Errorf("%d days while late reports may come", n)
	}
	r.fake.Advance(time.Minute)
	must(t, r.scheduler.Do(t.Context(), "roll"))
	must(t, r.scheduler.Do(t.Context(), "roll"))
	if n := days(); n != 3 {
		t.Errorf("%d days, want one for each endpoint", n)
	}
	r.fake.Advance(72 * time.Hour) // nothing ran for three days
	must(t, r.scheduler.Do(t.Context(), "roll"))
	if n := days(); n != 12 {
		t.Errorf("%d days, want four for each endpoint", n)
	}
	list, err := r.app.Days(t.Context(), r.endpoint(t), vantage.Outside, day, day.AddDate(0, 0, 9))
	must(t, err)
	attempts, err := r.app.Attempts(t.Context(), r.endpoint(t), day, day.AddDate(0, 0, 1), 10)
	must(t, err)
	want := uptime.Evidence([]uptime.Attempt{{Slot: noon, Attempt: 1, Verdict: "up", SHA256: attempts[0].SHA256}})
	if strings.Count(list[0].Marks, "u") != 1 || list[0].Marks[48] != 'u' || list[0].Evidence != want || strings.Trim(list[1].Marks, "-") != "" {
		t.Errorf("days: %+v", list)
	}
}

func TestTablesOfResultsComeAndGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	tables := func() int {
		return r.count(t, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'check_result'::regclass")
	}
	if n := tables(); n != 4 {
		t.Errorf("%d tables, want yesterday to the day after tomorrow", n)
	}
	must(t, r.scheduler.Do(t.Context(), "partitions"))
	r.fake.Advance(24 * time.Hour)
	must(t, r.scheduler.Do(t.Context(), "partitions"))
	if n := tables(); n != 5 {
		t.Errorf("%d tables, want one more the next day", n)
	}

	// The clock of the database decides what is old enough, whatever it is told.
	if _, _, err := r.worker.Partitions(t.Context(), day, day, day.AddDate(100, 0, 0)); err != nil {
		t.Fatal(err)
	}
	kept := r.count(t, `SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'check_result'::regclass AND c.relname < 'check_result_' || to_char(now() - interval '35 d', 'YYYYMMDD')`)
	if kept != 0 {
		t.Errorf("%d tables are older than what is kept", kept)
	}
	r.exec(t, "SELECT check_result_days((now() - interval '37 d')::date, (now() - interval '33 d')::date, 'epoch')")
	before := tables()
	_, dropped, err := r.worker.Partitions(t.Context(), day, day, day.AddDate(100, 0, 0))
	if err != nil || dropped != 2 || tables() != before-2 {
		t.Errorf("dropped %d of four old tables, %v; want the two that are older than 35 days", dropped, err)
	}
}

func TestProofsAreAskedForAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.exec(t, `UPDATE endpoint SET control = 'credential', proven_at = $1::timestamptz, proven_until = $2::timestamptz,
		prove_again_at = CASE position WHEN 3 THEN $2::timestamptz ELSE $1::timestamptz END`,
		noon.Add(-time.Hour), noon.Add(time.Hour))

	must(t, r.scheduler.Do(t.Context(), "reprove"))
	must(t, r.scheduler.Do(t.Context(), "reprove"))

	list := r.checks(t)
	if len(list) != 2 {
		t.Fatalf("%d proofs were asked for, want 2", len(list))
	}
	for _, q := range list {
		if q.Kind != vantage.KindControl || q.Mode != probe.Full || q.Due.After(noon.Add(20*time.Hour)) || q.Due.Before(noon) {
			t.Errorf("asked for %+v", q)
		}
	}
	if list[0].Due.Equal(list[1].Due) {
		t.Error("both are due at one moment")
	}
	r.fake.Advance(24 * time.Hour) // nothing came of it
	must(t, r.scheduler.Do(t.Context(), "reprove"))
	if n := len(r.checks(t)); n != 5 {
		t.Errorf("%d proofs were asked for after a day, want 5", n)
	}
}

func TestRetiredEndpointsAreShredded(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.exec(t, "UPDATE endpoint SET state = 'retired', retired_at = CASE position WHEN 1 THEN $1::timestamptz ELSE $2::timestamptz END WHERE position < 3", noon.AddDate(0, 0, -14).Add(-time.Second), noon.AddDate(0, 0, -14))

	must(t, r.scheduler.Do(t.Context(), "shred"))
	must(t, r.scheduler.Do(t.Context(), "shred"))

	if n := r.count(t, "SELECT count(*) FROM endpoint WHERE spec IS NULL AND position = 1"); n != 1 {
		t.Error("the endpoint that was retired more than 14 days ago can still be read")
	}
	if n := r.count(t, "SELECT count(*) FROM endpoint WHERE spec IS NULL"); n != 1 {
		t.Errorf("%d endpoints were shredded, want 1", n)
	}
}

func TestOldOffersAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.offer(t, r.slotOffer(t, 1))
	r.work(t, probe.Up, endpoint.SlotUp, nil)
	live := r.slotOffer(t, 2)
	live.Until = noon.Add(48 * time.Hour)
	r.offer(t, live)

	r.fake.Advance(3 * time.Hour)
	must(t, r.scheduler.Do(t.Context(), "prune"))
	if n := r.count(t, "SELECT count(*) FROM check_offer"); n != 2 {
		t.Errorf("%d offers after three hours", n)
	}
	r.fake.Advance(time.Hour)
	must(t, r.scheduler.Do(t.Context(), "prune"))
	if n, leases := r.count(t, "SELECT count(*) FROM check_offer"), r.count(t, "SELECT count(*) FROM check_lease"); n != 1 || leases != 0 {
		t.Errorf("%d offers and %d leases are left, want the live one", n, leases)
	}
	if r.offered(t, live.ID) == uuid.Nil {
		t.Error("an offer that waits was forgotten")
	}
}
