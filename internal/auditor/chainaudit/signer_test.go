package chainaudit_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// TestJournalOfTheRealSigner reads what package signer itself wrote.
func TestJournalOfTheRealSigner(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "signer")
	node := fundedNode(t, f)
	first := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
	bump := f.build(0, 1, f.coins[:1], 2_000, pay{"anna", 40_000})
	paid := f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 40_000}, pay{"cleo", 159_000})
	taken := f.build(2, 0, f.coins[2:3], 1_000, pay{"dana", 1_000})
	void := f.void(taken, 2_000)
	split := f.upkeep(3, "split", f.coins[3:], 3, 2_000)

	path := filepath.Join(t.TempDir(), "journal")
	f.must(signer.CreateJournal(path))
	j, err := signer.OpenJournal(path)
	f.must(err)
	for _, e := range []*entry{first, bump, paid, taken, void, split} {
		e.line.Prev = sha("") // Append sets it
		text, err := json.Marshal(e.line)
		f.must(err)
		var r signer.Record
		f.must(json.Unmarshal(text, &r))
		_, err = j.Append(r)
		f.must(err)
	}
	f.must(j.Close())
	for _, e := range []*entry{bump, paid, void, split} {
		node.mine(f.sign(e))
	}

	cfg := f.config(node, 0)
	cfg.Journals = []chainaudit.Journal{chainaudit.JournalFile(path)}
	r, err := chainaudit.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, codes(r.Alarms)); diff != "" || r.PaidSat != 239_000 || r.FeesSat != 7_000 || r.Journals[0].Head != j.Head().String() {
		t.Errorf("paid %d, fees %d, head %s not %s, alarms %v", r.PaidSat, r.FeesSat, r.Journals[0].Head, j.Head(), r.Alarms)
	}
}
