package grant_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// logged is what the log says, in its order.
func (w *world) logged(t *testing.T) []audit.Leaf {
	t.Helper()
	rows, err := w.owner.Pool().Query(t.Context(), "SELECT leaf FROM audit_leaf ORDER BY seq")
	noError(t, err)
	defer rows.Close()
	var list []audit.Leaf
	for rows.Next() {
		var raw []byte
		noError(t, rows.Scan(&raw))
		leaf, err := audit.ParseLeaf(raw)
		noError(t, err)
		list = append(list, leaf)
	}
	noError(t, rows.Err())
	return list
}

func (w *world) breaches(t *testing.T) []string {
	t.Helper()
	found, err := postgres.PayoutStore{DB: w.owner}.Breaches(t.Context(), 100)
	noError(t, err)
	var list []string
	for _, b := range found {
		list = append(list, b.Invariant+": "+b.What)
	}
	return list
}

// TestASubmissionWaitsForNobodysLeaf submits while another transaction appends to the log
// and does not end.
func TestASubmissionWaitsForNobodysLeaf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx, err := w.owner.Pool().Begin(t.Context())
	noError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7305812, 2)")
	noError(t, err)

	w.file(t, 1)
	w.file(t, 2)

	if got := w.number(t, "SELECT count(*) FROM audit_waiting"); got != 2 {
		t.Errorf("%d submissions wait, want 2", got)
	}
	if found := w.breaches(t); found != nil {
		t.Errorf("waiting is no breach: %q", found)
	}
	noError(t, tx.Rollback(t.Context()))
	size, err := postgres.AuditStore{DB: w.app}.AuditSize(t.Context())
	if err != nil || size != 2 {
		t.Errorf("whoever reads the log finds %d leaves (%v), want 2", size, err)
	}
}

// TestLeavesComeInTheOrderOfHistory submits, votes and reads at once, and signs
// checkpoints meanwhile.
func TestLeavesComeInTheOrderOfHistory(t *testing.T) {
	t.Parallel()
	const n = 24
	w := newWorld(t)
	worker := open(t, w.base.WorkerURL)
	file := filepath.Join(t.TempDir(), "key")
	_, err := audit.GenerateKeyFile(file, audit.Origin(w.fund.ID.String()))
	noError(t, err)
	signer, err := audit.LoadSigner(file)
	noError(t, err)
	log := audit.NewLog(postgres.AuditStore{DB: worker}, clock.Real{}, signer.PublicKey())
	codes := together(n, func(i int) error {
		if i%8 == 7 {
			if _, _, err := log.Checkpoint(t.Context(), signer); err != nil {
				return err
			}
		}
		receipt, err := w.Submit(t.Context(), key(i), proposal(t, i))
		if err != nil {
			return err
		}
		status, err := w.Status(t.Context(), receipt.Code)
		if err != nil || i%2 == 0 {
			return err
		}
		return w.vote(t.Context(), w.reviewers[i%3], status.Application.ID, grant.VerdictApprove)
	})
	if diff := cmp.Diff(map[string]int{"": n}, tally(codes)); diff != "" {
		t.Fatal(diff)
	}

	_, _, err = log.Checkpoint(t.Context(), signer)
	noError(t, err)
	bundle, err := log.Export(t.Context())
	noError(t, err)
	text, err := json.Marshal(bundle)
	noError(t, err)
	report, err := audit.VerifyBundle(bytes.NewReader(text), signer.PublicKey())
	if err != nil || report.Uncovered != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	submitted := map[string]bool{}
	for _, leaf := range w.logged(t) {
		if leaf.ObjectKind != "application" {
			continue
		}
		if first := leaf.Action == "application.submitted"; first == submitted[leaf.ObjectID] {
			t.Errorf("leaf %d is %s of %s", leaf.Seq, leaf.Action, leaf.ObjectID)
		}
		submitted[leaf.ObjectID] = true
	}
	if len(submitted) != n || w.number(t, "SELECT count(*) FROM audit_waiting") != 0 {
		t.Errorf("the log knows %d of %d submissions", len(submitted), n)
	}
	if found := w.breaches(t); found != nil {
		t.Errorf("%q", found)
	}
}

// TestManyLeavesThatWaitAreAppended has more wait than one round takes.
func TestManyLeavesThatWaitAreAppended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.file(t, 1)
	w.exec(t, `INSERT INTO audit_waiting (at, actor, action, object_kind, object_id, digest, from_state, to_state)
		SELECT at, actor, action, object_kind, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, digest, from_state, to_state
		FROM audit_waiting, generate_series(1, 2500) n ORDER BY n`)

	noError(t, w.vote(t.Context(), w.reviewers[0], f.id, grant.VerdictApprove))

	all := w.logged(t)
	ids := make([]string, 0, len(all))
	for _, leaf := range all[1 : len(all)-1] {
		ids = append(ids, leaf.ObjectID)
	}
	if all[0].ObjectID != f.id.String() || all[len(all)-1].Action != "application.voted_approve" || len(ids) < 2500 || !slices.IsSorted(ids[:2500]) {
		t.Errorf("%d leaves, from %+v to %+v", len(all), all[0], all[len(all)-1])
	}
	for _, found := range w.breaches(t) {
		if !strings.Contains(found, "has 0 changes and 1 leaves") { // of the made-up ones
			t.Error(found)
		}
	}
}

// TestWhatWaitsCannotGetLost takes a leaf that waits away, lets one wait for long, and
// puts in what could never be a leaf.
func TestWhatWaitsCannotGetLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.file(t, 1), w.file(t, 2)
	w.exec(t, "DELETE FROM audit_waiting WHERE object_id = $1", a.id)
	w.exec(t, "UPDATE audit_waiting SET waits_since = '2026-01-02 03:04:05Z'")

	want := []string{
		"i15_audit: application " + a.id.String() + " has 1 changes and 0 leaves",
		"i15_audit: application " + b.id.String() + " has waited for its leaf in the audit log since 2026-01-02 03:04 UTC",
	}
	if diff := cmp.Diff(want, w.breaches(t)); diff != "" {
		t.Error(diff)
	}
	for what, set := range map[string]string{
		"another action": "action = 'application.approved'", "another object": "object_kind = 'batch'", "another actor": "actor = 'staff:' || object_id",
		"words": "actor = 'somebody'", "a state": "from_state = 'ready'", "another state": "to_state = 'approved'", "half a digest": `digest = '\x00'`,
	} {
		if _, err := w.owner.Pool().Exec(t.Context(), "UPDATE audit_waiting SET "+set); err == nil || !strings.Contains(err.Error(), "audit_waiting_spelling") {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.clock.Advance(time.Minute)
	noError(t, w.vote(t.Context(), w.reviewers[0], b.id, grant.VerdictApprove))
	if diff := cmp.Diff(want[:1], w.breaches(t)); diff != "" {
		t.Error(diff)
	}
}
