package ctl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// office is a folder with the files of a fund's people, and the folder of charters that somebody
// among them verified.
type office struct {
	t      *testing.T
	dir    string
	config string
}

func newOffice(t *testing.T) office {
	t.Helper()
	dir := t.TempDir()
	return office{t, dir, filepath.Join(dir, "config")}
}

// file writes a file and returns its path.
func (o office) file(name string, text []byte) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// key writes the files of a person's ssh key, as ssh-keygen has them.
func (o office) key(p *keytest.Person) string {
	o.t.Helper()
	name := strings.ReplaceAll(p.Name, " ", "-")
	o.file(name+".pub", []byte(p.SSHKey.Key().String()+" "+p.Name+"\n"))
	return o.file(name, p.SSHKey.File())
}

// charter writes the files of a fund's charter and of its trustees' signatures.
func (o office) charter(f keytest.Fund) []string {
	o.t.Helper()
	digest := f.Charter.Digest().String()[:8]
	paths := []string{o.file(fmt.Sprintf("%d-%s.charter", f.Charter.Version, digest), f.Charter.Encode())}
	for i, signature := range f.SignCharter() {
		paths = append(paths, o.file(fmt.Sprintf("%d-%s-%d.sig", f.Charter.Version, digest, i), signature))
	}
	return paths
}

func (o office) run(stdin string, args ...string) outcome {
	o.t.Helper()
	return run(o.t.Context(), stdin, append(args, "--config-dir", o.config)...)
}

// pin keeps the first charter of a fund.
func (o office) pin(f keytest.Fund) {
	o.t.Helper()
	o.run(f.Charter.Digest().String()+"\n", append([]string{"charter", "pin"}, o.charter(f)...)...).want(o.t, 0)
}

func tighter(c *charter.Charter) { c.Limits.Day-- }

func TestTheNewestVerifiedCharterIsKept(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	two := one.Next(tighter)
	if out := o.run("", "charter", "show").want(t, 2); !strings.Contains(out.stderr, "you have verified no charter yet") {
		t.Errorf("before: %s", out.stderr)
	}
	o.pin(one)
	if out := o.run("", "charter", "show").want(t, 0); !strings.Contains(out.stdout, "This is the newest charter that you have verified.") {
		t.Errorf("after: %s", out.stdout)
	}
	second := o.charter(two)
	if out := o.run("", "charter", "show", second[0]).want(t, 0); !strings.Contains(out.stdout, "It would follow version 1, the newest that you have verified.") {
		t.Errorf("the next: %s", out.stdout)
	}
	// Nothing new to compare: the trustees of both are enough.
	shown := o.run("", append([]string{"charter", "pin"}, second...)...).want(t, 0)
	if !strings.Contains(shown.stderr, "The limit of 24 hours: 49 999 999 sat instead of 50 000 000.") {
		t.Errorf("it does not show what changes: %s", shown.stderr)
	}
	if out := o.run("", "charter", "show", o.charter(one)[0]).want(t, 0); !strings.Contains(out.stdout, "This one is old: you have verified version 2.") {
		t.Errorf("the old one: %s", out.stdout)
	}
	if out := o.run("", append([]string{"charter", "verify"}, second...)...).want(t, 0); !strings.Contains(out.stdout, "1       ") {
		t.Errorf("verify does not ask the trustees of the version that was kept: %s", out.stdout)
	}
}

// refusal is a run that has to end with a code, and what it has to say.
type refusal struct {
	out  outcome
	code int
	says string
}

func check(t *testing.T, cases map[string]refusal) {
	t.Helper()
	for name, c := range cases {
		if c.out.want(t, c.code); !strings.Contains(c.out.stderr, c.says) {
			t.Errorf("%s: %s", name, c.out.stderr)
		}
	}
}

// TestWhatIsNotKept: each way in which somebody could make a person take another charter for
// the newest one.
func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	two := one.Next(tighter)
	eve := keytest.NewPerson("Eve", keytest.Origin, charter.Trustee)
	withEve := one.Next(func(c *charter.Charter) { c.People = append(c.People, eve.Person) })
	fork := keytest.NewFund(keytest.Plan{Change: tighter})
	digest := one.Charter.Digest().String()
	first := o.charter(one)
	pin := func(stdin string, paths ...string) outcome {
		return o.run(stdin, append([]string{"charter", "pin"}, paths...)...)
	}
	check(t, map[string]refusal{
		"other digits":        {pin(strings.Repeat("0", 20)+"\n", first...), 1, "Nothing was kept."},
		"19 digits":           {pin(digest[:19]+"\n", first...), 1, "Nothing was kept."},
		"one signature":       {pin(digest+"\n", first[:2]...), 5, "Too few trustees of version 1 signed: 1 of 2."},
		"one signature twice": {pin(digest+"\n", first[0], first[1], first[1]), 5, "1 of 2"},
		"by another charter":  {pin(digest+"\n", append(first[:1:1], o.charter(two)[1:]...)...), 5, "0 of 2"},
	})
	o.run("", "charter", "show").want(t, 2)

	o.pin(one)
	third := keytest.Fund{Charter: two.Charter, Trustees: two.Trustees}.Next(tighter)
	read := eve.SSHKey.Key().Fingerprint()
	check(t, map[string]refusal{
		"again":                {pin(digest+"\n", first...), 4, "This is the newest charter that you have verified. Nothing was changed."},
		"a fork":               {pin(fork.Charter.Digest().String()+"\n", o.charter(fork)...), 4, "Two texts of one version"},
		"one left out":         {pin(third.Charter.Digest().String()+"\n", o.charter(third)...), 4, "does not follow"},
		"a key not read out":   {pin("\n", o.charter(withEve)...), 1, "This is not the fingerprint"},
		"a key half read out":  {pin(read[:len("SHA256:")+13]+"\n", o.charter(withEve)...), 1, "This is not the fingerprint"},
		"another key read out": {pin(one.Trustees[0].SSHKey.Key().Fingerprint()+"\n", o.charter(withEve)...), 1, "This is not the fingerprint"},
		"yes":                  {pin("yes\n", o.charter(withEve)...), 1, "Nothing was signed or kept."},
		"too few of the old":   {pin(read+"\n", o.charter(withEve)[:2]...), 5, "Too few trustees of version 2 signed: 1 of 2."},
	})
	shown := pin("\n", o.charter(withEve)...)
	if strings.Contains(shown.stderr, read) || !strings.Contains(shown.stderr, "Eve has an ssh key that is new to you.") {
		t.Errorf("it shows the fingerprint that it asks for: %s", shown.stderr)
	}
	if out := o.run("", "charter", "show", "--json").want(t, 0); !strings.Contains(out.stdout, digest) {
		t.Errorf("another one was kept: %s", out.stdout)
	}
	pin(read+"\n", o.charter(withEve)...).want(t, 0)
}

func TestASignerComparesWithTheVerifiedCharter(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	two, fork := one.Next(tighter), keytest.NewFund(keytest.Plan{Change: tighter})
	forked := fork.Next(tighter)
	key := o.key(one.Trustees[0])
	sign := func(f keytest.Fund, more ...string) outcome {
		return o.run(f.Charter.Digest().String()+"\n", append([]string{"charter", "sign", o.charter(f)[0], "--key", key}, more...)...)
	}
	o.pin(one)
	if out := sign(two).want(t, 0); !strings.Contains(out.stderr, "AGAINST VERSION 1") {
		t.Errorf("it does not compare: %s", out.stderr)
	}
	if out := sign(fork).want(t, 4); !strings.Contains(out.stderr, "Two texts of one version") {
		t.Errorf("a fork: %s", out.stderr)
	}
	// A server that calls a fork the version before does not get by.
	if out := sign(forked, "--previous", o.charter(fork)[0]).want(t, 4); !strings.Contains(out.stderr, "Two texts of one version") {
		t.Errorf("the next of a fork: %s", out.stderr)
	}
	if out := sign(forked).want(t, 4); !strings.Contains(out.stderr, "are a fork") {
		t.Errorf("the next of a fork: %s", out.stderr)
	}
	o.run("", append([]string{"charter", "pin"}, o.charter(two)...)...).want(t, 0)
	if out := sign(one).want(t, 4); !strings.Contains(out.stderr, "This one is old: you have verified version 2. Nothing was signed.") {
		t.Errorf("an old one: %s", out.stderr)
	}
}

func TestAKeptCharterThatWasChangedIsNoticed(t *testing.T) {
	t.Parallel()
	o, one := newOffice(t), keytest.NewFund(keytest.Plan{})
	o.pin(one)
	path := filepath.Join(o.config, "charters", one.Charter.Fund.String(), "1.charter")
	if err := os.WriteFile(path, append(one.Charter.Encode(), ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := o.run("", "charter", "show").want(t, 1); !strings.Contains(out.stderr, "was changed and is no longer a charter") {
		t.Errorf("stderr: %s", out.stderr)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
