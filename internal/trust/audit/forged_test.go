package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// forgeries are rows that whoever may write to the table of checkpoints can add,
// without the key, to a log of 20 rows whose newest checkpoint is genuine.
func forgeries(t *testing.T, genuine audit.StoredCheckpoint) map[string]audit.StoredCheckpoint {
	t.Helper()
	stranger, err := newSigner(t).Sign(genuine.Size, tlog.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]audit.StoredCheckpoint{
		"no note":                      {Size: 999, Note: "x"},
		"of rows to come":              {Size: 999, Note: strings.Replace(genuine.Note, fmt.Sprintf("\n%d\n", genuine.Size), "\n999\n", 1)},
		"as long as the log":           {Size: 20, Note: strings.Replace(genuine.Note, fmt.Sprintf("\n%d\n", genuine.Size), "\n20\n", 1)},
		"by another key":               {Size: genuine.Size, Note: stranger},
		"without its signature":        {Size: genuine.Size, Note: genuine.Note[:strings.Index(genuine.Note, "\n\n")+2]},
		"genuine, and its row is not":  {Size: 999, Note: genuine.Note},
		"genuine, and its row is less": {Size: 1, Note: genuine.Note},
	}
}

// TestForgedCheckpointIsNamedAndPassedOver adds each forgery: checkpoints are
// signed on, the newest valid one counts, and the log verifies.
func TestForgedCheckpointIsNamedAndPassedOver(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, _ := build(t, s, 20, 5, 15)
	for name, forged := range forgeries(t, store.points[1]) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, log := build(t, s, 20, 5, 15)
			noError(t, store.PutCheckpoint(t.Context(), forged))

			if latest, err := log.Latest(t.Context()); err != nil || latest.Size != 15 {
				t.Errorf("the newest is of %d rows, %v", latest.Size, err)
			}
			fresh, signed, err := log.Checkpoint(t.Context(), s)
			if err != nil || !signed || fresh.Size != 20 {
				t.Errorf("signed %t of %d rows, %v", signed, fresh.Size, err)
			}
			proof, err := log.Inclusion(t.Context(), 19)
			if err != nil || proof.Verify(s.PublicKey()) != nil {
				t.Errorf("row 19: %v, %v", err, proof.Verify(s.PublicKey()))
			}
			grown, err := log.Consistency(t.Context(), 15)
			if err != nil || grown.Verify(s.PublicKey()) != nil {
				t.Errorf("15 rows in 20: %v, %v", err, grown.Verify(s.PublicKey()))
			}
			list, err := log.Newest(t.Context(), nil, 10)
			if diff := cmp.Diff([]int64{20, 15, 5}, sizes(list)); err != nil || diff != "" {
				t.Errorf("valid checkpoints: %v\n%s", err, diff)
			}
			before := int64(20)
			if list, err = log.Newest(t.Context(), &before, 1); err != nil || len(list) != 1 || list[0].Size != 15 {
				t.Errorf("before 20 rows: %v, %v", list, err)
			}

			place := 1 + slices.Index(store.points, forged)
			want := []audit.BadCheckpoint{{Place: place, Says: fmt.Sprintf("%.60q", forged.Note)}}
			bad, err := log.Examine(t.Context())
			if diff := cmp.Diff(want, bad); err != nil || diff != "" {
				t.Errorf("examined: %v\n%s", err, diff)
			}
			report, err := export(t, log).Verify(s.PublicKey())
			if err != nil || report.Finding != nil || report.Size != 20 {
				t.Errorf("verified: %+v, %v", report, err)
			}
			if strings.Contains(name, "genuine") {
				want = nil // a bundle has the notes alone, and this one holds
			}
			if diff := cmp.Diff(want, report.BadCheckpoints); diff != "" {
				t.Errorf("named by the verifier:\n%s", diff)
			}
		})
	}
}

// TestManyForgedCheckpointsHideNoValidOne has more of them than are read at a time.
func TestManyForgedCheckpointsHideNoValidOne(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, log := build(t, s, 20, 15)
	for n := range int64(200) {
		noError(t, store.PutCheckpoint(t.Context(), audit.StoredCheckpoint{Size: 1000 + n, Note: "x"}))
	}
	if latest, err := log.Latest(t.Context()); err != nil || latest.Size != 15 {
		t.Errorf("the newest is of %d rows, %v", latest.Size, err)
	}
	if _, signed, err := log.Checkpoint(t.Context(), s); err != nil || !signed {
		t.Errorf("signed %t, %v", signed, err)
	}
}

// TestRollbackBehindAValidCheckpointIsAnAlarm cuts and alters a log behind a
// checkpoint that the key did sign, with a forged row beside it.
func TestRollbackBehindAValidCheckpointIsAnAlarm(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	tests := map[string]struct {
		harm func(m *memLog)
		want audit.Finding
	}{
		"cut off": {func(m *memLog) { m.leaves, m.hashes = m.leaves[:12], m.hashes[:tlog.StoredHashCount(12)] }, audit.Finding{First: 12, Last: 12, What: audit.Truncated}},
		// A root of 15 rows is made of the hashes of rows 0 to 7, 8 to 11, 12 to 13 and 14.
		"altered": {func(m *memLog) { m.hashes[tlog.StoredHashIndex(2, 2)][0] ^= 1 }, audit.Finding{First: 5, Last: 14, What: audit.Altered}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, log := build(t, s, 20, 5, 15)
			noError(t, store.PutCheckpoint(t.Context(), audit.StoredCheckpoint{Size: 3, Note: "x"}))
			tt.harm(store)

			bad, err := log.Examine(t.Context())
			wantCode(t, err, "audit_broken")
			if want := (audit.BadCheckpoint{Place: 1, Says: `"x"`}); len(bad) != 1 || bad[0] != want || !strings.Contains(err.Error(), tt.want.String()) {
				t.Errorf("got %v, %v, want %s", bad, err, tt.want)
			}
			if _, signed, err := log.Checkpoint(t.Context(), s); err == nil || signed {
				t.Errorf("signed over it: %t, %v", signed, err)
			}
		})
	}
	store, log := build(t, s, 20, 5, 15)
	noError(t, store.PutCheckpoint(t.Context(), audit.StoredCheckpoint{Size: 3, Note: "x"}))
	b := export(t, log)
	b.Leaves = b.Leaves[:12]
	report, err := b.Verify(s.PublicKey())
	wantCode(t, err, "audit_broken")
	if report.Finding == nil || *report.Finding != (audit.Finding{First: 12, Last: 12, What: audit.Truncated}) || len(report.BadCheckpoints) != 1 {
		t.Errorf("the verifier: %+v", report)
	}
}

// TestKeptCheckpointHasToHold gives the verifier one that is not the log's: what
// the caller brought is never passed over.
func TestKeptCheckpointHasToHold(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	_, log := build(t, s, 20, 15)
	b := export(t, log)
	_, err := b.Verify(s.PublicKey(), "x")
	wantCode(t, err, "checkpoint_refused")

	kept := b.Checkpoints[0]
	b.Checkpoints = []string{"x"}
	report, err := b.Verify(s.PublicKey())
	wantCode(t, err, "checkpoint_refused")
	if len(report.BadCheckpoints) != 1 {
		t.Errorf("not named: %+v", report)
	}
	if report, err = b.Verify(s.PublicKey(), kept); err != nil || report.Size != 15 || len(report.BadCheckpoints) != 1 {
		t.Errorf("with the kept one: %+v, %v", report, err)
	}
}

func sizes(list []audit.StoredCheckpoint) []int64 {
	out := make([]int64, len(list))
	for i, c := range list {
		out[i] = c.Size
	}
	return out
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
