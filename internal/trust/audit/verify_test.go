package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestHonestLogVerifies(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for _, size := range []int64{1, 2, 3, 7, 8, 9, 100} {
		store, log := build(t, s, size, 1, size/2, size)
		store.add(t, entry(size)) // not yet covered
		b := export(t, log)
		for seq := range size {
			proof, err := log.Inclusion(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			b.Inclusion = append(b.Inclusion, proof)
		}
		text, err := json.MarshalIndent(b, "", "  ")
		if err != nil {
			t.Fatal(err)
		}

		report, err := audit.VerifyBundle(bytes.NewReader(text), s.PublicKey())

		if err != nil || report.Size != size || report.Rows != size+1 || report.Uncovered != 1 || report.Proofs != int(size) || report.Origin != "causeway/demo" {
			t.Errorf("size %d: %+v, %v", size, report, err)
		}
	}
}

// TestTamperedLogIsFoundAndTheRowNamed works on 10,000 rows: those at the edges
// of subtrees and checkpoints, and some at random.
func TestTamperedLogIsFoundAndTheRowNamed(t *testing.T) {
	t.Parallel()
	const size = 10_000
	s := newSigner(t)
	_, log := build(t, s, size, 1000, 4096, 7777, size)
	honest := export(t, log)
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	rows := []int64{0, 999, 1000, 4096, size - 2, rng.Int64N(size - 1), rng.Int64N(size - 1)}
	tamper := map[audit.Fault]func(leaves []string, at, other int64) []string{
		audit.Dropped:   func(leaves []string, at, _ int64) []string { return slices.Delete(leaves, int(at), int(at)+1) },
		audit.Truncated: func(leaves []string, at, _ int64) []string { return leaves[:at] },
		audit.Altered: func(leaves []string, at, _ int64) []string {
			leaves[at] = strings.Replace(leaves[at], "system:worker", "system:walker", 1)
			return leaves
		},
		audit.Swapped: func(leaves []string, at, other int64) []string {
			leaves[at], leaves[other] = leaves[other], leaves[at]
			return leaves
		},
	}
	for fault, do := range tamper {
		for _, at := range rows {
			other := at + 1 + rng.Int64N(size-1-at)
			want := audit.Finding{First: at, Last: at, What: fault}
			b := honest
			b.Leaves = do(slices.Clone(honest.Leaves), at, other)

			report, err := b.Verify(s.PublicKey())

			if !errs.Is(err, "audit_broken") || report.Finding == nil || *report.Finding != want {
				t.Errorf("%s row %d (other row %d): got %+v, %v", fault, at, other, report.Finding, err)
			}
		}
	}
}

// TestRenumberedLogIsFound has a tamperer who also rewrites the numbers, so that
// only the hashes tell.
func TestRenumberedLogIsFound(t *testing.T) {
	t.Parallel()
	const size = 300
	s := newSigner(t)
	_, log := build(t, s, size, 100, size)
	honest := export(t, log)

	rapid.Check(t, func(r *rapid.T) {
		at := rapid.Int64Range(0, size-2).Draw(r, "row")
		b := honest
		b.Leaves = slices.Delete(slices.Clone(honest.Leaves), int(at), int(at)+1)
		for i := at; i < int64(len(b.Leaves)); i++ {
			b.Leaves[i] = strings.Replace(b.Leaves[i], fmt.Sprintf(`"seq":%d,`, i+1), fmt.Sprintf(`"seq":%d,`, i), 1)
		}

		report, err := b.Verify(s.PublicKey())

		if !errs.Is(err, "audit_broken") || report.Finding == nil || report.Finding.First != at || report.Finding.Last != at {
			r.Fatalf("got %+v, %v, want row %d", report.Finding, err, at)
		}
	})
}

// TestRowIsNarrowedDownAsFarAsTheHashesGo takes the stored hashes away or has
// the tamperer rewrite them too.
func TestRowIsNarrowedDownAsFarAsTheHashesGo(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, log := build(t, s, 64, 16, 48, 64)
	alter := func(b audit.Bundle) audit.Bundle {
		b.Leaves, b.Hashes = slices.Clone(b.Leaves), slices.Clone(b.Hashes)
		b.Leaves[20] = strings.Replace(b.Leaves[20], "system:worker", "system:walker", 1)
		return b
	}
	forged := &memLog{}
	for n := range store.leaves {
		e := entry(int64(n))
		if n == 20 {
			e.Actor = identity.System("walker")
		}
		forged.add(t, e)
	}
	noHashes, leafHash, allHashes := alter(export(t, log)), alter(export(t, log)), alter(export(t, log))
	noHashes.Hashes = nil
	leafHash.Hashes[tlog.StoredHashIndex(0, 20)] = tlog.RecordHash([]byte(leafHash.Leaves[20]))
	allHashes.Hashes = forged.hashes
	cut := export(t, log)
	cut.Leaves, cut.Hashes = cut.Leaves[:50], forged.hashes

	tests := map[string]struct {
		bundle audit.Bundle
		want   audit.Finding
	}{
		"no hashes":         {noHashes, audit.Finding{First: 16, Last: 47, What: audit.Altered}},
		"leaf hash forged":  {leafHash, audit.Finding{First: 20, Last: 21, What: audit.Altered}},
		"cut, other hashes": {cut, audit.Finding{First: 50, Last: 50, What: audit.Truncated}},
		"whole log forged":  {allHashes, audit.Finding{First: 16, Last: 47, What: audit.Altered}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := tt.bundle.Verify(s.PublicKey())
			if !errs.Is(err, "audit_broken") || report.Finding == nil || *report.Finding != tt.want {
				t.Errorf("got %+v, %v, want %s", report.Finding, err, tt.want)
			}
		})
	}
}

func TestCheckpointKeptElsewhereShowsACutOrAFork(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	store, log := build(t, s, 64, 16, 64)
	kept := store.points[1].Note

	cut := export(t, log)
	cut.Leaves, cut.Hashes, cut.Checkpoints = cut.Leaves[:16], cut.Hashes[:tlog.StoredHashCount(16)], cut.Checkpoints[:1]
	if _, err := cut.Verify(s.PublicKey()); err != nil {
		t.Errorf("a log cut off with its checkpoints cannot be told from a young one: %v", err)
	}
	report, err := cut.Verify(s.PublicKey(), kept)
	if !errs.Is(err, "audit_broken") || *report.Finding != (audit.Finding{First: 16, Last: 16, What: audit.Truncated}) {
		t.Errorf("cut: %+v, %v", report.Finding, err)
	}

	forged := &memLog{}
	for n := range int64(64) {
		e := entry(n)
		e.Actor = identity.System("walker")
		forged.add(t, e)
	}
	other := audit.NewLog(forged, clock.NewFake(start), s.PublicKey())
	if _, _, err := other.Checkpoint(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	report, err = export(t, other).Verify(s.PublicKey(), kept)
	if !errs.Is(err, "audit_broken") || report.Finding.What != audit.Forked {
		t.Errorf("fork: %+v, %v", report.Finding, err)
	}
}

func TestStretchVerifiesThroughTheHashes(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	_, log := build(t, s, 50, 45)
	b := export(t, log)
	b.From, b.Leaves = 20, slices.Clone(b.Leaves[20:])

	if report, err := b.Verify(s.PublicKey()); err != nil || report.Rows != 30 || report.Uncovered != 5 {
		t.Errorf("honest: %+v, %v", report, err)
	}
	b.Leaves[4] = strings.Replace(b.Leaves[4], "system:worker", "system:walker", 1)
	report, err := b.Verify(s.PublicKey())
	if !errs.Is(err, "audit_broken") || *report.Finding != (audit.Finding{First: 24, Last: 24, What: audit.Altered}) {
		t.Errorf("altered: %+v, %v", report.Finding, err)
	}
	b.Hashes = nil
	if _, err := b.Verify(s.PublicKey()); err == nil {
		t.Error("a stretch without hashes proves nothing and was accepted")
	}
}

func TestBundleThatIsNotOneIsRefused(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for _, text := range []string{"", "{}", "[]", `{"format":"causeway/audit-bundle/v2"}`, `{"format":"causeway/audit-bundle/v1","from":-1}`, `{"format":"causeway/audit-bundle/v1","extra":1}`, `{"format":"causeway/audit-bundle/v1"} {}`} {
		_, err := audit.VerifyBundle(strings.NewReader(text), s.PublicKey())
		if !errs.Is(err, "bundle_malformed") {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := audit.VerifyBundle(strings.NewReader(`{"format":"causeway/audit-bundle/v1","checkpoints":[],"from":0,"leaves":[]}`), s.PublicKey())
	wantCode(t, err, "checkpoint_refused")
}

func FuzzVerifyBundle(f *testing.F) {
	s := newSigner(f)
	_, log := build(f, s, 5, 3, 5)
	b := export(f, log)
	proof, err := log.Inclusion(f.Context(), 2)
	if err != nil {
		f.Fatal(err)
	}
	b.Inclusion = []audit.Inclusion{proof}
	good, err := json.Marshal(b)
	if err != nil {
		f.Fatal(err)
	}
	b.From, b.Leaves = 2, b.Leaves[2:]
	part, err := json.Marshal(b)
	if err != nil {
		f.Fatal(err)
	}
	honest := map[string]bool{}
	for _, leaf := range export(f, log).Leaves {
		honest[leaf] = true
	}
	f.Add(good)
	f.Add(part)
	f.Add([]byte(`{"format":"causeway/audit-bundle/v1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := audit.VerifyBundle(bytes.NewReader(text), s.PublicKey())
		if err != nil {
			return
		}
		var b audit.Bundle
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatalf("verified what is no JSON: %v", err)
		}
		for i, leaf := range b.Leaves {
			if b.From+int64(i) < report.Size && !honest[leaf] {
				t.Fatalf("vouched for %s", leaf)
			}
		}
	})
}
