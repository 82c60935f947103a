package ack_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/ack"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func key(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func example() ack.Ack {
	return ack.Ack{
		Network: decision.Network{Name: "simnet", Genesis: strings.Repeat("0a", 32)},
		Fund:    uuid.MustParse("0198c0de-0000-7000-8000-000000000001"),
		Signer:  "d34db33f", Version: 3, Charter: decision.Digest{7}, HostHalt: true,
		Halts: []uuid.UUID{{15: 1}, {15: 2}},
		Line:  12, Head: decision.Digest{9}, At: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
	}
}

func TestAnAckComesBackAsItWasSigned(t *testing.T) {
	t.Parallel()
	bare := example()
	bare.Fund, bare.Version, bare.Charter = uuid.Nil, 0, decision.Digest{}
	bare.HostHalt, bare.Halts, bare.Line, bare.Head = false, nil, 0, decision.Digest{}
	for name, want := range map[string]ack.Ack{"full": example(), "before the first charter": bare} {
		text, signature := want.Sign(key(1))
		got, err := ack.Open(text, signature, sshsig.KeyOf(key(1)))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What a signer says can be judged without any program of ours.
func TestSSHKeygenJudgesAcks(t *testing.T) {
	t.Parallel()
	text, signature := example().Sign(key(1))
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	allowed := file("allowed", `signer-a namespaces="causeway-ack" `+sshsig.KeyOf(key(1)).String()+"\n")
	sig := file("sig", string(signature))
	verify := func(text []byte) error {
		cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "signer-a", "-n", ack.Namespace, "-s", sig)
		cmd.Stdin = bytes.NewReader(text)
		return cmd.Run()
	}
	if err := verify(text); err != nil {
		t.Errorf("ssh-keygen refuses the ack: %v", err)
	}
	if err := verify(append(text, 'x')); err == nil {
		t.Error("ssh-keygen accepts another text")
	}
}

func TestOtherAcksAreRefused(t *testing.T) {
	t.Parallel()
	good, signature := example().Sign(key(1))
	open := func(text, signature []byte) error {
		_, err := ack.Open(text, signature, sshsig.KeyOf(key(1)))
		return err
	}
	resigned := func(old, now string) ([]byte, []byte) {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the example", old)
		}
		text := bytes.Replace(good, []byte(old), []byte(now), 1)
		return text, sshsig.Sign(key(1), ack.Namespace, text)
	}
	for name, change := range map[string][2]string{
		"another header":   {"ack/v1", "ack/v2"},
		"no fund":          {"fund 0198c0de-0000-7000-8000-000000000001\n", ""},
		"bad fund":         {"fund 0198c0de", "fund 0198C0DE"},
		"version 0":        {"charter 3", "charter 0"},
		"negative line":    {"line 12", "line -1"},
		"leading zero":     {"line 12", "line 012"},
		"halts out of row": {"halt 00000000-0000-0000-0000-000000000001\nhalt 00000000-0000-0000-0000-000000000002", "halt 00000000-0000-0000-0000-000000000002\nhalt 00000000-0000-0000-0000-000000000001"},
		"halt twice":       {"halt 00000000-0000-0000-0000-000000000001", "halt 00000000-0000-0000-0000-000000000002"},
		"host twice":       {"halt host\n", "halt host\nhalt host\n"},
		"more behind":      {"Z\n", "Z\nmore\n"},
		"no last feed":     {"Z\n", "Z"},
		"another zone":     {"Z\n", "+01:00\n"},
		"two spaces":       {"signer d", "signer  d"},
	} {
		if err := open(resigned(change[0], change[1])); !errs.Is(err, "ack_malformed") {
			t.Errorf("%s: got %v, want ack_malformed", name, err)
		}
	}
	many := example()
	many.Halts = make([]uuid.UUID, 30_000)
	for i := range many.Halts {
		many.Halts[i] = uuid.UUID{13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}
	}
	if err := open(many.Sign(key(1))); !errs.Is(err, "ack_malformed") {
		t.Errorf("too long: got %v, want ack_malformed", err)
	}
	if err := open(example().Sign(key(2))); !errs.Is(err, "ack_other_key") {
		t.Errorf("another signer: got %v, want ack_other_key", err)
	}
	if err := open(good, sshsig.Sign(key(1), sshsig.Namespace, good)); !errs.Is(err, "sshsig_namespace") {
		t.Errorf("a signature of people's kind: got %v, want sshsig_namespace", err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if err := open(bad, signature); !errs.Is(err, "sshsig_wrong") {
			t.Errorf("byte %d changed: got %v, want sshsig_wrong", i, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(example().Encode())
	f.Add([]byte("causeway/ack/v1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ack.Open(text, sshsig.Sign(key(1), ack.Namespace, text), sshsig.KeyOf(key(1)))
		if err == nil && !bytes.Equal(a.Encode(), text) {
			t.Errorf("accepted %q, which reads as %q", text, a.Encode())
		}
	})
}
