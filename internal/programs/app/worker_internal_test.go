package app

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// TestBlocksWakeTheWorkerAfterALostLease has a worker that looks by itself once an
// hour: only a notification of the node can make it walk a block before that. It
// loses its lease twice.
func TestBlocksWakeTheWorkerAfterALostLease(t *testing.T) {
	t.Parallel()
	base, node := pgtest.New(t), chaintest.New(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	owner, err := postgres.Open(t.Context(), base.URL)
	must(err)
	t.Cleanup(owner.Close)
	params, err := wallet.Params("simnet")
	must(err)
	seed := sha256.Sum256([]byte("treasury"))
	descriptor, err := wallet.DescriptorFromSeed(seed[:], wallet.KindWPKH, params)
	must(err)
	must(owner.Bind(t.Context(), params.Name, params.GenesisHash.String()))
	f := fund.Fund{
		ID: uuid.New(), Name: "Test fund", Descriptor: descriptor.String(), BirthdayHeight: chaintest.Ready - 10, Budget: 50_000_000, MinAmount: 10_000,
		MaxAmount: 5_000_000, PolicyVersion: 1, Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000, PayWindow: 90 * 24 * time.Hour, PaidDepth: 6, FinalDepth: 100,
		CreatedAt: time.Now(),
	}
	must(owner.CreateFund(t.Context(), f))
	dir := t.TempDir()
	must(os.WriteFile(filepath.Join(dir, "url"), []byte(base.WorkerURL), 0o600))
	_, err = audit.GenerateKeyFile(filepath.Join(dir, "log.key"), audit.Origin(f.ID.String()))
	must(err)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- Work(ctx, WorkerConfig{
			DatabaseURLFile: filepath.Join(dir, "url"), Chain: node.Config(), AuditKeyFile: filepath.Join(dir, "log.key"), Poll: time.Hour, Log: slog.New(slog.DiscardHandler),
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	})
	until := func(what, sql string, want int64) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(time.Minute)
		for {
			var got int64
			must(owner.Pool().QueryRow(t.Context(), sql).Scan(&got))
			if got >= want {
				return
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("%s: %d after a minute, want %d", what, got, want)
			}
		}
	}
	const head, epoch = "SELECT coalesce(max(height), 0) FROM header", "SELECT epoch FROM lease"
	height := int64(chaintest.Ready)
	until("the first walk", head, height)
	for lease := range int64(3) {
		if lease > 0 {
			_, err := owner.Pool().Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 7305813 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
			must(err)
			until("a new lease", epoch, lease+1)
		}
		for range 2 { // the first may be walked by the round at the lease's start
			node.Mine(1)
			height++
			until("a block under lease", head, height)
		}
	}
}
