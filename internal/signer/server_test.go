package signer_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// serve returns a client of a signer that listens on a socket.
func serve(t *testing.T, s *signer.Signer) (client *signerrpc.Client, socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := signer.Listen(t.Context(), socket, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	client, err = signerrpc.New(signerrpc.Config{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	return client, socket
}

func TestSocketSignsRefusesAndInforms(t *testing.T) {
	t.Parallel()
	s := freshSigner(t, wallet.KindWPKH)
	client, socket := serve(t, s)
	d := newDraft(t, newKey(t, wallet.KindWPKH))

	direct, err := s.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(direct, resp); diff != "" {
		t.Errorf("(-direct +socket):\n%s", diff)
	}
	replaceCoins(t, d)
	_, err = client.Sign(t.Context(), d.request(t))
	if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Code != "signer_refused" || e.Params["rule"] != "would_pay_twice" {
		t.Errorf("got %v, want would_pay_twice", err)
	}
	info, err := client.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Info(), info); diff != "" {
		t.Errorf("(-direct +socket):\n%s", diff)
	}
	stat, err := os.Stat(socket)
	if err != nil || stat.Mode().Perm() != 0o660 {
		t.Errorf("socket has mode %v (%v), want 0660", stat.Mode(), err)
	}
}

func TestParallelCallsJournalOnce(t *testing.T) {
	t.Parallel()
	s := freshSigner(t, wallet.KindTR)
	client, _ := serve(t, s)
	req := newDraft(t, newKey(t, wallet.KindTR)).request(t)
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			if _, err := client.Sign(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := s.Info().JournalRecords; got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}

func TestGarbageOnTheSocketIsRefused(t *testing.T) {
	t.Parallel()
	_, socket := serve(t, freshSigner(t, wallet.KindTR))
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	reply, err := signerrpc.ReadReply(conn)
	if err != nil || reply.Error == nil || reply.Error.Code != "bad_request" {
		t.Errorf("got %+v, %v", reply, err)
	}
}

func TestFullDiskIsSignerDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	s := newSigner(t, newKey(t, wallet.KindTR), path, fakeClock())
	client, _ := serve(t, s)
	if err := os.Mkdir(path+".checkpoint.new", 0o700); err != nil {
		t.Fatal(err)
	}
	req := newDraft(t, newKey(t, wallet.KindTR)).request(t)
	// The first call leaves its line without a checkpoint; the second must wait too.
	for range 2 {
		_, err := client.Sign(t.Context(), req)
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Code != "signer_down" || e.Params["rule"] != "journal_unwritable" {
			t.Fatalf("got %v, want signer_down for journal_unwritable", err)
		}
	}
	if err := os.Remove(path + ".checkpoint.new"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Sign(t.Context(), req); err != nil {
		t.Errorf("once the disk is well: %v", err)
	}
}

func TestListenReplacesOnlyADeadSocket(t *testing.T) {
	t.Parallel()
	_, socket := serve(t, freshSigner(t, wallet.KindTR))
	if _, err := signer.Listen(t.Context(), socket, ""); err == nil {
		t.Error("took the socket of a live signer")
	}

	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Listen(t.Context(), file, ""); err == nil {
		t.Error("took the place of a file")
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		t.Error("removed the file")
	}

	dead := filepath.Join(t.TempDir(), "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := signer.Listen(t.Context(), dead, "")
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

func TestListenRefusesAnUnknownGroup(t *testing.T) {
	t.Parallel()
	if _, err := signer.Listen(t.Context(), filepath.Join(t.TempDir(), "s"), "no-such-group-here"); err == nil {
		t.Error("accepted")
	}
}
