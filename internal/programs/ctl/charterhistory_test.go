package ctl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
)

func TestAHistoryIsVerifiedInTurn(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	two := one.Next(tighter)
	three := two.Next(tighter)
	second := o.charter(two)
	o.charter(one)
	third := o.charter(three)
	if err := os.Mkdir(filepath.Join(o.dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	out := o.run("", "charter", "history", o.dir).want(t, 0)
	for _, says := range []string{one.Charter.Digest().String()[:20], three.Charter.Digest().String()[:20], "Trustee 1, Trustee 2, Trustee 3", "49 999 998 sat instead of 49 999 999."} {
		if !strings.Contains(out.stdout, says) {
			t.Errorf("it does not say %s:\n%s", says, out.stdout)
		}
	}
	remove := func(paths ...string) {
		for _, path := range paths {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove(third[1:3]...)
	check(t, map[string]refusal{
		"too few signed": {o.run("", "charter", "history", o.dir), 5, "Version 3 does not hold. Too few trustees of version 3 signed: 1 of 2."},
		"no folder":      {o.run("", "charter", "history", o.dir+"/none"), 2, "none"},
		"no charter":     {o.run("", "charter", "history", filepath.Join(o.dir, "empty")), 2, "no file that ends in .charter"},
		"nothing kept":   {o.run("", "charter", "history"), 2, "you have verified no charter yet"},
	})
	remove(second...)
	check(t, map[string]refusal{"one is missing": {o.run("", "charter", "history", o.dir), 4, "does not follow"}})
	remove(third[0])
	o.file("fork.charter", keytest.NewFund(keytest.Plan{Change: tighter}).Charter.Encode())
	check(t, map[string]refusal{"a fork": {o.run("", "charter", "history", o.dir), 4, "does not follow"}})
}

func TestTheHistoryOfWhatWasKept(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	two := one.Next(tighter)
	o.pin(one)
	o.run("", append([]string{"charter", "pin"}, o.charter(two)...)...).want(t, 0)
	out := o.run("", "charter", "history").want(t, 0)
	if !strings.Contains(out.stdout, two.Charter.Digest().String()[:20]) || strings.Contains(out.stderr, "are not there") {
		t.Errorf("%s\n%s", out.stdout, out.stderr)
	}
	// Who kept the second one first has nothing to hold it against.
	later := newOffice(t)
	later.pin(two)
	if out := later.run("", "charter", "history").want(t, 0); !strings.Contains(out.stderr, "The versions before 2 are not there") {
		t.Errorf("stderr: %s", out.stderr)
	}
}
