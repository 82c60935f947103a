package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var epoch = time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)

func checkpointSigner(t *testing.T) *audit.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := audit.GenerateKeyFile(path, "causeway/test"); err != nil {
		t.Fatal(err)
	}
	s, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entryOf returns an entry about object no n.
func entryOf(n int) audit.Entry {
	return audit.Entry{
		Actor: identity.System("worker"), Action: "batch.built", ObjectKind: "batch", ObjectID: uuid.NewSHA1(uuid.Nil, []byte{byte(n)}).String(),
		From: "approved", To: "built", Detail: map[string]string{"n": fmt.Sprint(n)}, At: epoch,
	}
}

func TestRecordWritesLeafAndEvent(t *testing.T) {
	t.Parallel()
	app := open(t, pgtest.New(t).AppURL)
	staff, object := uuid.New(), uuid.New()
	digest := bytes.Repeat([]byte{0xab}, 32)
	entry := audit.Entry{
		Actor: identity.Actor{Kind: identity.KindStaff, StaffID: staff}, Action: "application.voted", ObjectKind: "application", ObjectID: object.String(),
		To: "ready", Digest: digest, Detail: map[string]string{"verdict": "approve"}, At: epoch,
	}
	bare := audit.Entry{Actor: identity.Operator(object), Action: "application.answered", ObjectKind: "application", ObjectID: object.String(), At: epoch}
	noUUID := audit.Entry{Actor: identity.System("worker"), Action: "chain.seen", ObjectKind: "tx", ObjectID: "c0ffee", At: epoch}

	wantCode(t, app.Record(t.Context(), nil, entry, bare, noUUID), "")

	leaves, err := postgres.AuditStore{DB: app}.AuditLeaves(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for seq, e := range []audit.Entry{entry, bare, noUUID} {
		want, err := audit.NewLeaf(int64(seq), e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audit.ParseLeaf(leaves[seq])
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("leaf %d: %v\n%s", seq, err, diff)
		}
	}
	type event struct {
		Kind, Event, ActorKind string
		Object                 uuid.UUID
		From, To               *string
		ActorID                uuid.NullUUID
		Detail                 map[string]string
		At                     time.Time
	}
	rows, err := app.Pool().Query(t.Context(), `SELECT object_kind, event, actor_kind, object_id, from_state, to_state, actor_id, detail, at FROM event ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		t.Fatal(err)
	}
	ready := "ready"
	want := []event{
		{"application", "application.voted", "staff", object, nil, &ready, uuid.NullUUID{UUID: staff, Valid: true}, map[string]string{"verdict": "approve"}, epoch},
		{"application", "application.answered", "operator", object, nil, nil, uuid.NullUUID{}, map[string]string{}, epoch},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordRefusesAnEntryThatIsNoLeaf(t *testing.T) {
	t.Parallel()
	app := open(t, pgtest.New(t).AppURL)
	bad := entryOf(1)
	bad.Action = "Free words of somebody"

	if err := app.Record(t.Context(), nil, entryOf(0), bad); err == nil {
		t.Error("recorded")
	}
	if size, err := (postgres.AuditStore{DB: app}).AuditSize(t.Context()); size != 0 || err != nil {
		t.Errorf("size %d (%v), want 0: all or nothing", size, err)
	}
}

func TestRolledBackRowLeavesNoGap(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	app, worker := open(t, base.AppURL), open(t, base.WorkerURL)
	refused := errors.New("refused")

	first := app.Record(t.Context(), func() error { return refused }, entryOf(0))
	second := app.Record(t.Context(), nil, entryOf(1))

	if !errors.Is(first, refused) || second != nil {
		t.Fatalf("got %v, %v", first, second)
	}
	verify(t, worker, checkpointSigner(t), 1)
}

// verify signs what d's log holds and verifies an export of it off-line.
func verify(t *testing.T, worker *postgres.DB, signer *audit.Signer, rows int64) {
	t.Helper()
	log := audit.NewLog(postgres.AuditStore{DB: worker}, clock.NewFake(epoch), signer.PublicKey())
	if _, _, err := log.Checkpoint(t.Context(), signer); err != nil {
		t.Fatal(err)
	}
	report, err := export(t, log, signer)
	if err != nil {
		t.Fatal(err)
	}
	if report.Size != rows || report.Rows != rows || report.Uncovered != 0 {
		t.Errorf("got %+v, want %d rows, all covered", report, rows)
	}
}

func export(t *testing.T, log *audit.Log, signer *audit.Signer) (audit.Report, error) {
	t.Helper()
	bundle, err := log.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return audit.VerifyBundle(bytes.NewReader(text), signer.PublicKey())
}

func TestConcurrentRecordsAreGaplessAndVerify(t *testing.T) {
	t.Parallel()
	const writers, times = 6, 15
	base := pgtest.New(t)
	app, worker := open(t, base.AppURL), open(t, base.WorkerURL)
	signer := checkpointSigner(t)
	log := audit.NewLog(postgres.AuditStore{DB: worker}, clock.NewFake(epoch), signer.PublicKey())
	var wg sync.WaitGroup
	failed := make(chan error, writers*times+times)
	for w := range writers {
		d := []*postgres.DB{app, worker}[w%2]
		wg.Go(func() {
			for n := range times {
				failed <- d.Record(t.Context(), nil, entryOf(w), entryOf(n))
			}
		})
	}
	wg.Go(func() { // signs what is there, while it grows
		for range times {
			_, _, err := log.Checkpoint(t.Context(), signer)
			failed <- err
		}
	})
	wg.Wait()
	close(failed)

	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	verify(t, worker, signer, 2*writers*times)
}

func TestProofsFromStoredHashes(t *testing.T) {
	t.Parallel()
	worker := open(t, pgtest.New(t).WorkerURL)
	signer := checkpointSigner(t)
	log := audit.NewLog(postgres.AuditStore{DB: worker}, clock.NewFake(epoch), signer.PublicKey())
	for n := range 21 {
		wantCode(t, worker.Record(t.Context(), nil, entryOf(n)), "")
		if n == 4 {
			if _, _, err := log.Checkpoint(t.Context(), signer); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := log.Checkpoint(t.Context(), signer); err != nil {
		t.Fatal(err)
	}

	for seq := range int64(21) {
		proof, err := log.Inclusion(t.Context(), seq)
		if err == nil {
			err = proof.Verify(signer.PublicKey())
		}
		if err != nil {
			t.Errorf("row %d: %v", seq, err)
		}
	}
	proof, err := log.Consistency(t.Context(), 5)
	if err == nil {
		err = proof.Verify(signer.PublicKey())
	}
	if err != nil {
		t.Errorf("5 rows in 21: %v", err)
	}
}

// TestTamperingByTheOwnerIsFound shows what the triggers cannot prevent.
func TestTamperingByTheOwnerIsFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		want      audit.Finding
	}{
		{"altered", `UPDATE audit_leaf SET leaf = replace(encode(leaf, 'escape'), 'approved', 'composed')::bytea WHERE seq = 3`, audit.Finding{First: 3, Last: 3, What: audit.Altered}},
		{"dropped", `DELETE FROM audit_leaf WHERE seq = 3`, audit.Finding{First: 3, Last: 3, What: audit.Dropped}},
		{"truncated", `DELETE FROM audit_leaf WHERE seq >= 5`, audit.Finding{First: 5, Last: 5, What: audit.Truncated}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base := pgtest.New(t)
			owner := open(t, base.URL)
			signer := checkpointSigner(t)
			log := audit.NewLog(postgres.AuditStore{DB: owner}, clock.NewFake(epoch), signer.PublicKey())
			for n := range 7 {
				wantCode(t, owner.Record(t.Context(), nil, entryOf(n)), "")
			}
			if _, _, err := log.Checkpoint(t.Context(), signer); err != nil {
				t.Fatal(err)
			}

			exec(t, owner, "ALTER TABLE audit_leaf DISABLE TRIGGER USER, DROP CONSTRAINT audit_leaf_spelling")
			exec(t, owner, test.sql)
			report, err := export(t, log, signer)

			wantCode(t, err, "audit_broken")
			if diff := cmp.Diff(&test.want, report.Finding); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuditReads(t *testing.T) {
	t.Parallel()
	app := open(t, pgtest.New(t).AppURL)
	store := postgres.AuditStore{DB: app}
	if size, err := store.AuditSize(t.Context()); size != 0 || err != nil {
		t.Errorf("empty log: size %d, %v", size, err)
	}
	wantCode(t, app.Record(t.Context(), nil, entryOf(0), entryOf(1), entryOf(2)), "")

	size, err := store.AuditSize(t.Context())
	if size != 3 || err != nil {
		t.Errorf("size %d, %v, want 3", size, err)
	}
	for _, test := range []struct{ from, limit, want int64 }{{0, 10, 3}, {0, 2, 2}, {2, 2, 1}, {3, 2, 0}, {0, 0, 0}} {
		leaves, err := store.AuditLeaves(t.Context(), test.from, test.limit)
		if err != nil || int64(len(leaves)) != test.want {
			t.Errorf("leaves from %d, at most %d: %d, %v", test.from, test.limit, len(leaves), err)
		}
		for i, leaf := range leaves {
			if got, err := audit.ParseLeaf(leaf); err != nil || got.Seq != test.from+int64(i) {
				t.Errorf("leaf %d: %+v, %v", i, got, err)
			}
		}
	}
	all, err := store.AuditHashes(t.Context(), []int64{0, 1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	back, err := store.AuditHashes(t.Context(), []int64{3, 0, 3})
	if diff := cmp.Diff([]tlog.Hash{all[3], all[0], all[3]}, back); err != nil || diff != "" {
		t.Errorf("hashes in another order: %v\n%s", err, diff)
	}
	if _, err := store.AuditHashes(t.Context(), []int64{0, 99}); err == nil {
		t.Error("an absent hash is no error")
	}
}

func TestCheckpointsStandBesideOneAnother(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	app, worker := postgres.AuditStore{DB: open(t, base.AppURL)}, postgres.AuditStore{DB: open(t, base.WorkerURL)}
	none, err := app.NewestCheckpoints(t.Context(), 0, 10)
	if len(none) != 0 || err != nil {
		t.Errorf("none yet: %v, %v", none, err)
	}
	seven := audit.StoredCheckpoint{Size: 7, Note: "seven", At: epoch}
	three := audit.StoredCheckpoint{Size: 3, Note: "three", At: epoch.Add(time.Hour)}
	other := audit.StoredCheckpoint{Size: 7, Note: "another seven", At: epoch}

	for _, c := range []audit.StoredCheckpoint{seven, three, other, {Size: 7, Note: "seven", At: epoch.Add(time.Minute)}} {
		wantCode(t, worker.PutCheckpoint(t.Context(), c), "")
	}

	if err := app.PutCheckpoint(t.Context(), audit.StoredCheckpoint{Size: 9, Note: "nine", At: epoch}); err == nil {
		t.Error("causeway_app stored a checkpoint")
	}
	if err := worker.PutCheckpoint(t.Context(), audit.StoredCheckpoint{Size: 9, Note: strings.Repeat("x", 2001), At: epoch}); err == nil {
		t.Error("a note of 2001 bytes was stored")
	}
	all, err := app.Checkpoints(t.Context())
	if diff := cmp.Diff([]audit.StoredCheckpoint{three, seven, other}, all); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	newest, err := app.NewestCheckpoints(t.Context(), 1, 2)
	if diff := cmp.Diff([]audit.StoredCheckpoint{seven, three}, newest); err != nil || diff != "" {
		t.Errorf("newest: %v\n%s", err, diff)
	}
}

// TestForgedRowOfTheWorkersRoleStopsNoCheckpoint writes the rows that a thief of
// role causeway_worker could: the log is signed on and verifies, and the rows are
// named.
func TestForgedRowOfTheWorkersRoleStopsNoCheckpoint(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	worker := open(t, base.WorkerURL)
	signer := checkpointSigner(t)
	log := audit.NewLog(postgres.AuditStore{DB: worker}, clock.NewFake(epoch), signer.PublicKey())
	wantCode(t, worker.Record(t.Context(), nil, entryOf(0), entryOf(1), entryOf(2)), "")
	// One for the place that the next checkpoint takes, one for rows to come.
	exec(t, worker, `INSERT INTO audit_checkpoint (size, note, at) VALUES (3, E'causeway/test\n3\nAAAA\n\n', now()), (1000000, E'causeway/test\n1000000\nAAAA\n\n', now())`)

	verify(t, worker, signer, 3)
	wantCode(t, worker.Record(t.Context(), nil, entryOf(3)), "")
	verify(t, worker, signer, 4)
	report, err := export(t, log, signer)
	if err != nil || len(report.BadCheckpoints) != 2 || report.Checkpoints != 2 {
		t.Errorf("got %+v, %v, want 2 checkpoints and 2 bad ones", report, err)
	}
	if bad, err := log.Examine(t.Context()); err != nil || len(bad) != 2 {
		t.Errorf("examined: %v, %v", bad, err)
	}
}

// TestDatabaseTakesOnlyWhatTheVerifierReads inserts leaves as a thief of either role
// could. One that says another thing than its columns, or that no verifier can read,
// would deceive a reader or stop everybody from verifying for good.
func TestDatabaseTakesOnlyWhatTheVerifierReads(t *testing.T) {
	t.Parallel()
	base := pgtest.New(t)
	worker := open(t, base.WorkerURL)
	leaf, err := audit.NewLeaf(0, entryOf(0))
	if err != nil {
		t.Fatal(err)
	}
	good, err := leaf.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO audit_leaf (seq, at, actor, action, object_kind, object_id, leaf) VALUES (0, $1, $2, $3, $4, $5, $6)`
	columns := []any{epoch, leaf.Actor, leaf.Action, leaf.ObjectKind, leaf.ObjectID, good}
	change := func(at int, v any) []any {
		out := slices.Clone(columns)
		out[at] = v
		return out
	}
	bytesOf := func(old, fresh string) []any { return change(5, bytes.Replace(good, []byte(old), []byte(fresh), 1)) }
	for name, row := range map[string][]any{
		"another time":      change(0, epoch.Add(time.Second)),
		"another actor":     change(1, "system:walker"),
		"another action":    change(2, "batch.approved"),
		"another kind":      change(3, "grant"),
		"another object":    change(4, uuid.NewString()),
		"no JSON":           change(5, []byte("x")),
		"no text":           change(5, []byte{0xff, 0}),
		"nothing":           change(5, []byte{}),
		"another seq":       bytesOf(`"seq":0`, `"seq":1`),
		"a space":           bytesOf(`,`, `, `),
		"one name more":     bytesOf(`"}`, `","x":""}`),
		"a name twice":      bytesOf(`"actor":`, `"action":"batch.built","actor":`),
		"a digest of words": bytesOf(`"digest":""`, `"digest":"abc"`),
		"a state of words":  bytesOf(`"to":"built"`, `"to":"Two words"`),
	} {
		for _, url := range []string{base.AppURL, base.WorkerURL} {
			if _, err := open(t, url).Pool().Exec(t.Context(), insert, row...); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
	}
	// Columns and bytes that agree on what is no leaf.
	quoted := bytes.Replace(good, []byte(`"action":"batch.built"`), []byte(`"action":"batch.built","x":""`), 1)
	if _, err := worker.Pool().Exec(t.Context(), insert, epoch, leaf.Actor, `batch.built","x":"`, leaf.ObjectKind, leaf.ObjectID, quoted); err == nil {
		t.Error("a name inside of a value was taken")
	}
	if _, err := worker.Pool().Exec(t.Context(), insert, columns...); err != nil {
		t.Errorf("the leaf itself: %v", err)
	}
}
