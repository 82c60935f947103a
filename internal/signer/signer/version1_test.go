package signer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// testdata/journal-v1 was written by the first version of this program for
// newDraft and its replacement at a fee of 4,000 sat; the digests of the notes in it
// are those of today's, which name feerates in sat/kvB.
func TestAJournalOfVersion1GoesOn(t *testing.T) {
	t.Parallel()
	old := readText(t, filepath.Join("testdata", "journal-v1"))
	path := filepath.Join(t.TempDir(), "journal")
	writeText(t, path, old)
	writeText(t, path+".checkpoint", readText(t, filepath.Join("testdata", "journal-v1.checkpoint")))
	key := newKey(t, wallet.KindWPKH)
	s, closeJournal := openSigner(t, key, path, fakeClock())
	defer closeJournal()

	page, err := s.Journal(0)
	if err != nil || len(page.Entries) != 2 || page.Entries[0].Line+"\n"+page.Entries[1].Line+"\n" != old {
		t.Fatalf("the lines came back otherwise: %v, %v", page, err)
	}
	d := newDraft(t, key)
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Errorf("repeat of the first transaction: %v", err)
	}
	again := newDraft(t, key)
	again.number = 6
	replaceCoins(t, again)
	if _, err := s.Sign(t.Context(), again.request(t)); !errs.Is(err, "would_pay_twice") {
		t.Errorf("from other coins: got %v, want would_pay_twice", err)
	}
	d.attempt, d.fee = 2, 5000
	if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatalf("another replacement: %v", err)
	}
	void := voidOf(t, key)
	void.attempt, void.fee = 3, 6000
	if _, err := s.Sign(t.Context(), void.request(t)); err != nil {
		t.Fatalf("a void: %v", err)
	}
	text := readText(t, path)
	added, ok := strings.CutPrefix(text, old)
	if !ok || !strings.HasPrefix(added, `{"v":2,"seq":3,`) {
		t.Errorf("the journal is now %q", text)
	}
	if j, err := signer.ReadJournal(path); err != nil || len(j.Records()) != 4 {
		t.Errorf("reading it back: %v", err)
	}
}

// A line of version 1 with a field of version 2 is nothing that any program
// wrote.
func TestAForgedLineOfVersion1IsRefused(t *testing.T) {
	t.Parallel()
	line, _, _ := strings.Cut(readText(t, filepath.Join("testdata", "journal-v1")), "\n")
	for _, field := range []string{`"kind":"pay"`, `"lock_time":1`, `"note":"n"`, `"void":"v"`, `"dead":[{"txid":"","by":"","block":""}]`} {
		path := filepath.Join(t.TempDir(), "journal")
		writeText(t, path, strings.TrimSuffix(line, "}")+","+field+"}\n")
		if _, err := signer.ReadJournal(path); err == nil {
			t.Errorf("accepted %s", field)
		}
	}
}
