package chainaudit_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

// world is one btcd that many funds share: they do not see one another.
type world struct {
	*chaintest.Node
	t        *testing.T
	birthday int32
}

// newWorld gives every fund its deposits, in one block.
func newWorld(t *testing.T, funds ...*fund) *world {
	t.Helper()
	w := &world{Node: chaintest.New(t), t: t}
	outs := []*wire.TxOut{}
	for _, f := range funds {
		for i, sat := range fundDeposits() {
			outs = append(outs, wire.NewTxOut(sat, f.script(0, uint32(i))))
		}
	}
	w.Call(&w.birthday, "getblockcount")
	w.birthday++
	tx := w.SendMany(outs...)
	for i, f := range funds {
		f.deposited(tx, uint32(i*len(fundDeposits())))
	}
	w.Mine(1)
	return w
}

// send signs and sends.
func (w *world) send(f *fund, entries ...*entry) {
	w.t.Helper()
	for _, e := range entries {
		var raw bytes.Buffer
		if err := f.sign(e).Serialize(&raw); err != nil {
			w.t.Fatal(err)
		}
		w.Call(nil, "sendrawtransaction", hex.EncodeToString(raw.Bytes()))
	}
}

func (w *world) audit(t *testing.T, f *fund) chainaudit.Report {
	t.Helper()
	cfg := f.config(w.Handle().RPC(), w.birthday)
	cfg.Gap = chainaudit.DefaultGap
	report, err := chainaudit.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func codes(findings []chainaudit.Finding) []string {
	list := []string{}
	for _, f := range findings {
		list = append(list, f.Code)
	}
	return list
}

// TestEverySatoshiIsAccountedFor plays a fund's life on a real btcd: deposits,
// payments with and without change, a bump, a void, upkeep and a child.
func TestEverySatoshiIsAccountedFor(t *testing.T) {
	t.Parallel()
	funds := []*fund{newFund(t, "wpkh", "one"), newFund(t, "tr", "two"), newFund(t, "wsh", "three")}
	w := newWorld(t, funds...)

	waiting := map[string]string{}
	for _, f := range funds {
		first := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 30_000}, pay{"ben", 20_000})
		bump := f.build(0, 1, f.coins[:1], 2_000, pay{"anna", 30_000}, pay{"ben", 20_000})
		exact := f.build(1, 0, f.coins[1:2], 1_500, pay{"cleo", 198_500})
		f.write(first, bump, exact)
		w.send(f, bump, exact)
		waiting[first.line.TxID] = chainaudit.Dead
		taken := f.build(2, 0, f.coins[2:3], 1_000, pay{"dana", 5_000})
		void := f.void(taken, 3_000)
		f.write(taken, void)
		w.send(f, void)
		split := f.upkeep(3, "split", f.coins[3:4], 3, 2_001)
		child := f.upkeep(4, "child", []wire.OutPoint{bump.change()}, 1, 700)
		late := f.build(5, 0, []wire.OutPoint{void.change()}, 1_000, pay{"dana", 5_000})
		never := f.build(6, 0, []wire.OutPoint{child.change()}, 1_000, pay{"emil", 1_000})
		behind := f.build(7, 0, []wire.OutPoint{never.change()}, 1_000, pay{"fay", 1_000})
		f.write(split, child, late, never, behind)
		w.send(f, split, child, late)
		waiting[taken.line.TxID], waiting[never.line.TxID], waiting[behind.line.TxID] = chainaudit.Dead, chainaudit.MayConfirm, chainaudit.WaitsParent
	}
	w.Mine(3)

	for _, f := range funds {
		t.Run(f.kind+f.name, func(t *testing.T) {
			t.Parallel()
			r := w.audit(t, f)
			if !r.OK() || len(r.Notes) > 0 {
				t.Errorf("alarms %v, notes %v", r.Alarms, r.Notes)
			}
			got := [...]int64{r.DepositsSat, r.PaidSat, r.FeesSat, r.LostSat, r.UnspentSat, int64(r.Count("pay")), int64(r.Count("void")), int64(r.Count("upkeep")), int64(len(r.Coins))}
			want := [...]int64{1_000_000, 253_500, 10_201, 0, 736_299, 3, 1, 2, 5}
			waits := 4
			if got != want {
				t.Errorf("sums and counts are %v, not %v", got, want)
			}
			for _, one := range r.Waiting {
				if want := waiting[one.TxID]; one.State != want {
					t.Errorf("waiting %s is %s, not %q", one.TxID, one.State, want)
				}
			}
			if len(r.Deposits) != 4 || len(r.Payments) != int(want[5])+1 {
				t.Errorf("deposits %v, payments %v", r.Deposits, r.Payments)
			}
			if len(r.Waiting) != waits {
				t.Errorf("waiting %v", r.Waiting)
			}
		})
	}
}

func TestNothingToAudit(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "empty")
	w := newWorld(t, f)
	if diff := cmp.Diff([]string{}, codes(w.audit(t, f).Alarms)); diff != "" {
		t.Error(diff)
	}
}
