package chainaudit_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// tale is a random life of a fund: what was released, what confirmed, and what
// the sums must be.
type tale struct {
	f       *fund
	n       *memNode
	free    []wire.OutPoint // coins on the chain that no batch has taken
	entries []*entry        // in the order of the journal
	mined   []*entry
	number  uint32

	paid, fees int64
}

// batch releases some attempts of one batch and confirms at most one of them.
func (s *tale) batch(rt *rapid.T) {
	coins := s.free[:rapid.IntRange(1, len(s.free)).Draw(rt, "coins")]
	s.free = slices.Clone(s.free[len(coins):])
	worth := int64(0)
	for _, c := range coins {
		worth += s.f.values[c].Value
	}
	pays := []pay{}
	fee := int64(rapid.IntRange(200, 2_000).Draw(rt, "fee"))
	rest := worth - 5*fee - 1_000
	for i := range rapid.IntRange(1, 3).Draw(rt, "payees") {
		if sat := rest / 4; sat > 0 {
			pays = append(pays, pay{fmt.Sprintf("%d.%d", s.number, i), sat})
		}
	}
	attempts := []*entry{s.f.build(s.number, 0, coins, fee, pays...)}
	for i := range rapid.IntRange(0, 3).Draw(rt, "bumps") {
		attempts = append(attempts, s.f.build(s.number, int64(i+1), coins, fee*int64(i+2), pays...))
	}
	if rapid.Bool().Draw(rt, "void") {
		v := s.f.void(attempts[len(attempts)-1], fee*5)
		attempts = append(attempts, v)
	}
	s.number++
	s.entries = append(s.entries, attempts...)
	s.f.write(attempts...)
	if len(pays) == 0 || rapid.IntRange(0, 4).Draw(rt, "never") == 0 {
		return // the coins stay with the batch
	}
	won := attempts[rapid.IntRange(0, len(attempts)-1).Draw(rt, "winner")]
	s.n.mine(s.f.sign(won))
	s.mined = append(s.mined, won)
	s.fees += won.line.Fee
	for _, o := range won.line.Outs {
		if o.Decision != "" {
			s.paid += o.Sat
		}
	}
	s.free = append(s.free, won.change())
}

// TestRandomLivesAddUp tells random funds' lives: every sum is as the model says,
// and a line taken out of the journal or changed in it never goes unseen.
func TestRandomLivesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFund(t, "wpkh", "rapid")
		s := &tale{f: f, n: fundedNode(t, f)}
		s.free = slices.Clone(f.coins)
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			if len(s.free) > 0 {
				s.batch(rt)
			}
		}
		cfg := f.config(s.n, 0)
		cfg.Gap = 8
		r, err := chainaudit.Run(t.Context(), cfg)
		if err != nil {
			rt.Fatal(err)
		}
		if !r.OK() || r.PaidSat != s.paid || r.FeesSat != s.fees || r.UnspentSat != 1_000_000-s.paid-s.fees || len(r.Waiting) != len(s.entries)-len(s.mined) {
			rt.Fatalf("paid %d of %d, fees %d of %d, waiting %d of %d, alarms %v",
				r.PaidSat, s.paid, r.FeesSat, s.fees, len(r.Waiting), len(s.entries)-len(s.mined), r.Alarms)
		}

		at := rapid.IntRange(0, len(f.journal)-1).Draw(rt, "line")
		if rapid.Bool().Draw(rt, "drop") {
			confirmed := slices.Contains(s.mined, s.entries[at])
			if at == len(f.journal)-1 && !confirmed {
				return // nothing tells of a last line but what it did
			}
			f.journal = slices.Delete(f.journal, at, at+1)
		} else {
			if at == len(f.journal)-1 {
				return // no line holds the hash of the last one
			}
			line := []byte(f.journal[at])
			line[rapid.IntRange(0, len(line)-1).Draw(rt, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
			f.journal[at] = string(line)
		}
		cfg.Journals = f.config(s.n, 0).Journals
		if r, err = chainaudit.Run(t.Context(), cfg); err != nil || r.OK() {
			rt.Fatalf("line %d was changed and everything is accounted for (%v)", at+1, err)
		}
	})
}
