package signerrpc_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// serve answers every connection with answer until the test ends.
func serve(t *testing.T, answer func(net.Conn)) *signerrpc.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	client, err := signerrpc.New(signerrpc.Config{Socket: socket})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func reply(t *testing.T, p signerrpc.Reply) func(net.Conn) {
	t.Helper()
	return func(conn net.Conn) {
		if _, err := signerrpc.ReadCall(conn); err != nil {
			t.Errorf("ReadCall: %v", err)
		}
		if err := signerrpc.WriteLine(conn, p); err != nil {
			t.Errorf("WriteLine: %v", err)
		}
	}
}

func TestSignCarriesEverythingBothWays(t *testing.T) {
	t.Parallel()
	want := signerrpc.Request{
		PSBT: []byte{0, 1, 0xff}, PrevTxs: [][]byte{{1}, {2, 3}}, BatchNote: "a\nb\n", Decisions: []string{"d\n"}, BatchID: "id", AttemptNo: 3,
		Void: "v\n", Dead: []signerrpc.DeadProof{{Decision: "d", TxID: "t", Proof: spv.Inclusion{Tx: []byte{1}, Position: 1, Branch: make([]chainhash.Hash, 2), Headers: make([]byte, 160)}}},
	}
	var got signerrpc.Request
	client := serve(t, func(conn net.Conn) {
		call, err := signerrpc.ReadCall(conn)
		if err != nil || call.Sign == nil {
			t.Errorf("ReadCall: %+v %v", call, err)
			return
		}
		got = *call.Sign
		if err := signerrpc.WriteLine(conn, signerrpc.Reply{V: 1, Signed: &signerrpc.Response{PSBT: []byte("p"), TxID: "t"}}); err != nil {
			t.Error(err)
		}
	})
	resp, err := client.Sign(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
	if diff := cmp.Diff(signerrpc.Response{PSBT: []byte("p"), TxID: "t"}, resp); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusalNamesTheRule(t *testing.T) {
	t.Parallel()
	client := serve(t, reply(t, signerrpc.Reply{V: 1, Error: &signerrpc.Failure{Code: "would_pay_twice", Message: "It would pay twice."}}))
	_, err := client.Sign(t.Context(), signerrpc.Request{})
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != errs.Conflict || e.Code != "signer_refused" || e.Params["rule"] != "would_pay_twice" {
		t.Errorf("got %#v", err)
	}
}

func TestUnknownOutcomeIsSignerDown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn){
		"hangs up":        func(net.Conn) {},
		"half a line":     func(c net.Conn) { _, _ = io.WriteString(c, `{"v":1,"signed":{"psbt":"`) },
		"not JSON":        func(c net.Conn) { _, _ = io.WriteString(c, "no\n") },
		"another version": func(c net.Conn) { _, _ = io.WriteString(c, `{"v":2,"info":{}}`+"\n") },
		"empty":           func(c net.Conn) { _, _ = io.WriteString(c, `{"v":1}`+"\n") },
		"wrong answer":    func(c net.Conn) { _, _ = io.WriteString(c, `{"v":1,"info":{}}`+"\n") },
		"full disk":       reply(t, signerrpc.Reply{V: 1, Error: &signerrpc.Failure{Code: "journal", Message: "Disk full.", Retry: true}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, answer).Sign(t.Context(), signerrpc.Request{})
			if errs.KindOf(err) != errs.Unavailable || !errs.Is(err, "signer_down") {
				t.Errorf("got %v, want signer_down", err)
			}
		})
	}
}

func TestJournalRefusesAGap(t *testing.T) {
	t.Parallel()
	for name, seqs := range map[string][]int64{"whole": {3, 4}, "empty": {}, "gap": {3, 5}, "starts late": {4}, "starts early": {2, 3}} {
		page := &signerrpc.JournalPage{Entries: []signerrpc.JournalEntry{}}
		for _, seq := range seqs {
			page.Entries = append(page.Entries, signerrpc.JournalEntry{Seq: seq, Line: "x"})
		}
		got, err := serve(t, reply(t, signerrpc.Reply{V: 1, Journal: page})).Journal(t.Context(), 2)
		if good := name == "whole" || name == "empty"; good && (err != nil || len(got) != len(seqs)) || !good && !errs.Is(err, "signer_down") {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestNoSocketIsSignerDown(t *testing.T) {
	t.Parallel()
	client, err := signerrpc.New(signerrpc.Config{Socket: filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Info(t.Context()); !errs.Is(err, "signer_down") {
		t.Errorf("got %v, want signer_down", err)
	}
}

func TestTooLargeARequestIsNotSent(t *testing.T) {
	t.Parallel()
	client, err := signerrpc.New(signerrpc.Config{Socket: filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Sign(t.Context(), signerrpc.Request{PSBT: make([]byte, signerrpc.MaxLine)})
	if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Code != "signer_refused" || e.Params["rule"] != "too_large" {
		t.Errorf("got %v, want signer_refused for too_large", err)
	}
}

func TestCancelEndsACallThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	client := serve(t, func(net.Conn) { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := client.Info(ctx)
	close(release)
	if !errs.Is(err, "signer_down") {
		t.Errorf("got %v, want signer_down", err)
	}
}

func TestReadCallRefuses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"empty":          "",
		"no line feed":   `{"v":1,"info":{}}`,
		"two lines":      "{\"v\":1,\"info\":{}}\n{}\n",
		"two values":     "{\"v\":1,\"info\":{}} 1\n",
		"unknown field":  "{\"v\":1,\"info\":{},\"x\":1}\n",
		"nested unknown": "{\"v\":1,\"sign\":{\"psbt\":\"\",\"x\":1}}\n",
		"both":           "{\"v\":1,\"info\":{},\"sign\":{}}\n",
		"info, journal":  "{\"v\":1,\"info\":{},\"journal\":{\"after\":0}}\n",
		"bad proof":      "{\"v\":1,\"sign\":{\"psbt\":\"\",\"dead\":[{\"txid\":\"t\",\"proof\":{\"tx\":\"0\"}}]}}\n",
		"neither":        "{\"v\":1}\n",
		"version":        "{\"v\":2,\"info\":{}}\n",
		"bad base64":     "{\"v\":1,\"sign\":{\"psbt\":\"*\"}}\n",
		"too long":       strings.Repeat(" ", signerrpc.MaxLine) + "\n",
	} {
		if _, err := signerrpc.ReadCall(strings.NewReader(line)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzReadCall(f *testing.F) {
	f.Add("{\"v\":1,\"info\":{}}\n")
	f.Add("{\"v\":1,\"journal\":{\"after\":7}}\n")
	f.Add("{\"v\":1,\"sign\":{\"psbt\":\"\",\"void\":\"v\",\"dead\":[{\"txid\":\"t\",\"proof\":{\"tx\":\"00\",\"position\":0,\"branch\":[],\"headers\":[]}}]}}\n")
	f.Add("{\"v\":1,\"sign\":{\"psbt\":\"AA==\",\"batch_note\":\"n\",\"decisions\":[\"d\"],\"batch_id\":\"b\",\"attempt_no\":1,\"approvals\":[{}]}}\n")
	f.Fuzz(func(t *testing.T, line string) {
		call, err := signerrpc.ReadCall(strings.NewReader(line))
		asked := 0
		for _, is := range []bool{call.Sign != nil, call.Info != nil, call.Journal != nil} {
			if is {
				asked++
			}
		}
		if err == nil && asked != 1 {
			t.Errorf("accepted %q as %+v", line, call)
		}
	})
}

// TestErrorsNameWhatWasAsked: of each call, whether nobody answers or the signer refuses. What went
// wrong stays findable behind it.
func TestErrorsNameWhatWasAsked(t *testing.T) {
	t.Parallel()
	nobody, err := signerrpc.New(signerrpc.Config{Socket: filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	refuses := serve(t, reply(t, signerrpc.Reply{V: 1, Error: &signerrpc.Failure{Code: "no", Message: "No."}}))
	req := signerrpc.Request{BatchID: "b7", AttemptNo: 3}
	for op, call := range map[string]func(*signerrpc.Client) error{
		"sign attempt 3 of batch b7": func(c *signerrpc.Client) error {
			_, err := c.Sign(t.Context(), req)
			return err
		},
		"ask the signer what it is": func(c *signerrpc.Client) error {
			_, err := c.Info(t.Context())
			return err
		},
		"read the signer's journal after line 41": func(c *signerrpc.Client) error {
			_, err := c.Journal(t.Context(), 41)
			return err
		},
	} {
		err := call(nobody)
		if !strings.Contains(err.Error(), op+": ") || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nobody listens: %v, want %q and that there is no file", err, op)
		}
		err = call(refuses)
		if !strings.Contains(err.Error(), op+": no") || !errs.Is(err, "signer_refused") {
			t.Errorf("refused: %v, want %q and the rule", err, op)
		}
	}
}
