package chainaudit_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// journalTroubles are faults of what was released, confirmed or not.
func journalTroubles() map[string]trouble {
	one := func(f *fund) *entry { return f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000}) }
	return map[string]trouble{
		"nothing wrong": {play: func(_ *world, f *fund) { f.write(one(f)) }},
		"an unfinished last line": {
			play: func(_ *world, f *fund) {
				f.write(one(f), f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 1_000}))
				f.journal[1] = f.journal[1][:len(f.journal[1])/2] + torn
			},
			notes: []string{chainaudit.JournalTorn},
		},
		"a last line without its line feed": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] += torn
			},
		},
		"a finished line that is cut": {
			play: func(_ *world, f *fund) {
				f.write(one(f), f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 1_000}))
				f.journal[0] = f.journal[0][:len(f.journal[0])/2]
			},
			want: []string{chainaudit.JournalDamaged, chainaudit.JournalChain},
		},
		"an empty line": {
			play: func(_ *world, f *fund) { f.journal = []string{"", ""} },
			want: []string{chainaudit.JournalDamaged, chainaudit.JournalDamaged},
		},
		"a line that was changed": {
			play: func(_ *world, f *fund) {
				f.write(one(f), f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 1_000}))
				f.journal[0] = strings.Replace(f.journal[0], fmt.Sprintf(`"time":%d`, released.Unix()), `"time":1`, 1)
			},
			want: []string{chainaudit.JournalChain},
		},
		"a first line with a line before it": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] = strings.Replace(f.journal[0], `"prev":"0`, `"prev":"1`, 1)
			},
			want: []string{chainaudit.JournalChain},
		},
		"a number that jumps": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] = strings.Replace(f.journal[0], `"seq":1`, `"seq":2`, 1)
			},
			want: []string{chainaudit.JournalChain},
		},
		"a name twice": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] = strings.Replace(f.journal[0], `"fee":`, `"fee":7,"fee":`, 1)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"a name in capitals": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] = strings.Replace(f.journal[0], `"fee":`, `"FEE":7,"fee":`, 1)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"something behind the record": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] += " {}"
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"an unknown version": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.V = 2
				f.write(e)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"an unknown kind": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.Kind = "gift"
				f.write(e)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"an output that is both payment and change": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.Outs[0].Change = new(uint32)
				f.write(e)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"one coin twice": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.Inputs = append(e.line.Inputs, e.line.Inputs[0])
				f.write(e)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"nested without end": {
			play: func(_ *world, f *fund) {
				f.write(one(f))
				f.journal[0] = strings.Replace(f.journal[0], `"fee":`, `"x":`+strings.Repeat("[", 12)+strings.Repeat("]", 12)+`,"fee":`, 1)
			},
			want: []string{chainaudit.JournalDamaged},
		},
		"a negative amount":          edited(func(l *jline) { l.Outs[0].Sat = -1 }),
		"more than all bitcoin":      edited(func(l *jline) { l.Outs[0].Sat = 21e14 + 1 }),
		"a negative fee":             edited(func(l *jline) { l.Fee = -1 }),
		"a fee of more than exists":  edited(func(l *jline) { l.Fee = 21e14 + 1 }),
		"no inputs":                  edited(func(l *jline) { l.Inputs = nil }),
		"no outputs":                 edited(func(l *jline) { l.Outs = nil }),
		"no batch":                   edited(func(l *jline) { l.Batch = "" }),
		"a script that is no hex":    edited(func(l *jline) { l.Outs[0].Script = "0x" }),
		"an id in capitals":          edited(func(l *jline) { l.TxID = strings.ToUpper(l.TxID) }),
		"an input without an output": edited(func(l *jline) { l.Inputs[0] = l.TxID }),
		"a payment of no period":     edited(func(l *jline) { l.Outs[0].Period = 0 }),
		"change with a period":       edited(func(l *jline) { l.Outs[1].Period = 1 }),
		"one decision twice":         edited(func(l *jline) { l.Outs = append(l.Outs, l.Outs[0]) }),
		"one transaction twice": {
			play: func(_ *world, f *fund) { f.write(one(f), one(f)) },
			want: []string{chainaudit.JournalRepeats},
		},
		"another transaction than the one named": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.LockTime++
				f.write(e)
			},
			want: []string{chainaudit.JournalTxID},
		},
		"another treasury": {
			play: func(_ *world, f *fund) {
				e := one(f)
				e.line.Treasury = strings.Repeat("0", 64)
				f.write(e)
			},
			want: []string{chainaudit.OtherTreasury},
		},
		"a replacement without the first one's coin": {
			play: func(_ *world, f *fund) {
				f.write(f.build(0, 0, f.coins[:2], 1_000, pay{"anna", 40_000}), f.build(0, 1, f.coins[1:3], 2_000, pay{"anna", 40_000}))
			},
			want: []string{chainaudit.ReplacementWrong},
		},
		"a replacement that pays no more fee": {
			play: func(_ *world, f *fund) {
				f.write(f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000}), f.build(0, 1, f.coins[:2], 1_000, pay{"anna", 40_000}))
			},
			want: []string{chainaudit.ReplacementWrong},
		},
		"a replacement under another number": {
			play: func(_ *world, f *fund) {
				e := f.build(1, 1, f.coins[:1], 2_000, pay{"anna", 40_000})
				e.line.Batch = f.id("0").String()
				f.settle(e)
				first := one(f)
				e.line.BatchNote = first.line.BatchNote
				f.write(first, e)
			},
			want: []string{chainaudit.JournalNote, chainaudit.ReplacementWrong},
		},
		"a replacement under another note": {
			play: func(_ *world, f *fund) {
				e := f.build(0, 1, f.coins[:1], 2_000, pay{"anna", 40_000})
				e.line.BatchNote = sha("another")
				f.write(one(f), f.settle(e))
			},
			want: []string{chainaudit.JournalNote, chainaudit.ReplacementWrong},
		},
		"a replacement that pays others": {
			play: func(_ *world, f *fund) {
				e := f.build(0, 1, f.coins[:1], 2_000, pay{"ben", 40_000})
				first := one(f)
				e.line.BatchNote = first.line.BatchNote
				f.write(first, f.settle(e))
			},
			want: []string{chainaudit.JournalNote, chainaudit.ReplacementWrong},
		},
		"a payment after the void": {
			play: func(_ *world, f *fund) {
				first := one(f)
				f.write(first, f.void(first, 2_000), f.build(0, 2, f.coins[:1], 3_000, pay{"anna", 40_000}))
			},
			want: []string{chainaudit.PaidAfterVoid},
		},
	}
}

// edited is a line that no signer writes.
func edited(edit func(l *jline)) trouble {
	return trouble{
		play: func(_ *world, f *fund) {
			e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
			edit(&e.line)
			f.write(e)
		},
		want: []string{chainaudit.JournalDamaged},
	}
}

// noteTroubles are lines that were not signed as they were approved.
func noteTroubles() map[string]func(f *fund) *entry {
	one := func(f *fund) *entry {
		return f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000}, pay{"ben", 10_000})
	}
	keep := func(f *fund) *entry { return f.upkeep(0, "split", f.coins[:2], 2, 1_000) }
	edit := func(e *entry, note, before, after string) *entry {
		e.line.Note = strings.Replace(note, before, after, 1)
		e.line.BatchNote = sha(e.line.Note)
		return e
	}
	return map[string]func(f *fund) *entry{
		"other digest": func(f *fund) *entry {
			e := one(f)
			e.line.Note = strings.Replace(e.line.Note, "treasury 0", "treasury 1", 1)
			return e
		},
		"no note": func(f *fund) *entry {
			e := one(f)
			e.line.Note = ""
			return e
		},
		"note of another batch": func(f *fund) *entry {
			e := one(f)
			e.line.Batch = uuid.Max.String()
			return e
		},
		"note of another number": func(f *fund) *entry { e := one(f); return edit(e, e.line.Note, "number 0", "number 1") },
		"fee above the approval": func(f *fund) *entry {
			e := f.build(0, 0, f.coins[:1], 20_001, pay{"anna", 40_000})
			return e
		},
		"amount": func(f *fund) *entry {
			e := one(f)
			e.tx.TxOut[0].Value--
			e.line.Outs[0].Sat--
			return f.settle(e)
		},
		"period": func(f *fund) *entry { e := one(f); e.line.Outs[0].Period = 2; return e },
		"script": func(f *fund) *entry {
			e := one(f)
			e.tx.TxOut[0].PkScript, e.line.Outs[0].Script = e.tx.TxOut[1].PkScript, e.line.Outs[1].Script
			return f.settle(e)
		},
		"a payment left out": func(f *fund) *entry {
			e := one(f)
			e.tx.TxOut, e.line.Outs = e.tx.TxOut[1:], e.line.Outs[1:]
			return f.settle(e)
		},
		"a payment too many": func(f *fund) *entry {
			e := one(f)
			e.tx.AddTxOut(wire.NewTxOut(7, payee("thief")))
			e.line.Outs = append(e.line.Outs, jout{Script: hex.EncodeToString(payee("thief")), Sat: 7, Decision: f.id("thief").String(), Period: 1})
			return f.settle(e)
		},
		"one payment for two decisions": func(f *fund) *entry {
			e := one(f)
			e.tx.TxOut[0], e.line.Outs[0].Script, e.line.Outs[0].Sat, e.line.Outs[0].Note = e.tx.TxOut[1], e.line.Outs[1].Script, e.line.Outs[1].Sat, e.line.Outs[1].Note
			return f.settle(e)
		},
		"count of payments":    func(f *fund) *entry { e := one(f); return edit(e, e.line.Note, "payments 2", "payments 3") },
		"an unknown header":    func(f *fund) *entry { e := one(f); return edit(e, e.line.Note, "batch/v2", "batch/v1") },
		"a note without a cap": func(f *fund) *entry { e := one(f); return edit(e, e.line.Note, "max_fee_sat", "max_fee") },
		"a cap twice": func(f *fund) *entry {
			e := one(f)
			return edit(e, e.line.Note, "payments", "max_fee_sat 99999\npayments")
		},
		"a payment under an upkeep note": func(f *fund) *entry { e := keep(f); e.line.Kind = chainaudit.KindPay; return e },
		"upkeep under a batch note":      func(f *fund) *entry { e := one(f); e.line.Kind = chainaudit.KindUpkeep; return e },
		"upkeep that pays": func(f *fund) *entry {
			e := keep(f)
			e.line.Outs[0].Decision, e.line.Outs[0].Period, e.line.Outs[0].Change = f.id("thief").String(), 1, nil
			return e
		},
		"upkeep with other outputs": func(f *fund) *entry { e := keep(f); return edit(e, e.line.Note, "outputs 2", "outputs 3") },
		"upkeep with more coins": func(f *fund) *entry {
			e := keep(f)
			e.tx.AddTxIn(&wire.TxIn{PreviousOutPoint: f.coins[2], Sequence: wire.MaxTxInSequenceNum - 2})
			return f.settle(e)
		},
		"upkeep with fewer coins": func(f *fund) *entry {
			e := keep(f)
			e.tx.TxIn = e.tx.TxIn[:1]
			return f.settle(e)
		},
		"upkeep with another coin": func(f *fund) *entry {
			e := keep(f)
			e.tx.TxIn[1].PreviousOutPoint = f.coins[2]
			return f.settle(e)
		},
		"upkeep above its cap":   func(f *fund) *entry { return f.upkeep(0, "split", f.coins[:2], 2, 20_001) },
		"a void without a note":  func(f *fund) *entry { e := f.void(one(f), 2_000); e.line.Void = ""; return e },
		"a void note for others": func(f *fund) *entry { e := one(f); e.line.Void = f.void(one(f), 2_000).line.Void; return e },
		"a void above its cap":   func(f *fund) *entry { return f.void(one(f), 20_001) },
		"a void of another batch": func(f *fund) *entry {
			e := f.void(one(f), 2_000)
			e.line.Void = strings.Replace(e.line.Void, "note_sha256 ", "note_sha256 f", 1)
			return e
		},
		"a void that pays": func(f *fund) *entry {
			e := f.void(one(f), 2_000)
			e.line.Outs[0].Decision, e.line.Outs[0].Period, e.line.Outs[0].Change = f.id("thief").String(), 1, nil
			return e
		},
	}
}

func TestEveryTroubleInTheJournalHasItsAlarm(t *testing.T) {
	t.Parallel()
	all := journalTroubles()
	for name, entryOf := range noteTroubles() {
		all["note: "+name] = trouble{play: func(_ *world, f *fund) { f.write(entryOf(f)) }, want: []string{chainaudit.JournalNote}}
	}
	for name, tc := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t, "wpkh", name)
			node := fundedNode(t, f)
			tc.play(nil, f)
			r, err := chainaudit.Run(t.Context(), f.config(node, 0))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]string{}, tc.want...), codes(r.Alarms)); diff != "" {
				t.Errorf("alarms (-want +got):\n%s%v", diff, r.Alarms)
			}
			if diff := cmp.Diff(append([]string{}, tc.notes...), codes(r.Notes)); diff != "" {
				t.Errorf("notes (-want +got):\n%s%v", diff, r.Notes)
			}
			if r.OK() != (len(tc.want) == 0) || r.DepositsSat != 1_000_000 || r.DifferenceSat != 0 {
				t.Errorf("ok %v, deposits %d, difference %d", r.OK(), r.DepositsSat, r.DifferenceSat)
			}
		})
	}
}

// TestChildOfADeadParentIsDead pays a decision again whose first payment spent
// the change of a transaction that can never confirm.
func TestChildOfADeadParentIsDead(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "child")
	node := fundedNode(t, f)
	parent := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
	child := f.build(1, 0, []wire.OutPoint{parent.change()}, 1_000, pay{"ben", 1_000})
	void := f.void(parent, 2_000)
	again := f.build(2, 0, f.coins[1:2], 1_000, pay{"ben", 1_000})
	f.write(parent, child, void, again)
	node.mine(f.sign(void))
	node.mine(f.sign(again))

	for final, want := range map[int32][]string{2: {}, 3: {chainaudit.MayPayTwice}} {
		cfg := f.config(node, 0)
		cfg.Final = final
		r, err := chainaudit.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, codes(r.Alarms)); diff != "" {
			t.Errorf("final at %d (-want +got):\n%s", final, diff)
		}
	}
}
