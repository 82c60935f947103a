package signer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/signer/signer"
)

func exampleRecord(i int) signer.Record {
	return signer.Record{
		Kind: signer.KindPay, Note: "n", Batch: fmt.Sprint(i), TxID: fmt.Sprint("tx", i), Inputs: []string{"in:0"},
		Outs: []signer.Output{{Script: "00", Sat: int64(i), Decision: "d", Period: i + 1, Note: "n"}},
	}
}

// writeJournal returns the path of a journal of n records, and its text.
func writeJournal(t *testing.T, n int) (path, text string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := j.Append(exampleRecord(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, readText(t, path)
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestJournalIsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	path, text := writeJournal(t, 3)
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if got := len(j.Records()); got != 3 || strings.Count(text, "\n") != 3 {
		t.Fatalf("%d records in %q", got, text)
	}
	for i, r := range j.Records() {
		want := exampleRecord(i)
		want.V, want.Seq, want.Prev = 3, int64(i)+1, r.Prev
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if _, err := signer.OpenJournal(path); !errors.Is(err, signer.ErrLocked) {
		t.Errorf("second opening: got %v, want ErrLocked", err)
	}
}

func TestAJournalThatWasOnlyReadTakesNoRecord(t *testing.T) {
	t.Parallel()
	path, text := writeJournal(t, 1)
	j, err := signer.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(exampleRecord(1)); err == nil || readText(t, path) != text {
		t.Error("a record was appended")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenNeverCreatesAJournal(t *testing.T) {
	t.Parallel()
	if _, err := signer.OpenJournal(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestCreateKeepsAJournalWithRecords(t *testing.T) {
	t.Parallel()
	path, text := writeJournal(t, 1)
	if err := signer.CreateJournal(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v, want ErrExist", err)
	}
	if got := readText(t, path); got != text {
		t.Error("the journal was changed")
	}
}

// A write that was cut short at any byte is taken away, and the journal goes on
// from the line before. When only the line feed is missing the record is kept.
func TestTornLastLineIsRemoved(t *testing.T) {
	t.Parallel()
	_, before := writeJournal(t, 2)
	path, text := writeJournal(t, 3)
	for cut := len(before) + 1; cut < len(text); cut++ {
		// The checkpoint is written after the line, so it names line 2.
		torn := filepath.Join(t.TempDir(), "journal")
		copyCheckpoint(t, path, torn, 2, text)
		writeText(t, torn, text[:cut])
		want, records := before, 2
		if cut == len(text)-1 {
			want, records = text, 3
		}

		j, err := signer.OpenJournal(torn)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if got := readText(t, torn); got != want || len(j.Records()) != records {
			t.Fatalf("cut at %d: %d records in %q", cut, len(j.Records()), got)
		}
	}
}

// copyCheckpoint writes the checkpoint of the first n lines of text for the
// journal at to.
func copyCheckpoint(t *testing.T, from, to string, n int, text string) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	fields := strings.Fields(readText(t, from+".checkpoint"))
	_, rest, _ := strings.Cut(lines[n], `"prev":"`)
	prev, _, _ := strings.Cut(rest, `"`)
	writeText(t, to+".checkpoint", fmt.Sprintf("%s %d %s\n", fields[0], n, prev))
}

func TestDamagedJournalIsRefused(t *testing.T) {
	t.Parallel()
	path, text := writeJournal(t, 3)
	checkpoint := readText(t, path+".checkpoint")
	lines := strings.SplitAfter(text, "\n")
	for name, damage := range map[string]string{
		"a digit changed":             strings.Replace(text, `"sat":1`, `"sat":7`, 1),
		"a digit of the last line":    strings.Replace(text, `"sat":2`, `"sat":7`, 1),
		"first line removed":          lines[1] + lines[2],
		"middle line removed":         lines[0] + lines[2],
		"lines swapped":               lines[1] + lines[0] + lines[2],
		"line twice":                  text + lines[2],
		"last line removed":           lines[0] + lines[1],
		"emptied":                     "",
		"last line feed overwritten":  strings.TrimSuffix(text, "\n") + "x",
		"spaces":                      strings.Replace(text, `"v":3,`, `"v": 3,`, 1),
		"earlier version":             strings.Replace(text, `"v":3`, `"v":2`, 1),
		"later version":               strings.Replace(text, `"v":3`, `"v":4`, 1),
		"unknown field":               strings.Replace(text, `"v":3`, `"v":3,"x":1`, 1),
		"empty line":                  text + "\n",
		"torn after the checkpoint":   text[:len(text)-5],
		"zeros in place of last line": lines[0] + lines[1] + strings.Repeat("\x00", 50) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if damage == text {
				t.Fatal("the case changes nothing")
			}
			path := filepath.Join(t.TempDir(), "journal")
			writeText(t, path, damage)
			writeText(t, path+".checkpoint", checkpoint)
			if _, err := signer.OpenJournal(path); !errors.Is(err, signer.ErrCorrupt) {
				t.Errorf("got %v, want ErrCorrupt", err)
			}
			if _, err := signer.ReadJournal(path); !errors.Is(err, signer.ErrCorrupt) {
				t.Errorf("ReadJournal: got %v, want ErrCorrupt", err)
			}
			if got := readText(t, path); got != damage {
				t.Error("the damaged journal was changed")
			}
		})
	}
}

// One line without a checkpoint is what a crash between the two leaves. Neither
// the chain nor the checkpoint shows a forged one; its form must.
func TestForgedSingleLineIsRefused(t *testing.T) {
	t.Parallel()
	_, text := writeJournal(t, 1)
	for name, line := range map[string]string{
		"earlier version": strings.Replace(text, `"v":3`, `"v":2`, 1),
		"later version":   strings.Replace(text, `"v":3`, `"v":4`, 1),
		"no version":      strings.Replace(text, `"v":3`, `"v":0`, 1),
		"no kind":         strings.Replace(text, `,"kind":"pay"`, ``, 1),
		"another kind":    strings.Replace(text, `"kind":"pay"`, `"kind":"burn"`, 1),
		"void, no note":   strings.Replace(text, `"kind":"pay"`, `"kind":"void"`, 1),
		"pay, void note":  strings.Replace(text, `"note":"n"`, `"note":"n","void":"v"`, 1),
		"no period":       strings.Replace(text, `,"period":1`, ``, 1),
		"period zero":     strings.Replace(text, `"period":1`, `"period":0`, 1),
		"payment, change": strings.Replace(text, `"note":"n"}]`, `"note":"n","change":1}]`, 1),
		"neither":         strings.Replace(text, `,"decision":"d","period":1,"note":"n"`, ``, 1),
		"no note":         strings.Replace(text, `,"note":"n"`, ``, 1),
		"zero lock time":  strings.Replace(text, `"note"`, `"lock_time":0,"note"`, 1),
		"another number":  strings.Replace(text, `"seq":1`, `"seq":2`, 1),
		"another prev":    strings.Replace(text, `"prev":"0`, `"prev":"1`, 1),
		"short prev":      strings.Replace(text, `"prev":"0`, `"prev":"`, 1),
		"unknown field":   strings.Replace(text, `{"v"`, `{"x":1,"v"`, 1),
		"field twice":     strings.Replace(text, `{"v"`, `{"v":3,"v"`, 1),
		"space":           strings.Replace(text, `{"v"`, `{ "v"`, 1),
		"two values":      strings.Replace(text, "\n", "1\n", 1),
	} {
		path := filepath.Join(t.TempDir(), "journal")
		writeText(t, path, line)
		if _, err := signer.ReadJournal(path); line == text || !errors.Is(err, signer.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "journal")
	writeText(t, path, text)
	if _, err := signer.ReadJournal(path); err != nil {
		t.Errorf("the line as it was written: %v", err)
	}
}

func TestCheckpointShowsAnOlderCopy(t *testing.T) {
	t.Parallel()
	path, text := writeJournal(t, 3)
	for name, checkpoint := range map[string]string{
		"removed": "", "garbage": "x", "half": readText(t, path+".checkpoint")[:40],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			writeText(t, path, text)
			if checkpoint != "" {
				writeText(t, path+".checkpoint", checkpoint)
			}
			if _, err := signer.OpenJournal(path); !errors.Is(err, signer.ErrCorrupt) {
				t.Errorf("got %v, want ErrCorrupt", err)
			}
		})
	}
}

// A disk that fills up or fails must never lead to a record that is half there.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		disk   signer.Disk
		goesOn bool // once the disk is well again
	}{
		"full at once":          {signer.Disk{Write: boom}, true},
		"full after some bytes": {signer.Disk{Write: boom, Partial: 30}, true},
		"fsync fails":           {signer.Disk{Sync: boom}, false},
		"cannot be put back":    {signer.Disk{Write: boom, Partial: 30, Truncate: boom}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := writeJournal(t, 1)
			j, err := signer.OpenJournal(path)
			if err != nil {
				t.Fatal(err)
			}
			heal := signer.Fail(j, tc.disk)

			if _, err := j.Append(exampleRecord(1)); !errors.Is(err, boom) {
				t.Fatalf("got %v, want boom", err)
			}
			if got := len(j.Records()); got != 1 {
				t.Errorf("%d records, want 1", got)
			}
			heal()
			if _, err := j.Append(exampleRecord(2)); (err == nil) != tc.goesOn {
				t.Errorf("after the disk is well: %v", err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}

			again, err := signer.OpenJournal(path)
			if err != nil {
				t.Fatalf("restart: %v", err)
			}
			defer func() { _ = again.Close() }()
			if _, err := again.Append(exampleRecord(3)); err != nil {
				t.Errorf("restart: %v", err)
			}
		})
	}
}

func TestCheckpointThatCannotBeWrittenHoldsTheSignatureBack(t *testing.T) {
	t.Parallel()
	path, _ := writeJournal(t, 1)
	j, err := signer.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	blocker := path + ".checkpoint.new"
	if err := os.Mkdir(blocker, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(exampleRecord(1)); err == nil {
		t.Fatal("Append succeeded without a checkpoint")
	}
	if err := j.Settle(); err == nil {
		t.Error("Settle succeeded without a checkpoint")
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	if err := j.Settle(); err != nil || len(j.Records()) != 2 {
		t.Errorf("Settle: %v, %d records", err, len(j.Records()))
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add("")
	f.Add("{\"v\":1,\"seq\":1}\n")
	f.Add(`{"v":3,"seq":1,"prev":"` + strings.Repeat("0", 64) + `","time":0,"treasury":"` + strings.Repeat("0", 64) + `","request":"` +
		strings.Repeat("0", 64) + `","batch":"","number":0,"batch_note":"","attempt":0,"txid":"","inputs":null,"outs":null,"fee":0}` + "\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "journal")
		writeText(t, path, text)
		j, err := signer.ReadJournal(path)
		if err == nil && len(j.Records()) > 1 {
			t.Errorf("accepted %q without a checkpoint", text)
		}
	})
}
