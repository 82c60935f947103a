package signer_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/ack"
)

func ackingKey(t *testing.T) *signer.Key {
	t.Helper()
	return newKey(t, wallet.KindWPKH).WithAcks(bytes.Repeat([]byte{3}, 32))
}

// open reads an ack of ackingKey.
func open(t *testing.T, a *signerrpc.Ack) ack.Ack {
	t.Helper()
	if a == nil {
		t.Fatal("no ack")
	}
	key, _ := ackingKey(t).AckKey()
	read, err := ack.Open([]byte(a.Text), []byte(a.Signature), key)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestEveryAnswerHasASignedAck(t *testing.T) {
	t.Parallel()
	key := ackingKey(t)
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), fakeClock())
	client, _ := serve(t, s)
	d := newDraft(t, key)
	bad := d.request(t)
	bad.BatchID = "x"
	for name, call := range map[string]func() error{
		"info":    func() error { _, err := client.Info(t.Context()); return err },
		"journal": func() error { _, err := client.Journal(t.Context(), 0); return err },
		"signed":  func() error { _, err := client.Sign(t.Context(), d.request(t)); return err },
		"refused": func() error {
			if _, err := client.Sign(t.Context(), bad); !errs.Is(err, "signer_refused") {
				return errors.New("not refused")
			}
			return nil
		},
	} {
		before := client.Ack()
		if err := call(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if after := client.Ack(); after == before {
			t.Errorf("%s: no ack", name)
		}
	}
	info := s.Info()
	a := open(t, client.Ack())
	if a.Line != 1 || a.Head.String() != info.JournalHead || a.Signer != key.Fingerprint() || a.Network.Name != "simnet" ||
		!a.At.Equal(now()) || a.HostHalt {
		t.Errorf("acked %+v", a)
	}
	if err := s.HostHalt(true); err != nil {
		t.Fatal(err)
	}
	if a := open(t, s.Ack()); a.Line != 2 || !a.HostHalt {
		t.Errorf("halted: acked %+v", a)
	}
}

// A host's disk is put back to an older snapshot, journal, checkpoint and all. What the signer
// has acked since tells it, and it signs nothing until the journal is whole again.
func TestASnapshotPutBackIsNoticed(t *testing.T) {
	t.Parallel()
	key, path := ackingKey(t), filepath.Join(t.TempDir(), "journal")
	if err := signer.CreateJournal(path); err != nil {
		t.Fatal(err)
	}
	first, second := newDraft(t, key), newDraft(t, key)
	second.number = 6
	second.coins = []coin{newCoin(t, key.Descriptor(), 9, 4_000_000)}
	for i := range second.notes {
		second.notes[i].Decision[0] = 1
	}
	var newest *signerrpc.Ack
	life := func(sign *draft) {
		s, closeJournal := openSigner(t, key, path, fakeClock())
		defer closeJournal()
		if _, err := s.Sign(t.Context(), sign.request(t)); err != nil {
			t.Fatal(err)
		}
		newest = s.Ack()
	}
	life(first)
	snapshot, checkpoint := readText(t, path), readText(t, path+".checkpoint")
	life(second)
	whole, wholeCheckpoint := readText(t, path), readText(t, path+".checkpoint")

	writeText(t, path, snapshot)
	writeText(t, path+".checkpoint", checkpoint)
	asks := func(want errs.Code) {
		t.Helper()
		s, closeJournal := openSigner(t, key, path, fakeClock())
		defer closeJournal()
		client, _ := serve(t, s)
		client.HandBack(*newest)
		for _, d := range []*draft{first, second} {
			_, err := client.Sign(t.Context(), d.request(t))
			e := (*errs.Error)(nil)
			if want == "" && err != nil || want != "" && (!errors.As(err, &e) || e.Params["rule"] != string(want)) {
				t.Errorf("got %v, want %s", err, want)
			}
			client.HandBack(*newest) // its answers name the older line
		}
		info, err := client.Info(t.Context())
		if err != nil || info.RolledBack != (want != "") || errs.Is(info.Trouble(), want) != (want != "") {
			t.Errorf("info %+v (%v), want %s", info, err, want)
		}
	}
	asks("journal_rolled_back")
	asks("journal_rolled_back") // also after a restart

	// Another history of as many lines is no better than a shorter one.
	third := newDraft(t, key)
	third.number, third.coins, third.notes = 7, second.coins, second.notes
	kept := newest
	life(third)
	newest = kept
	asks("journal_rolled_back")

	writeText(t, path, whole)
	writeText(t, path+".checkpoint", wholeCheckpoint)
	asks("")
}

// An ack that another key signed, or nobody, says nothing about this journal.
func TestForeignAcksAreIgnored(t *testing.T) {
	t.Parallel()
	key := ackingKey(t)
	s := newSigner(t, key, filepath.Join(t.TempDir(), "journal"), fakeClock())
	other := newSigner(t, newKey(t, wallet.KindWPKH).WithAcks(bytes.Repeat([]byte{4}, 32)), filepath.Join(t.TempDir(), "journal"), fakeClock())
	d := newDraft(t, key)
	if _, err := other.Sign(t.Context(), d.request(t)); err != nil {
		t.Fatal(err)
	}
	foreign := other.Ack()
	forged := *s.Ack()
	forged.Text = strings.Replace(forged.Text, "line 0 ", "line 7 ", 1)
	client, _ := serve(t, s)
	for name, a := range map[string]signerrpc.Ack{"foreign": *foreign, "forged": forged, "empty": {}} {
		client.HandBack(a)
		if info, err := client.Info(t.Context()); err != nil || info.RolledBack {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
	if _, err := client.Sign(t.Context(), d.request(t)); err != nil {
		t.Error(err)
	}
}

// The worker's socket does not reach what only the host may.
func TestTheWorkerCannotAskForTheHost(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ackingKey(t), filepath.Join(t.TempDir(), "journal"), fakeClock())
	client, _ := serve(t, s)
	if err := s.HostHalt(true); err != nil {
		t.Fatal(err)
	}
	err := client.Host(t.Context(), signerrpc.Host{Lift: true})
	if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Params["rule"] != "host_only" {
		t.Errorf("got %v, want host_only", err)
	}
	if a := open(t, s.Ack()); !a.HostHalt {
		t.Error("the halt was lifted")
	}
}
