package payout_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/rpcclient"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
)

// followRounds is how often both sides are timed, in turns.
const followRounds = 3

// BenchmarkFirstSync walks 20,000 blocks that hold nothing of the treasury's from the
// birthday on, with every header and its commit, on a PostgreSQL that waits for its disk.
func BenchmarkFirstSync(b *testing.B) {
	const blocks = 20_000
	node := chaintest.NewEmpty(b)
	node.History(chaintest.Ready + blocks)
	key := singleKey(b, wallet.KindWPKH)
	follow(b, newRigOn(b, node, key, []*signer.Key{key}), blocks)
}

// BenchmarkIngest walks blocks of about 700 kB.
func BenchmarkIngest(b *testing.B) {
	const blocks, transactions, payments = 12, 8, 2_500
	r := newRig(b)
	for range blocks {
		for range transactions {
			outs := make([]*wire.TxOut, payments)
			for i := range outs {
				outs[i] = wire.NewTxOut(1_000, payeeScript(r.payees))
				r.payees++
			}
			r.node.SendMany(outs...)
		}
		r.node.Mine(1)
	}
	follow(b, r, blocks)
}

// follow times the walk of the newest blocks beside btcd's own rpcclient, which asks for
// each block's hash and for the block over one websocket and parses it. x_rpcclient is
// the median of how many times its time ours is, x_best and x_worst are the spread.
func follow(b *testing.B, r *rig, blocks int32) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.chain.Watch(ctx, slog.New(slog.DiscardHandler)) }()
	b.Cleanup(func() {
		stop()
		<-ended //nolint:errcheck // it ends because it was told to
	})
	<-r.chain.Wake()
	peer := bareClient(b, r)
	top := r.height()
	var ratios, each []float64
	for b.Loop() {
		for range followRounds {
			began := time.Now()
			for h := top - blocks + 1; h <= top; h++ {
				hash, err := peer.GetBlockHash(int64(h))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := peer.GetBlock(hash); err != nil {
					b.Fatal(err)
				}
			}
			bare := time.Since(began)
			r.exec("DELETE FROM header WHERE height > $1", top-blocks)
			r.lead()
			began = time.Now()
			r.mustSync()
			took := time.Since(began)
			if n := r.number("SELECT max(height) FROM header"); n != int64(top) {
				b.Fatalf("walked to %d, want %d", n, top)
			}
			ratios = append(ratios, float64(took)/float64(bare))
			each = append(each, float64(took.Microseconds())/float64(blocks))
		}
	}
	slices.Sort(ratios)
	slices.Sort(each)
	b.ReportMetric(ratios[len(ratios)/2], "x_rpcclient")
	b.ReportMetric(ratios[0], "x_best")
	b.ReportMetric(ratios[len(ratios)-1], "x_worst")
	b.ReportMetric(each[len(each)/2], "us/block")
	b.ReportMetric(0, "ns/op")
}

// bareClient is btcd's own client over a websocket.
func bareClient(b *testing.B, r *rig) *rpcclient.Client {
	b.Helper()
	node := r.node.Handle()
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return text
	}
	c, err := rpcclient.New(&rpcclient.ConnConfig{
		Host: node.Host(), Endpoint: "ws", User: node.User(), Pass: string(slices.DeleteFunc(read(node.PassFile()), func(c byte) bool { return c == '\n' })),
		Certificates: read(node.CertFile()), DisableAutoReconnect: true,
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Shutdown()
		c.WaitForShutdown()
	})
	return c
}
