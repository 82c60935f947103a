package chainaudit_test

import (
	"io"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// FuzzJournal reads any text as a journal: whatever stands there, the chain's own
// sums stay, and only an empty or unfinished journal goes without an alarm.
func FuzzJournal(f *testing.F) {
	fd := newFund(f, "wpkh", "fuzz")
	node := fundedNode(f, fd)
	first := fd.build(0, 0, fd.coins[:1], 1_000, pay{"anna", 40_000})
	fd.write(first, fd.void(first, 2_000), fd.upkeep(1, "split", fd.coins[1:2], 2, 1_000))
	fd.write(fd.build(2, 0, fd.coins[2:3], 1_000, pay{"ben/3", 1_000}))
	f.Add(strings.Join(fd.journal, "\n") + "\n")
	f.Add(strings.Join(fd.journal, "\n")[:500])
	f.Add("")
	f.Add("\n\n")
	f.Add(strings.Repeat("[", 10_000) + "\n")
	f.Add(`{"v":1,"v":1}` + "\n")
	cfg := fd.config(node, 0)
	cfg.Gap = 8
	f.Fuzz(func(t *testing.T, text string) {
		cfg := cfg
		cfg.Journals = []chainaudit.Journal{{Name: "A", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}
		r, err := chainaudit.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r.DepositsSat != 1_000_000 || r.UnspentSat != 1_000_000 || r.PaidSat != 0 || r.DifferenceSat != 0 {
			t.Errorf("sums changed: %+v", r)
		}
		if r.OK() && r.Journals[0].Lines > 0 && len(r.Waiting) != r.Journals[0].Lines {
			t.Errorf("%d lines, %d transactions, and no alarm", r.Journals[0].Lines, len(r.Waiting))
		}
	})
}

// FuzzDescriptor reads any text as a descriptor, with the right checksum.
func FuzzDescriptor(f *testing.F) {
	for _, kind := range []string{"wpkh", "tr", "wsh"} {
		fd := newFund(f, kind, "fuzz")
		body, _, _ := strings.Cut(fd.text, "#")
		f.Add(body)
		f.Add(strings.Replace(body, "(", "([d34db33f/84'/1h/0']", 1))
	}
	fd := newFund(f, "wpkh", "fuzz")
	node := fundedNode(f, fd)
	f.Fuzz(func(t *testing.T, body string) {
		sum, err := chainaudit.Checksum(body)
		if err != nil {
			return
		}
		cfg := fd.config(node, 0)
		cfg.Descriptor, cfg.Gap = body+"#"+sum, 1
		r, err := chainaudit.Run(t.Context(), cfg)
		if err != nil {
			return
		}
		// What was read must read the same again.
		cfg.Descriptor = r.Descriptor
		again, err := chainaudit.Run(t.Context(), cfg)
		if err != nil || again.Descriptor != r.Descriptor || again.DepositsSat != r.DepositsSat {
			t.Errorf("%q became %q, which reads as %q (%v)", body, r.Descriptor, again.Descriptor, err)
		}
	})
}
