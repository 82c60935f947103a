package audit_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func entry(n int64) audit.Entry {
	return audit.Entry{
		Actor: identity.System("worker"), Action: "batch.confirmed", ObjectKind: "batch",
		ObjectID: fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n), From: "broadcast", To: "confirmed",
		Digest: bytes.Repeat([]byte{byte(n)}, 32), At: start.Add(time.Duration(n) * time.Second),
	}
}

func newSigner(t testing.TB) *audit.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checkpoint-key")
	if _, err := audit.GenerateKeyFile(path, audit.Origin("demo")); err != nil {
		t.Fatal(err)
	}
	s, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// memLog is a store in memory that appends as a database would.
type memLog struct {
	leaves [][]byte
	hashes audit.HashList
	points []audit.StoredCheckpoint
}

var _ audit.Store = (*memLog)(nil)

func (m *memLog) add(t testing.TB, e audit.Entry) audit.Row {
	t.Helper()
	row, err := audit.Append(int64(len(m.leaves)), e, m.hashes)
	if err != nil {
		t.Fatal(err)
	}
	if row.FirstHash != int64(len(m.hashes)) {
		t.Fatalf("row %d: first hash %d, want %d", row.Seq, row.FirstHash, len(m.hashes))
	}
	m.leaves, m.hashes = append(m.leaves, row.Leaf), append(m.hashes, row.Hashes...)
	return row
}

func (m *memLog) AuditSize(context.Context) (int64, error) { return int64(len(m.leaves)), nil }

func (m *memLog) AuditHashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	return m.hashes.ReadHashes(indexes)
}

func (m *memLog) AuditLeaves(_ context.Context, from, limit int64) ([][]byte, error) {
	size := int64(len(m.leaves))
	return m.leaves[min(from, size):min(from+limit, size)], nil
}

func (m *memLog) Checkpoints(context.Context) ([]audit.StoredCheckpoint, error) { return m.points, nil }

func (m *memLog) NewestCheckpoints(_ context.Context, skip, limit int64) ([]audit.StoredCheckpoint, error) {
	newest := slices.Clone(m.points)
	slices.Reverse(newest)
	return newest[min(skip, int64(len(newest))):min(skip+limit, int64(len(newest)))], nil
}

// PutCheckpoint keeps them smallest first, as the store reads them.
func (m *memLog) PutCheckpoint(_ context.Context, c audit.StoredCheckpoint) error {
	if !slices.Contains(m.points, c) {
		m.points = append(m.points, c)
		slices.SortStableFunc(m.points, func(a, b audit.StoredCheckpoint) int { return cmp.Compare(a.Size, b.Size) })
	}
	return nil
}

// build returns a log of size rows with a checkpoint at each of these sizes.
func build(t testing.TB, s *audit.Signer, size int64, checkpoints ...int64) (*memLog, *audit.Log) {
	t.Helper()
	store := &memLog{}
	log := audit.NewLog(store, clock.NewFake(start), s.PublicKey())
	for n := range size {
		store.add(t, entry(n))
		if slices.Contains(checkpoints, n+1) {
			if _, signed, err := log.Checkpoint(t.Context(), s); err != nil || !signed {
				t.Fatalf("checkpoint %d: signed %t, %v", n+1, signed, err)
			}
		}
	}
	return store, log
}

func export(t testing.TB, log *audit.Log) audit.Bundle {
	t.Helper()
	b, err := log.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if !errs.Is(err, errs.Code(code)) {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func TestProofsHoldForTheirRowAndLogOnly(t *testing.T) {
	t.Parallel()
	s, stranger := newSigner(t), newSigner(t)
	_, log := build(t, s, 50, 20, 45)
	proof, err := log.Inclusion(t.Context(), 7)
	if err != nil || proof.Verify(s.PublicKey()) != nil {
		t.Fatalf("%v, %v", err, proof.Verify(s.PublicKey()))
	}
	wantCode(t, proof.Verify(stranger.PublicKey()), "checkpoint_refused")

	altered, moved, shortened := proof, proof, proof
	altered.Leaf = strings.Replace(proof.Leaf, "confirmed", "cancelled", 1)
	moved.Seq = 8
	shortened.Hashes = proof.Hashes[1:]
	for _, bad := range []audit.Inclusion{altered, moved, shortened} {
		wantCode(t, bad.Verify(s.PublicKey()), "audit_broken")
	}
	for _, seq := range []int64{45, 50, 1000} {
		_, err = log.Inclusion(t.Context(), seq)
		wantCode(t, err, "not_covered")
	}

	history, err := log.Consistency(t.Context(), 20)
	if err != nil || history.Verify(s.PublicKey()) != nil {
		t.Fatalf("%v, %v", err, history.Verify(s.PublicKey()))
	}
	history.Hashes[0][0] ^= 1
	wantCode(t, history.Verify(s.PublicKey()), "audit_broken")
	_, err = log.Consistency(t.Context(), 21)
	wantCode(t, err, "no_checkpoint")
}

func TestLeafThatStandsAtAnotherPlaceThanItSaysProvesNothing(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	leaf, err := audit.NewLeaf(5, entry(5))
	if err != nil {
		t.Fatal(err)
	}
	b, err := leaf.Encode()
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := audit.Hashes(0, b, audit.HashList(nil))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(1, hashes[0])
	if err != nil {
		t.Fatal(err)
	}
	proof, err := audit.ProveInclusion(0, b, signed, 1, audit.HashList(hashes))
	if err != nil {
		t.Fatal(err)
	}

	wantCode(t, proof.Verify(s.PublicKey()), "audit_broken")
	proof.Seq = 5
	wantCode(t, proof.Verify(s.PublicKey()), "not_covered")
}

func TestRewrittenHistoryIsNotSigned(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, log := build(t, s, 20, 10)
	store.hashes[tlog.StoredHashIndex(3, 0)][0] ^= 1

	_, signed, err := log.Checkpoint(t.Context(), s)

	wantCode(t, err, "audit_broken")
	if signed || len(store.points) != 1 {
		t.Error("signed nevertheless")
	}
	store.leaves = store.leaves[:9]
	_, _, err = log.Checkpoint(t.Context(), s)
	wantCode(t, err, "audit_broken")
}

func TestCheckpointIsSignedOnceForASize(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, log := build(t, s, 3, 3)
	_, signed, err := log.Checkpoint(t.Context(), s)
	if err != nil || signed || len(store.points) != 1 {
		t.Errorf("signed %t, %d checkpoints, %v", signed, len(store.points), err)
	}
	if _, signed, err := audit.NewLog(&memLog{}, clock.NewFake(start), s.PublicKey()).Checkpoint(t.Context(), s); err != nil || signed {
		t.Errorf("empty log: signed %t, %v", signed, err)
	}
}

func TestCheckpointThatIsNotOneIsRefused(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	good, err := s.Sign(7, tlog.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := audit.OpenCheckpoint(good, s.PublicKey()); err != nil || c.Size != 7 || c.Root != (tlog.Hash{1}) || c.Origin != "causeway/demo" {
		t.Fatalf("%+v, %v", c, err)
	}
	for name, bad := range map[string]string{
		"empty":        "",
		"size changed": strings.Replace(good, "\n7\n", "\n8\n", 1),
		"no signature": good[:strings.Index(good, "\n\n")+2],
		"too long":     good + strings.Repeat("x", 5000),
	} {
		_, err := audit.OpenCheckpoint(bad, s.PublicKey())
		if !errs.Is(err, "checkpoint_refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = audit.OpenCheckpoint(good, "no key")
	wantCode(t, err, "checkpoint_refused")
}

func TestNoteOfAnotherKindIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	skey, vkey, err := note.GenerateKey(rand.Reader, audit.Origin("demo"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.Hash{}.String()
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"checkpoint":      {"causeway/demo\n7\n" + root + "\n", true},
		"extension line":  {"causeway/demo\n7\n" + root + "\nlater\n", true},
		"another log":     {"causeway/other\n7\n" + root + "\n", false},
		"negative size":   {"causeway/demo\n-7\n" + root + "\n", false},
		"size 07":         {"causeway/demo\n07\n" + root + "\n", false},
		"short root":      {"causeway/demo\n7\nAAAA\n", false},
		"no root":         {"causeway/demo\n7\n", false},
		"another message": {"pay 1 BTC to Anna\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := note.Sign(&note.Note{Text: tt.text}, key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := audit.OpenCheckpoint(string(signed), vkey); (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestCheckpointKeyFileIsGuarded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	_, err := audit.LoadSigner(path)
	wantCode(t, err, "key_file_missing")
	if _, err := audit.GenerateKeyFile(path, audit.Origin("demo")); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.GenerateKeyFile(path, audit.Origin("demo")); err == nil {
		t.Error("a key was overwritten")
	}
	s, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); printed != "[key] [key] [key] [key]" {
		t.Errorf("printed as %s", printed)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = audit.LoadSigner(path)
	wantCode(t, err, "key_file_mode")

	private, _, _ := strings.Cut(string(mine), "\n")
	for name, text := range map[string]string{"empty": "", "private only": private + "\n", "another's public": private + "\n" + newSigner(t).PublicKey() + "\n", "not a key": "a b\n"} {
		bad := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.LoadSigner(bad); !errs.Is(err, "key_file_malformed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
