package signer_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
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

// A worker that lost its database reads the journal page by page.
func TestTheJournalComesInPages(t *testing.T) {
	t.Parallel()
	key, path := newKey(t, wallet.KindTR), filepath.Join(t.TempDir(), "journal")
	s := newSigner(t, key, path, fakeClock())
	client, _ := serve(t, s)
	d := newDraft(t, key)
	for attempt := range int64(4) {
		d.attempt, d.fee = attempt, d.fee+1000
		if _, err := s.Sign(t.Context(), d.request(t)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := client.Journal(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range all {
		text += e.Line + "\n"
	}
	if text != readText(t, path) {
		t.Errorf("the journal came as %q", text)
	}
	rest, err := client.Journal(t.Context(), 2)
	if diff := cmp.Diff(all[2:], rest); err != nil || diff != "" {
		t.Errorf("after 2: %v (-want +got):\n%s", err, diff)
	}
	for _, after := range []int64{4, 5, 1 << 60} {
		if none, err := client.Journal(t.Context(), after); err != nil || len(none) != 0 {
			t.Errorf("after %d: %v, %v", after, none, err)
		}
	}
	j, err := signer.ReadJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{1: 1, len(all[0].Line): 1, len(all[0].Line) + len(all[1].Line): 2} {
		if lines, err := j.Lines(0, limit); err != nil || len(lines) != want {
			t.Errorf("limit of %d bytes: %d lines (%v), want %d", limit, len(lines), err, want)
		}
	}
}

// The largest batch that the default policy allows goes over the socket, into
// one line of the journal and back.
func TestThreeThousandPayments(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	path := filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	s, closeJournal := openSignerWith(t, key, path, fakeClock(), signer.DefaultPolicy())
	t.Cleanup(closeJournal)
	client, _ := serve(t, s)
	d := newDraft(t, key)
	d.notes, d.fee = nil, 120_000
	d.onBatch = func(b *decision.BatchNote) { b.MaxFee = 150_000 }
	for i := range 3000 {
		n := newNote(t, byte(i%200), 1200)
		n.Decision[0], n.Decision[1] = byte(i), byte(i>>8)
		d.notes = append(d.notes, n)
	}
	d.coins = []coin{newCoin(t, key.Descriptor(), 1, 4_000_000)}
	resp, err := client.Sign(t.Context(), d.request(t))
	if err != nil {
		t.Fatal(err)
	}
	d.attempt, d.fee = 1, 130_000
	if _, err := client.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	page, err := client.Journal(t.Context(), 0)
	if err != nil || len(page) != 2 || !strings.Contains(page[0].Line, resp.TxID) {
		t.Errorf("%d lines (%v)", len(page), err)
	}
	d.notes = append(d.notes, newNote(t, 201, 1200), newNote(t, 202, 1200))
	if _, err := client.Sign(t.Context(), d.request(t)); err == nil {
		t.Error("signed 3,002 payments")
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
