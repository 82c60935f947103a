package recovery

import (
	"testing"
)

func FuzzParseLine(f *testing.F) {
	f.Add(`{"v":3,"seq":1,"prev":"","time":1,"treasury":"","batch":"0198c0de-0000-7000-8000-000000000007","number":1,"batch_note":"","attempt":0,"txid":"0000000000000000000000000000000000000000000000000000000000000001","inputs":["0000000000000000000000000000000000000000000000000000000000000002:0"],"outs":[{"script":"0014","sat":1,"change":1}],"fee":1}`)
	f.Add(`{"v":3,"batch":"0198c0de-0000-7000-8000-000000000007","txid":"0000000000000000000000000000000000000000000000000000000000000001","inputs":["0000000000000000000000000000000000000000000000000000000000000002:0"],"outs":[{"script":"0014","sat":1,"period":1,"note":"00"}],"fee":1,"kind":"void","lock_time":7,"note":"causeway/upkeep/v2\n","void":"x"}`)
	f.Add(`{"v":3}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLine(text)
		if err != nil {
			return
		}
		if len(l.inputs) != len(l.Inputs) || l.txid.String() != l.TxID {
			t.Errorf("read as %+v", l)
		}
		if tx, err := l.unsigned(); err == nil && tx.TxHash() != l.txid {
			t.Errorf("made %s of %s", tx.TxHash(), l.TxID)
		}
		owed, _ := l.instalments() // must not panic
		for i := range l.Outs {
			if paid, err := l.paid(i, owed); err == nil && paid.Period != l.Outs[i].Period {
				t.Errorf("output %d pays period %d", i, paid.Period)
			}
		}
	})
}
