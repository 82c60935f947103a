package keytest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

const message = "causeway/approval/v1\nwhat people sign\n"

func keygen(t *testing.T, dir, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSSHKeygenHolds: ssh-keygen accepts what the keys sign, as sshsig does.
func TestSSHKeygenHolds(t *testing.T) {
	t.Parallel()
	untouched := keytest.NewSecurityKey(keytest.Seed("sk"), keytest.Application)
	untouched.Untouched = true
	for name, key := range map[string]*keytest.SSH{
		"ed25519": keytest.NewSSH(keytest.Seed("ed")), "security key": keytest.NewSecurityKey(keytest.Seed("sk"), keytest.Application),
		"untouched": untouched,
	} {
		dir, signature := t.TempDir(), key.Sign([]byte(message))
		write(t, filepath.Join(dir, "signers"), []byte("ann "+key.Key().String()+"\n"))
		write(t, filepath.Join(dir, "sig"), signature)
		if out, err := keygen(t, dir, message, "-Y", "verify", "-f", "signers", "-I", "ann", "-n", sshsig.Namespace, "-s", "sig"); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		s, err := sshsig.Parse(signature)
		if err != nil || s.Key != key.Key() {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Verify([]byte(message)); (err == nil) == key.Untouched {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSSHKeygenSignsWithTheFile: the private key's file serves a terminal.
func TestSSHKeygenSignsWithTheFile(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), keytest.NewSSH(keytest.Seed("ed"))
	write(t, filepath.Join(dir, "key"), key.File())
	write(t, filepath.Join(dir, "text"), []byte(message))
	if out, err := keygen(t, dir, "", "-Y", "sign", "-f", "key", "-n", sshsig.Namespace, "text"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "text.sig"))
	if err != nil || !bytes.Equal(theirs, key.Sign([]byte(message))) {
		t.Errorf("%v: ssh-keygen signs otherwise:\n%s\n%s", err, theirs, key.Sign([]byte(message)))
	}
}

func TestPasskeysAnswer(t *testing.T) {
	t.Parallel()
	challenge := [32]byte{1, 2, 3}
	for _, algorithm := range []string{"es256", "eddsa", "rs256"} {
		p := keytest.NewPasskey(algorithm, keytest.Origin, keytest.Seed("passkey"))
		if err := p.Assert(challenge).Verify(webauthn.Key(p.Key()), challenge); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestFunds(t *testing.T) {
	t.Parallel()
	named, err := wallet.DescriptorFromSeed(keytest.Seed("named"), wallet.KindTR, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		plan            keytest.Plan
		people, signers int
	}{
		"as it comes":       {keytest.Plan{}, 8, 2},
		"one signer":        {keytest.Plan{Single: true, Reviewers: 2, Treasurers: 1}, 6, 1},
		"a treasury of its": {keytest.Plan{Treasury: named}, 8, 1},
		"changed":           {keytest.Plan{Change: func(c *charter.Charter) { c.HoldHours = 0 }}, 8, 2},
	} {
		f := keytest.NewFund(c.plan)
		if len(f.Charter.People) != c.people || len(f.Charter.Signers) != c.signers {
			t.Errorf("%s: %d people, %d signers", name, len(f.Charter.People), len(f.Charter.Signers))
		}
		challenge := [32]byte{4}
		for _, p := range slices.Concat(f.Reviewers, f.Treasurers) {
			if err := p.Assert(challenge).Verify(webauthn.Key(p.Passkeys[0]), challenge); err != nil {
				t.Errorf("%s: %s: %v", name, p.Name, err)
			}
		}
		next := f.Next(func(c *charter.Charter) { c.Limits.Day-- })
		if err := next.Charter.Follows(f.Charter); err != nil || next.Charter.Limits.Day == f.Charter.Limits.Day {
			t.Errorf("%s: %v", name, err)
		}
		for i, signature := range next.SignCharter() {
			s, err := sshsig.Parse(signature)
			if err == nil {
				err = s.Verify(next.Charter.Encode())
			}
			if p, ok := next.Charter.TrusteeOf(s.Key); err != nil || !ok || p.ID != f.Trustees[i].ID {
				t.Errorf("%s: %v, by %s", name, err, p.Name)
			}
		}
	}
}
