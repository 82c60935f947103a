package signer_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/trust/authority"
)

// exampleActs is one act of each kind.
func exampleActs() []signer.Act {
	return []signer.Act{
		&signer.CharterAct{Head: signer.Head{Time: 1}, Charter: "charter\n", Signatures: []string{"s", "t"}},
		&signer.HaltAct{Head: signer.Head{Time: 2}, Note: "halt\n", Envelope: "{}", Person: "p"},
		&signer.ResumeAct{Head: signer.Head{Time: 3}, Note: "resume\n", Envelopes: []string{"{}"}},
		&signer.HistoryAct{Head: signer.Head{Time: 4}, Note: "history\n", Envelopes: []string{"{}"}},
		&signer.HostHaltAct{Head: signer.Head{Time: 5}, On: true},
		&signer.CharterAct{Head: signer.Head{Time: 6}, Charter: "charter\n", Pinned: true},
		&signer.DecisionAct{
			Head: signer.Head{Time: 7}, Note: "decision\n", Envelopes: []string{"{}"},
			Quorums: []signer.Quorum{{Reviewers: 1, ByTerminal: 1, By: []authority.Reviewer{{Terminal: true}, {}}}},
		},
	}
}

// writeActs returns a journal of a transaction, one act of each kind and another transaction.
func writeActs(t *testing.T) (path, text string) {
	t.Helper()
	path, _ = writeJournal(t, 1)
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range exampleActs() {
		if err := j.Take(a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Append(exampleRecord(1)); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, readText(t, path)
}

func TestActsAndTransactionsShareOneChain(t *testing.T) {
	t.Parallel()
	path, text := writeActs(t)
	j, err := signer.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if j.Count() != 9 || len(j.Records()) != 2 || j.Records()[1].Seq != 9 {
		t.Errorf("%d lines, %d records", j.Count(), len(j.Records()))
	}
	lines, err := j.Lines(0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	again := ""
	for _, l := range lines {
		again += string(l) + "\n"
	}
	if again != text {
		t.Errorf("the lines came back as %q", again)
	}
}

// Whatever byte of a line is changed, of any kind, nothing opens: neither where the line
// stands, nor as the only line of a journal, whose chain shows nothing.
func TestEachByteOfEachKindOfLineCounts(t *testing.T) {
	t.Parallel()
	_, text := writeActs(t)
	checkpoint := ""
	changed := 0
	dir := t.TempDir()
	opens := func(text string) bool {
		path := filepath.Join(dir, "journal")
		writeText(t, path, text)
		if checkpoint != "" {
			writeText(t, path+".checkpoint", checkpoint)
		}
		_, err := signer.ReadJournal(path)
		if err != nil && !errors.Is(err, signer.ErrCorrupt) {
			t.Fatal(err)
		}
		return err == nil
	}
	path, _ := writeActs(t)
	checkpoint = readText(t, path+".checkpoint")
	for i := range text {
		bad := []byte(text)
		bad[i] ^= 1
		if opens(string(bad)) {
			t.Errorf("byte %d changed to %q: opened", i, bad[i])
		}
		changed++
	}
	t.Logf("%d changed bytes, none opened", changed)
}

func TestForgedActsAreRefused(t *testing.T) {
	t.Parallel()
	for _, a := range exampleActs() {
		path := filepath.Join(t.TempDir(), "journal")
		if err := signer.CreateJournal(path); err != nil {
			t.Fatal(err)
		}
		j, err := signer.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Take(a), j.Close()); err != nil {
			t.Fatal(err)
		}
		good := readText(t, path)
		for name, bad := range map[string]string{
			"earlier version": strings.Replace(good, `"v":3`, `"v":2`, 1),
			"later version":   strings.Replace(good, `"v":3`, `"v":4`, 1),
			"unknown kind":    strings.Replace(good, `"kind":"`, `"kind":"x`, 1),
			"another kind":    strings.Replace(good, `"kind":"`, `"kind":"host_halt","x":"`, 1),
			"unknown field":   strings.Replace(good, "}\n", `,"x":1}`+"\n", 1),
			"field twice":     strings.Replace(good, `{"v":3`, `{"v":3,"v":3`, 1),
			"space":           strings.Replace(good, `{"v"`, `{ "v"`, 1),
			"no time":         strings.Replace(good, `"time":`, `"tide":`, 1),
			"another number":  strings.Replace(good, `"seq":1`, `"seq":2`, 1),
			"empty":           strings.ReplaceAll(good, `\n"`, `"`)[:strings.Index(good, `"kind"`)] + fmt.Sprintf(`"kind":%q}`, kind(good)) + "\n",
		} {
			path := filepath.Join(t.TempDir(), "journal")
			writeText(t, path, bad)
			if _, err := signer.ReadJournal(path); bad == good || !errors.Is(err, signer.ErrCorrupt) {
				t.Errorf("%s %s: got %v, want ErrCorrupt", kind(good), name, err)
			}
		}
	}
}

func kind(line string) string {
	_, rest, _ := strings.Cut(line, `"kind":"`)
	kind, _, _ := strings.Cut(rest, `"`)
	return kind
}

// The person on the host stops everything but what takes a batch back.
func TestHostHaltStopsAllButVoids(t *testing.T) {
	t.Parallel()
	key, path := newKey(t, wallet.KindWPKH), filepath.Join(t.TempDir(), "journal")
	s := newSigner(t, key, path, fakeClock())
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second changes nothing
		if err := s.HostHalt(true); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Info().JournalRecords; got != 2 {
		t.Errorf("%d lines, want 2", got)
	}
	if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "host_halted") {
		t.Errorf("a repeat: got %v, want host_halted", err)
	}
	if _, err := s.Sign(t.Context(), newUpkeep(t, key, "split", 2).request(t)); !errs.Is(err, "host_halted") {
		t.Errorf("upkeep: got %v, want host_halted", err)
	}
	void := voidOf(t, key)
	void.attempt, void.fee = 1, 6000
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Errorf("a void: %v", err)
	}
	if err := s.HostHalt(false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Errorf("once lifted: %v", err)
	}
}

func TestAClockBehindTheJournalStopsTheSigner(t *testing.T) {
	t.Parallel()
	key, path := newKey(t, wallet.KindWPKH), filepath.Join(t.TempDir(), "journal")
	clk := fakeClock()
	s := newSigner(t, key, path, clk)
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	clk.Advance(-time.Second)
	if _, err := s.Sign(t.Context(), d.request(t)); !errs.Is(err, "clock_back") {
		t.Errorf("got %v, want clock_back", err)
	}
	if err := s.HostHalt(true); !errs.Is(err, "clock_back") {
		t.Errorf("a halt: got %v, want clock_back", err)
	}
	clk.Advance(time.Second)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Error(err)
	}
}
