package payout_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

// stopwatch tells the node as the worker does and notes how long the node took.
type stopwatch struct {
	conductor.Broadcaster
	took time.Duration
}

func (s *stopwatch) Broadcast(ctx context.Context, raw []byte, maxFeeRateSatKVB int64) (string, error) {
	began := time.Now()
	defer func() { s.took += time.Since(began) }()
	return s.Broadcaster.Broadcast(ctx, raw, maxFeeRateSatKVB)
}

const (
	benchOwed = btcutil.Amount(20_000)
	benchCoin = btcutil.Amount(100_000_000)
)

// BenchmarkApprovedToBroadcast takes one batch of 3,000 payees from approved to the
// node: building, both looks at the policy, the signer's own checks and journal,
// every commit, and btcd's acceptance, which is given beside.
func BenchmarkApprovedToBroadcast(b *testing.B) {
	r := newRig(b, benchCoin, benchCoin, benchCoin)
	r.exec("UPDATE fund SET max_payees = 3000")
	watch := &stopwatch{Broadcaster: broadcaster{r.chain}}
	conductor := r.conductorWith(r.signer.client(), watch)
	var ours, node time.Duration
	for b.Loop() {
		batch := r.approve(r.composeAll(3000)[0])
		watch.took = 0
		r.clock.Advance(time.Minute)
		began := time.Now()
		if err := conductor.Step(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		r.wantState(batch.ID, payout.Broadcast)
		ours, node = ours+took-watch.took, node+watch.took
		r.mine(1)
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "s_ours/batch")
	b.ReportMetric(node.Seconds()/float64(b.N), "s_node/batch")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTenThousand composes, builds and signs 10,000 payments in five batches
// and gives the memory that was live at the end of it.
func BenchmarkTenThousand(b *testing.B) {
	r := newRig(b, benchCoin, benchCoin, benchCoin, benchCoin, benchCoin)
	r.exec("UPDATE fund SET max_payees = 2500")
	watch := &stopwatch{Broadcaster: broadcaster{r.chain}}
	conductor := r.conductorWith(r.signer.client(), watch)
	var before, after runtime.MemStats
	for b.Loop() {
		ids := r.oweMany(10_000)
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		batches, err := r.service.ComposeAll(b.Context(), r.treasurer, treasurer.Order{InstalmentIDs: ids, FeeRateSatKVB: 2_000})
		if err != nil {
			b.Fatal(err)
		}
		composed := time.Since(began)
		for _, batch := range batches {
			r.approve(batch)
		}
		r.clock.Advance(time.Minute)
		if err := conductor.Step(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began) - watch.took
		for _, batch := range batches {
			r.wantState(batch.ID, payout.Broadcast)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(composed.Seconds(), "s_compose")
		b.ReportMetric(took.Seconds(), "s_signed")
		b.ReportMetric(float64(len(batches)), "batches")
		b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/1e6, "MB_kept")
		r.mine(1)
	}
	b.ReportMetric(0, "ns/op")
}

func (r *rig) composeAll(n int) []payout.Batch {
	r.t.Helper()
	batches, err := r.service.ComposeAll(r.t.Context(), r.treasurer, treasurer.Order{InstalmentIDs: r.oweMany(n), FeeRateSatKVB: 2_000})
	if err != nil {
		r.t.Fatal(err)
	}
	return batches
}

// oweMany owes a usual amount to n new payees.
func (r *rig) oweMany(n int) []uuid.UUID {
	r.t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = r.oweOne(benchOwed)
	}
	return ids
}
