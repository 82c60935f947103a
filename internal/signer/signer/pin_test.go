package signer_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// types calls a command of the program and types a line.
func (i installed) types(t *testing.T, line string, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), i.binary, args...)
	cmd.Stdin = strings.NewReader(line + "\n")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if err != nil {
		t.Logf("%s: %s", args[0], said.String())
	}
	return err
}

// charter writes a charter that lists the program's keys and returns its file and digits.
func (i installed) charter(t *testing.T) (path, digits string) {
	t.Helper()
	acks, _ := i.key.AckKey()
	f := keytest.NewFund(keytest.Plan{Treasury: i.key.Descriptor(), Change: func(c *charter.Charter) {
		c.Signers[0].Key = acks
	}})
	path = i.path("charter")
	writeText(t, path, string(f.Charter.Encode()))
	return path, f.Charter.Digest().String()[:20]
}

// Killed with half a charter's line written, or all of it, the program starts again and is
// given the charter once more.
func TestAPinIsKilledAtEveryLabel(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t, "crash")
	for _, label := range []string{"S8", "S4", "S7"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			at := install(t, binary)
			path, digits := at.charter(t)
			pin := []string{"pin", path, "--socket", at.path("s")}
			r := at.start(t, "", "CRASH_AT="+label, "CRASH_ONCE="+at.path("once"))
			if err := at.types(t, digits, pin...); err == nil {
				t.Error("pin says that it is done, though the signer died")
			}
			if !diedYet(at.path("once"), label) {
				t.Fatalf("the signer did not die at %s", label)
			}
			r.end(t)
			r = at.start(t, "")
			if !r.listening {
				t.Fatal("the program does not start again")
			}
			if err := at.types(t, digits[:19]+"x", pin...); err == nil {
				t.Error("pinned with wrong digits")
			}
			for range 2 {
				if err := at.types(t, digits[:10]+" "+digits[10:], pin...); err != nil {
					t.Error(err)
				}
			}
			r.stop(t)
			j, err := signer.ReadJournal(at.path("journal"))
			if err != nil || j.Count() != 1 {
				t.Errorf("%d lines (%v), want the charter alone", j.Count(), err)
			}
		})
	}
}

// init with a charter makes a journal that begins with it, once the digits were typed.
func TestInitWithACharter(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t, "")
	i := installed{binary: binary, dir: t.TempDir()}
	writeText(t, i.path("pass"), "a long passphrase\n")
	i.says(t, "keygen", "--work-factor", "10", "--kind", "wsh")
	key, err := signer.OpenKeyFile(i.path("key"), []byte("a long passphrase"), &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	expressions := []string{key.Expression()}
	for n := range byte(2) {
		e, err := wallet.KeyExpression(bytes.Repeat([]byte{n + 1}, 32), wallet.KindWSH, &chaincfg.SimNetParams)
		if err != nil {
			t.Fatal(err)
		}
		expressions = append(expressions, e)
	}
	treasury, err := wallet.MultisigDescriptor(2, expressions, &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	acks, _ := key.AckKey()
	f := keytest.NewFund(keytest.Plan{Treasury: treasury, Change: func(c *charter.Charter) {
		for n := range c.Signers {
			if c.Signers[n].Fingerprint == key.Fingerprint() {
				c.Signers[n].Key = acks
			}
		}
	}})
	listed := false
	for _, s := range f.Charter.Signers {
		listed = listed || s.Key == acks
	}
	writeText(t, i.path("charter"), string(f.Charter.Encode()))
	args := []string{
		"init", "--network", "simnet", "--key-file", i.path("key"), "--passphrase-file", i.path("pass"), "--work-factor", "10",
		"--journal", i.path("journal"), "--charter", i.path("charter"),
	}
	if !listed { // the first two keys of a treasury are signers, in the order of their text
		if err := i.types(t, f.Charter.Digest().String()[:20], args...); err == nil {
			t.Error("took a charter that does not list it")
		}
		return
	}
	if err := i.types(t, f.Charter.Digest().String()[:19]+"x", args...); err == nil {
		t.Error("began with wrong digits")
	}
	if _, err := os.Stat(filepath.Join(i.dir, "journal")); err == nil {
		t.Error("wrong digits made a journal")
	}
	if err := i.types(t, f.Charter.Digest().String()[:20], args...); err != nil {
		t.Fatal(err)
	}
	r := i.start(t, "")
	if !r.listening {
		t.Fatal("the program does not start")
	}
	r.stop(t)
	j, err := signer.ReadJournal(i.path("journal"))
	if err != nil || j.Count() != 1 {
		t.Errorf("%d lines (%v), want the charter", j.Count(), err)
	}
}
