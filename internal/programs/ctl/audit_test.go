package ctl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// rows is an audit log in memory.
type rows struct {
	leaves [][]byte
	hashes audit.HashList
	points []audit.StoredCheckpoint
}

var _ audit.Store = (*rows)(nil)

func (r *rows) AuditSize(context.Context) (int64, error) { return int64(len(r.leaves)), nil }

func (r *rows) AuditHashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	return r.hashes.ReadHashes(indexes)
}

func (r *rows) AuditLeaves(_ context.Context, from, limit int64) ([][]byte, error) {
	size := int64(len(r.leaves))
	return r.leaves[min(from, size):min(from+limit, size)], nil
}

func (r *rows) Checkpoints(context.Context) ([]audit.StoredCheckpoint, error) { return r.points, nil }

func (r *rows) NewestCheckpoints(_ context.Context, skip, limit int64) ([]audit.StoredCheckpoint, error) {
	newest := slices.Clone(r.points)
	slices.Reverse(newest)
	return newest[min(skip, int64(len(newest))):min(skip+limit, int64(len(newest)))], nil
}

func (r *rows) PutCheckpoint(_ context.Context, c audit.StoredCheckpoint) error {
	r.points = append(r.points, c)
	return nil
}

// history is a signed log and the fund that tells it.
type history struct {
	*fund
	signer *audit.Signer
	rows   *rows
	log    *audit.Log
}

func newHistory(t *testing.T) *history {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := audit.GenerateKeyFile(path, audit.Origin("demo")); err != nil {
		t.Fatal(err)
	}
	signer, err := audit.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	h := &history{fund: newFund(t), signer: signer}
	h.restart()
	h.answers["getCheckpoint"] = func(sent) answer {
		c := h.latest()
		return answer{doc: client.Checkpoint{Size: c.Size, Note: c.Note, At: c.At}}
	}
	h.answers["getConsistencyProof"] = func(s sent) answer {
		var from int64
		_, _ = fmt.Sscan(s.query["from"][0], &from)
		p, err := h.log.Consistency(t.Context(), from)
		if err != nil {
			detail := err.Error()
			return answer{status: 404, doc: client.Problem{Type: "/problems/no_checkpoint", Title: "Not found", Status: 404, Detail: &detail}}
		}
		return answer{doc: client.ConsistencyProof{Old: p.Old, New: p.New, Hashes: bytesOf(p.Hashes)}}
	}
	h.answers["getInclusionProof"] = func(s sent) answer { return answer{doc: h.inclusion(s.query["seq"][0])} }
	h.answers["getAuditBundle"] = func(sent) answer { return answer{doc: json.RawMessage(h.bundle(func(*audit.Bundle) {}))} }
	return h
}

// restart forgets the log, as a server does that tells another history.
func (h *history) restart() {
	h.rows = &rows{}
	h.log = audit.NewLog(h.rows, clock.NewFake(at), h.signer.PublicKey())
}

// grow appends n rows of an action and signs a checkpoint.
func (h *history) grow(n int, action string) {
	h.t.Helper()
	for range n {
		seq := int64(len(h.rows.leaves))
		row, err := audit.Append(seq, audit.Entry{
			Actor: identity.System("worker"), Action: action, ObjectKind: "batch", ObjectID: id(byte(seq)).String(),
			From: "mined", To: "paid", At: at.Add(time.Duration(seq) * time.Second),
		}, h.rows.hashes)
		if err != nil {
			h.t.Fatal(err)
		}
		h.rows.leaves, h.rows.hashes = append(h.rows.leaves, row.Leaf), append(h.rows.hashes, row.Hashes...)
	}
	if _, _, err := h.log.Checkpoint(h.t.Context(), h.signer); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) latest() audit.StoredCheckpoint { return h.rows.points[len(h.rows.points)-1] }

func (h *history) inclusion(seq string) client.InclusionProof {
	var n int64
	_, _ = fmt.Sscan(seq, &n)
	p, err := h.log.Inclusion(context.Background(), n)
	if err != nil {
		h.t.Error(err)
	}
	return client.InclusionProof{Seq: p.Seq, Leaf: p.Leaf, Checkpoint: p.Checkpoint, Hashes: bytesOf(p.Hashes)}
}

// bundle returns the exported log after change.
func (h *history) bundle(change func(*audit.Bundle)) string {
	h.t.Helper()
	b, err := h.log.Export(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	change(&b)
	text, err := json.Marshal(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

func bytesOf(list []tlog.Hash) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

func TestVerifyNamesTheBadRow(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.grow(5, "batch.confirmed")
	h.grow(6, "batch.confirmed")
	stranger := newHistory(t).signer.PublicKey()
	for name, tc := range map[string]struct {
		change func(*audit.Bundle)
		says   string
	}{
		"altered":           {func(b *audit.Bundle) { b.Leaves[3] = strings.Replace(b.Leaves[3], "paid", "lost", 1) }, "row 3 is altered"},
		"dropped":           {func(b *audit.Bundle) { b.Leaves = append(b.Leaves[:4], b.Leaves[5:]...) }, "row 4 is dropped"},
		"swapped":           {func(b *audit.Bundle) { b.Leaves[1], b.Leaves[2] = b.Leaves[2], b.Leaves[1] }, "row 1 is swapped"},
		"cut off":           {func(b *audit.Bundle) { b.Leaves = b.Leaves[:9] }, "row 9 is truncated"},
		"no checkpoints":    {func(b *audit.Bundle) { b.Checkpoints = nil }, "no checkpoint"},
		"another checklist": {func(b *audit.Bundle) { b.Checkpoints = []string{"x"} }, "not signed by the given key"},
	} {
		out := h.run(h.bundle(tc.change), "audit", "verify", "--bundle", "-", "--key", h.signer.PublicKey(), "-o", "json").want(t, 5)
		if !strings.Contains(out.stderr, tc.says) {
			t.Errorf("%s: %s", name, out.stderr)
		}
	}
	whole := h.bundle(func(*audit.Bundle) {})
	h.run(whole, "audit", "verify", "--bundle", "-", "--key", stranger).want(t, 5)
	h.run("{}", "audit", "verify", "--bundle", "-", "--key", stranger).want(t, 1)

	forged := h.bundle(func(b *audit.Bundle) { b.Checkpoints[0] = strings.Replace(b.Checkpoints[0], "\n5\n", "\n999\n", 1) })
	passed := h.run(forged, "audit", "verify", "--bundle", "-", "--key", h.signer.PublicKey()).want(t, 0).stdout
	for _, says := range []string{"every row is as it was signed", "Checkpoints that were ignored", `causeway/demo\n999\n`} {
		if !strings.Contains(passed, says) {
			t.Errorf("a forged checkpoint: no %q in\n%s", says, passed)
		}
	}

	keyFile := tempFile(t, h.signer.PublicKey()+"\n")
	file := h.run("", "audit", "verify", "--bundle", tempFile(t, whole), "--key-file", keyFile).want(t, 0)
	server := h.run("", "audit", "verify", "--key-file", keyFile).want(t, 0)
	if file.stdout != server.stdout || !strings.Contains(file.stdout, "every row is as it was signed") {
		t.Errorf("from file: %s\nfrom server: %s", file.stdout, server.stdout)
	}
	if exported := h.run("", "audit", "export").want(t, 0).stdout; exported != whole {
		t.Error("the export is not the server's bundle, byte for byte")
	}
	h.run("", "audit", "verify").want(t, 2)
	h.run("", "audit", "verify", "--key", stranger, "--key-file", keyFile).want(t, 2)
}

func TestKeptCheckpointShowsARewrittenLog(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	key := h.signer.PublicKey()
	h.grow(7, "batch.confirmed")
	kept := tempFile(t, h.run("", "audit", "checkpoint", "--key", key).want(t, 0).stdout)

	h.run("", "audit", "checkpoint", "--key", key, "--known", kept).want(t, 0)
	h.grow(6, "batch.confirmed")
	if got := h.run("", "audit", "checkpoint", "--key", key, "--known", kept).want(t, 0).stdout; got != h.latest().Note {
		t.Errorf("got checkpoint %q, want %q", got, h.latest().Note)
	}
	h.run("", "audit", "verify", "--key", key, "--known", kept).want(t, 0)

	for name, retell := range map[string]func(){
		"cut off":      func() { h.grow(5, "batch.confirmed") },
		"of same size": func() { h.grow(7, "batch.cancelled") },
		"longer":       func() { h.grow(7, "batch.cancelled"); h.grow(4, "batch.confirmed") },
	} {
		h.restart()
		retell()
		if out := h.run("", "audit", "checkpoint", "--key", key, "--known", kept); out.code != 5 || out.stdout != "" {
			t.Errorf("%s: %+v", name, out)
		}
		if out := h.run("", "audit", "verify", "--key", key, "--known", kept); out.code != 5 {
			t.Errorf("%s: %+v", name, out)
		}
	}
	h.run("", "audit", "checkpoint", "--key", newHistory(t).signer.PublicKey()).want(t, 5)
}

// TestServerCannotChooseWhatItProves gives true proofs of something else than
// was asked for.
func TestServerCannotChooseWhatItProves(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	key := h.signer.PublicKey()
	h.grow(7, "batch.confirmed")
	kept := tempFile(t, h.latest().Note)
	h.restart()
	h.grow(3, "batch.cancelled")
	h.grow(8, "batch.cancelled")
	own, err := h.log.Consistency(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	h.on("getConsistencyProof", client.ConsistencyProof{Old: own.Old, New: own.New, Hashes: bytesOf(own.Hashes)})
	h.run("", "audit", "checkpoint", "--key", key, "--known", kept).want(t, 5)

	first := tempFile(t, own.Old)
	h.run("", "audit", "checkpoint", "--key", key, "--known", first).want(t, 0)
	h.grow(2, "batch.cancelled") // and the proof still ends at 11 rows
	h.run("", "audit", "checkpoint", "--key", key, "--known", first).want(t, 5)

	h.on("getInclusionProof", h.inclusion("2"))
	h.run("", "audit", "proof", "--key", key, "3").want(t, 5)
	if out := h.run("", "audit", "proof", "--key", key, "2").want(t, 0); !strings.Contains(out.stdout, "batch.cancelled") {
		t.Errorf("stdout: %s", out.stdout)
	}
	altered := h.inclusion("2")
	altered.Leaf = strings.Replace(altered.Leaf, "cancelled", "confirmed", 1)
	short := h.inclusion("2")
	short.Hashes[0] = short.Hashes[0][:31]
	for _, bad := range []client.InclusionProof{altered, short} {
		h.on("getInclusionProof", bad)
		h.run("", "audit", "proof", "--key", key, "2").want(t, 5)
	}
	h.run("", "audit", "proof", "--key", key, "two").want(t, 2)
}
