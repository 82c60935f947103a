package chainaudit_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
)

// trouble is one way in which a treasury is not accounted for.
type trouble struct {
	play  func(w *world, f *fund)
	want  []string // alarms
	notes []string
	lost  int64
	diff  int64
	look  func(t *testing.T, r chainaudit.Report)
}

func chainTroubles() map[string]trouble {
	return map[string]trouble{
		"foreign spend": {
			play: func(w *world, f *fund) { w.send(f, f.build(0, 0, f.coins[:1], 1_000, pay{"thief", 40_000})) },
			want: []string{chainaudit.ForeignSpend}, lost: 41_000,
		},
		"foreign spend that brings more than it takes": {
			play: func(w *world, f *fund) {
				// Somebody with a key joins two treasuries' coins, as a coinjoin does.
				op := w.Send(f.script(0, 900), 50_000)
				f.owns(op, wire.NewTxOut(50_000, f.script(0, 900)), 0, 900)
				e := f.build(0, 0, []wire.OutPoint{f.coins[0], op}, 1_000)
				e.tx.TxOut[0].PkScript = f.script(1, 0)
				w.send(f, e)
			},
			want: []string{chainaudit.ForeignSpend},
			look: func(t *testing.T, r chainaudit.Report) {
				t.Helper()
				if r.DepositsSat != 1_049_000 || r.UnspentSat != 1_049_000 {
					t.Errorf("deposits %d, unspent %d", r.DepositsSat, r.UnspentSat)
				}
			},
		},
		"missing journal line": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 40_000})
				f.write(a, b)
				f.journal = f.journal[1:]
				w.send(f, a, b)
			},
			want: []string{chainaudit.JournalChain, chainaudit.ForeignSpend}, lost: 41_000,
		},
		"unmapped output": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000}, pay{"thief", 10_000})
				e.line.Outs = append(e.line.Outs[:1], e.line.Outs[2:]...)
				f.settle(e)
				f.owns(e.change(), e.tx.TxOut[2], 1, 0)
				f.write(e)
				w.send(f, e)
			},
			// The journal's second output is change, and the third is not there.
			want: []string{chainaudit.JournalTxID, chainaudit.JournalNote, chainaudit.UnmappedOutput, chainaudit.WrongChange}, lost: 10_000,
			look: func(t *testing.T, r chainaudit.Report) {
				t.Helper()
				if a := r.Alarms[2]; !strings.Contains(a.Text, "sb1q") || *a.Vout != 1 {
					t.Errorf("does not name the output: %+v", a)
				}
			},
		},
		"wrong amount": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.tx.TxOut[0].Value++
				e.tx.TxOut[1].Value--
				e.line.Outs[1].Sat--
				f.settle(e)
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalTxID, chainaudit.WrongPayment}, lost: 40_001,
		},
		"wrong script": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.tx.TxOut[0].PkScript = payee("thief")
				f.settle(e)
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalTxID, chainaudit.WrongPayment}, lost: 40_000,
		},
		"payment to the treasury itself": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.tx.TxOut[0].PkScript = f.script(0, 9)
				e.line.Outs[0].Script = hex.EncodeToString(f.script(0, 9))
				f.settle(e)
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalNote, chainaudit.WrongPayment},
		},
		"payment that is not there": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.line.Outs = append(e.line.Outs, jout{Script: hex.EncodeToString(payee("ben")), Sat: 7, Decision: f.id("ben").String(), Period: 1})
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalTxID, chainaudit.JournalNote, chainaudit.WrongPayment},
		},
		"each period once, the second twice": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna/1", 40_000}, pay{"anna/2", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"anna/2", 40_000})
				c := f.build(2, 0, f.coins[2:3], 1_000, pay{"anna/3", 40_000})
				f.write(a, b, c)
				w.send(f, a, b, c)
			},
			want: []string{chainaudit.PaidTwice},
			look: func(t *testing.T, r chainaudit.Report) {
				t.Helper()
				if a := r.Alarms[0]; a.Period != 2 || a.Decision == "" || len(r.Payments) != 4 {
					t.Errorf("alarm %+v, %d payments", a, len(r.Payments))
				}
			},
		},
		"another note for another period": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna/1", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"ben/2", 40_000})
				b.line.Outs[0].Decision = a.line.Outs[0].Decision
				f.write(a, b)
				w.send(f, a, b)
			},
			want: []string{chainaudit.DecisionChanged},
		},
		"decision paid twice": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"anna", 40_000})
				f.write(a, b)
				w.send(f, a, b)
			},
			want: []string{chainaudit.PaidTwice},
		},
		"decision could be paid twice": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"anna", 40_000})
				f.write(a, b)
				w.send(f, b)
			},
			want: []string{chainaudit.MayPayTwice},
		},
		"paid again before the first was final": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				v := f.void(a, 2_000)
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"anna", 40_000})
				f.write(a, v, b)
				w.Mine(1) // what the other cases sent becomes deep
				w.Mine(3)
				w.send(f, v)
			},
			want: []string{chainaudit.MayPayTwice},
			look: func(t *testing.T, r chainaudit.Report) {
				t.Helper()
				if r.Waiting[0].State != chainaudit.Conflicted || len(r.Waiting[0].Conflicts) != 1 {
					t.Errorf("waiting: %+v", r.Waiting)
				}
			},
		},
		"decision changed": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(1, 0, f.coins[:2], 2_000, pay{"anna", 40_001})
				f.write(a, b)
				w.send(f, b)
			},
			want: []string{chainaudit.DecisionChanged},
		},
		"change at another index": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.tx.TxOut[1].PkScript = f.script(1, 5)
				e.line.Outs[1].Script = hex.EncodeToString(f.script(1, 5))
				f.settle(e)
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.WrongChange},
		},
		"change to a deposit script": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.tx.TxOut[1].PkScript = f.script(0, 0)
				e.line.Outs[1].Script = hex.EncodeToString(f.script(0, 0))
				f.settle(e)
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.WrongChange},
		},
		"change that says another number": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				other := uint32(4)
				e.line.Outs[1].Change = &other
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.WrongChange},
		},
		"change of another amount": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				f.settle(e)
				e.line.Outs[1].Sat--
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalTxID, chainaudit.WrongChange},
		},
		"one number for two batches": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(0, 0, f.coins[1:2], 1_000, pay{"ben", 40_000})
				b.line.Batch = f.id("other").String()
				f.settle(b)
				f.write(a, b)
				w.send(f, a, b)
			},
			want: []string{chainaudit.JournalNote, chainaudit.NumberReused},
		},
		"one batch confirmed twice": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(0, 1, f.coins[1:2], 2_000, pay{"anna", 40_000})
				f.write(a, b)
				w.send(f, a, b)
			},
			want: []string{chainaudit.PaidTwice, chainaudit.ReplacementWrong, chainaudit.BatchTwice},
		},
		"other fee than journalled": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				e.line.Fee--
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.WrongFee},
		},
		"other inputs than journalled": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				f.settle(e)
				e.line.Inputs = append(e.line.Inputs, f.coins[1].String())
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalTxID, chainaudit.WrongInputs},
		},
		"input that is not the treasury's": {
			play: func(w *world, f *fund) {
				op := w.Send(f.script(0, 900), 50_000)
				f.owns(op, wire.NewTxOut(50_000, f.script(0, 900)), 0, 900)
				e := f.build(0, 0, []wire.OutPoint{f.coins[0], op}, 1_000, pay{"anna", 40_000})
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.UnknownInput, chainaudit.DoesNotAddUp}, diff: -50_000,
		},
		"journalled payment of coins from before the birthday": {
			play: func(w *world, f *fund) {
				op := w.Send(f.script(0, 900), 50_000)
				f.owns(op, wire.NewTxOut(50_000, f.script(0, 900)), 0, 900)
				e := f.build(0, 0, []wire.OutPoint{op}, 1_000, pay{"anna", 49_000})
				f.write(e)
				w.send(f, e)
			},
			want: []string{chainaudit.UnknownInput, chainaudit.DoesNotAddUp}, diff: -50_000,
		},
		"two journals, one without a confirmed payment": {
			play: func(w *world, f *fund) {
				a := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				b := f.build(1, 0, f.coins[1:2], 1_000, pay{"ben", 40_000})
				c := f.build(2, 0, f.coins[2:3], 1_000, pay{"cleo", 40_000})
				f.write(a, b, c)
				f.second = f.appendLine(nil, a.line)
				w.send(f, a, b)
			},
			want: []string{chainaudit.OneJournalOnly}, notes: []string{chainaudit.WaitsInOne},
		},
		"two journals that differ": {
			play: func(w *world, f *fund) {
				e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				f.write(e)
				again := e.line
				again.Outs = slices.Clone(e.line.Outs)
				again.Outs[0].Decision = f.id("ben").String()
				f.second = f.appendLine(nil, again)
				w.send(f, e)
			},
			want: []string{chainaudit.JournalsDiffer},
		},
		"a batch number far beyond the others": {
			play: func(w *world, f *fund) {
				e := f.build(300, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
				f.write(e)
				w.send(f, e)
			},
		},
		"somebody pays to a change script": {
			play:  func(w *world, f *fund) { w.Send(f.script(1, 3), 5_000) },
			notes: []string{chainaudit.ChangeGift},
		},
		"a deposit far beyond the others is found step by step": {
			play: func(w *world, f *fund) {
				// In one transaction, the furthest first: only the last one is in the window at the start.
				w.SendMany(wire.NewTxOut(1_000, f.script(0, 260)), wire.NewTxOut(1_000, f.script(0, 180)), wire.NewTxOut(1_000, f.script(0, 95)))
			},
			look: func(t *testing.T, r chainaudit.Report) {
				t.Helper()
				if r.DepositsSat != 1_003_000 {
					t.Errorf("deposits are %d sat", r.DepositsSat)
				}
			},
		},
	}
}

func TestEveryTroubleOnTheChainHasItsAlarm(t *testing.T) {
	t.Parallel()
	troubles, funds, all := chainTroubles(), map[string]*fund{}, []*fund{}
	for name := range troubles {
		funds[name] = newFund(t, "wpkh", name)
		all = append(all, funds[name])
	}
	w := newWorld(t, all...)
	last := "paid again before the first was final"
	for name, tc := range troubles {
		if name != last {
			tc.play(w, funds[name])
		}
	}
	troubles[last].play(w, funds[last])
	w.Mine(1)

	for name, tc := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.audit(t, funds[name])
			if diff := cmp.Diff(append([]string{}, tc.want...), codes(r.Alarms)); diff != "" {
				t.Errorf("alarms (-want +got):\n%s%v", diff, r.Alarms)
			}
			if diff := cmp.Diff(append([]string{}, tc.notes...), codes(r.Notes)); diff != "" {
				t.Errorf("notes (-want +got):\n%s%v", diff, r.Notes)
			}
			if r.LostSat != tc.lost || r.DifferenceSat != tc.diff || r.OK() != (len(tc.want) == 0) {
				t.Errorf("lost %d, difference %d, ok %v", r.LostSat, r.DifferenceSat, r.OK())
			}
			if tc.look != nil {
				tc.look(t, r)
			}
		})
	}
}

// TestThiefInTheMempool finds a foreign spend before it is confirmed, and a
// released payment there is none.
func TestThiefInTheMempool(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "mempool")
	w := newWorld(t, f)
	fair := f.build(0, 0, f.coins[1:2], 1_000, pay{"anna", 40_000})
	f.write(fair)
	w.send(f, fair, f.build(1, 0, f.coins[:1], 1_000, pay{"thief", 99_000}))

	r := w.audit(t, f)
	if diff := cmp.Diff([]string{chainaudit.ForeignWaiting}, codes(r.Alarms)); diff != "" {
		t.Error(diff)
	}
	if r.OK() || r.UnspentSat != 1_000_000 {
		t.Errorf("ok %v, unspent %d", r.OK(), r.UnspentSat)
	}
}
