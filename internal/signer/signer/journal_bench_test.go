package signer_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// BenchmarkOpenJournal starts a signer on a journal of a charter and 99,999 accepted
// decisions with three approvals each, and tells how long it takes and what it holds then.
func BenchmarkOpenJournal(b *testing.B) {
	const lines = 100_000
	c := &chartered{Fund: keytest.NewFund(keytest.Plan{Change: func(c *charter.Charter) { c.Fund = testFund() }}), path: filepath.Join(b.TempDir(), "journal"), clk: fakeClock()}
	c.key = keyOf(b, c.Fund)
	if err := signer.BeginJournal(c.path, c.Charter, now()); err != nil {
		b.Fatal(err)
	}
	n := newNote(b, 1, 1_000_000)
	paper := c.reviewed(b, n)
	paper.Signed = append(paper.Signed, c.bySSH(b, c.Reviewers[2], n.Digest(), charter.Reviewer))
	quorums := []signer.Quorum{{Charter: signer.Hash(c.Charter.Digest()), Reviewers: 2, ByTerminal: 1}}
	for _, p := range c.Reviewers {
		quorums[0].By = append(quorums[0].By, authority.Reviewer{Person: p.ID, Terminal: true})
	}
	err := signer.WriteMany(c.path, lines, func(i int64) signer.Act {
		n.Decision[0], n.Decision[1], n.Decision[2] = byte(i), byte(i>>8), byte(i>>16)
		return &signer.DecisionAct{Head: signer.Head{Time: now().Unix()}, Note: string(n.Encode()), Envelopes: paper.Signed, Quorums: quorums}
	})
	if err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(c.path)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var s *signer.Signer
		closeJournal := func() {}
		took, spent := timed(b, func() { s, closeJournal = openSigner(b, c.key, c.path, c.clk) })
		if got := s.Info().JournalRecords; got != lines {
			b.Fatalf("%d lines", got)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB_held")
		b.ReportMetric(took.Seconds(), "s_open")
		b.ReportMetric(spent.Seconds(), "s_cpu")
		runtime.KeepAlive(s)
		closeJournal()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB_file")
}
