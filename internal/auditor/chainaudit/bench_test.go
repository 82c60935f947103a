package chainaudit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/clock"
)

// fill adds a block of about a megabyte: 2,500 payments of others, each with two
// inputs with witnesses and two outputs.
func (n *memNode) fill(seed uint32) {
	txs := make([]*wire.MsgTx, 2_500)
	for i := range txs {
		id := chainhash.HashH(binary.BigEndian.AppendUint32(fmt.Append(nil, seed), uint32(i)))
		tx := wire.NewMsgTx(2)
		for v := range uint32(2) {
			tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: id, Index: v}, Witness: wire.TxWitness{make([]byte, 72), make([]byte, 33)}})
			tx.AddTxOut(wire.NewTxOut(1_000, append([]byte{0, 20}, id[v:20+v]...)))
		}
		txs[i] = tx
	}
	n.mine(txs...)
}

// BenchmarkIngest reads full blocks, and reports how many times as long
// (x_deserialise) and how many times as much processor time (x_cpu) that takes as
// only fetching and deserialising the same blocks one after another.
func BenchmarkIngest(b *testing.B) {
	f := newFund(b, "wpkh", "bench")
	n := fundedNode(b, f)
	const blocks = 24
	for i := range uint32(blocks) {
		n.fill(i)
	}
	cfg := f.config(n, 0)
	watch := clock.Real{}
	var best string
	if err := n.Call(b.Context(), &best, "getbestblockhash"); err != nil {
		b.Fatal(err)
	}
	n.txOut("", "", best) // a real node has its coins at hand
	var reading, plain, readingCPU, plainCPU time.Duration
	for b.Loop() {
		begun, used := watch.Now(), cpu(b)
		if r, err := chainaudit.Run(b.Context(), cfg); err != nil || !r.OK() {
			b.Fatal(err, r.Alarms)
		}
		reading, readingCPU = reading+watch.Now().Sub(begun), readingCPU+cpu(b)-used
		begun, used = watch.Now(), cpu(b)
		fetchOnly(b, n)
		plain, plainCPU = plain+watch.Now().Sub(begun), plainCPU+cpu(b)-used
	}
	b.ReportMetric(float64(reading)/float64(plain), "x_deserialise")
	b.ReportMetric(float64(readingCPU)/float64(plainCPU), "x_cpu")
	b.ReportMetric(float64(reading.Milliseconds())/float64(b.N*blocks), "ms/block")
}

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fetchOnly(b *testing.B, n *memNode) {
	b.Helper()
	for h := range int32(len(n.blocks)) {
		var hash, text string
		if h == 0 {
			continue
		}
		if err := n.Call(b.Context(), &hash, "getblockhash", h); err != nil {
			b.Fatal(err)
		}
		if err := n.Call(b.Context(), &text, "getblock", hash, 0); err != nil {
			b.Fatal(err)
		}
		raw, err := hex.DecodeString(text)
		if err != nil {
			b.Fatal(err)
		}
		var block wire.MsgBlock
		if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}
