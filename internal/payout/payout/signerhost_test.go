package payout_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// signerHost is a real signer behind its Unix socket, which a test can stop and
// start again on the same journal.
type signerHost struct {
	t       testing.TB
	key     *signer.Key
	clock   clock.Clock
	socket  string
	journal string
	stop    func()
}

func newSignerHost(t testing.TB, key *signer.Key, clk clock.Clock) *signerHost {
	t.Helper()
	// The path of a socket is short, and t.TempDir holds the name of the test.
	dir, err := os.MkdirTemp("", "cws") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	h := &signerHost{t: t, key: key, clock: clk, socket: filepath.Join(dir, "s"), journal: filepath.Join(dir, "j"), stop: func() {}}
	t.Cleanup(func() {
		h.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := signer.CreateJournal(h.journal); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *signerHost) start(policy signer.Policy) {
	h.t.Helper()
	journal, err := signer.OpenJournal(h.journal)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := signer.New(signer.Config{
		Key: h.key, Journal: journal, Policy: policy, Clock: h.clock, Log: slog.New(slog.DiscardHandler), Program: "test",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(h.t.Context(), "unix", h.socket)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx, listener); err != nil {
			h.t.Errorf("serve signer: %v", err)
		}
	}()
	h.stop = func() {
		cancel()
		<-done
		if err := journal.Close(); err != nil {
			h.t.Errorf("close journal: %v", err)
		}
		h.stop = func() {}
	}
}

// signatures returns how many transactions the signer has ever released.
func (h *signerHost) signatures() int {
	h.t.Helper()
	journal, err := signer.ReadJournal(h.journal)
	if err != nil {
		h.t.Fatal(err)
	}
	return len(journal.Records())
}

func (h *signerHost) client() *signerrpc.Client {
	h.t.Helper()
	c, err := signerrpc.New(signerrpc.Config{Socket: h.socket, Timeout: 20 * time.Second})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}
