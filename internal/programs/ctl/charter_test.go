package ctl_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const charters = "../../trust/charter/testdata/"

// sampleCharter returns a charter of the testdata, and its digest.
func sampleCharter(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(charters + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func digestOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// trustees is a folder with two versions of a charter, of which Ada and Sam have keys there.
type trustees struct {
	dir, first, second string
}

func keygen(t *testing.T, stdin string, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen %s: %w: %s", args, err, out)
	}
	return nil
}

func newTrustees(t *testing.T) trustees {
	t.Helper()
	dir := t.TempDir()
	text := sampleCharter(t, "simnet-1.charter")
	lines := strings.Split(text, "\n")
	for _, name := range []string{"ada", "sam", "eve"} {
		if err := keygen(t, "", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		public, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range lines {
			if strings.HasPrefix(line, "person ") && strings.EqualFold(line[strings.LastIndex(line, " ")+1:], name) {
				id := strings.Fields(line)[1]
				lines[i+1] = "key " + id + " ssh " + strings.TrimSpace(string(public))
			}
		}
	}
	tr := trustees{dir: dir, first: strings.Join(lines, "\n")}
	tr.second = strings.NewReplacer("version 1", "version 2", "previous none", "previous "+digestOf(tr.first),
		"limit_day_sat 50000000", "limit_day_sat 70000000").Replace(tr.first)
	for name, text := range map[string]string{"first": tr.first, "second": tr.second} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func (tr trustees) path(name string) string { return filepath.Join(tr.dir, name) }

// sign signs the first version by a key, with digits typed behind the fingerprints of the others.
func (tr trustees) sign(t *testing.T, key, digits string, more ...string) outcome {
	t.Helper()
	return run(t.Context(), fingerprints(t, tr.first, tr.path(key))+digits+"\n",
		append([]string{"charter", "sign", tr.path("first"), "--key", tr.path(key), "--config-dir", tr.path("config")}, more...)...)
}

// fingerprints returns what the people of a charter read out, but for the holder of own.
func fingerprints(t *testing.T, text, own string) string {
	t.Helper()
	ch, err := charter.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	public, _ := os.ReadFile(own + ".pub")
	var b strings.Builder
	for _, p := range ch.People {
		for _, k := range p.SSH {
			if k.String() != strings.TrimSpace(string(public)) {
				b.WriteString(k.Fingerprint()[:len("SHA256:")+14] + "\n")
			}
		}
	}
	return b.String()
}

func TestACharterIsSignedAndCounted(t *testing.T) {
	t.Parallel()
	tr := newTrustees(t)
	digest := digestOf(tr.first)
	out := tr.sign(t, "ada", strings.ToUpper(digest[:4])+" "+digest[4:20]).want(t, 0)
	if !strings.Contains(out.stderr, "Demo fund") || !strings.Contains(out.stderr, "Only a signer whose journal has a charter asks for one") {
		t.Errorf("it does not show what is signed:\n%s", out.stderr)
	}
	if strings.Contains(out.stderr, digest[:20]) || strings.Contains(out.stderr, digest[:4]+" "+digest[4:8]) {
		t.Errorf("it shows the digits that it asks for:\n%s", out.stderr)
	}
	signers := tempFile(t, "ada "+readFile(t, tr.path("ada.pub")))
	if err := keygen(t, tr.first, "-Y", "verify", "-f", signers, "-I", "ada", "-n", "causeway", "-s", tr.path("first.ada.sig")); err != nil {
		t.Errorf("ssh-keygen refuses it: %v", err)
	}

	one := run(t.Context(), "", "charter", "verify", tr.path("first"), tr.path("first.ada.sig"), tr.path("first.ada.sig")).want(t, 5)
	if !strings.Contains(one.stderr, "1 of 2. It lacks 1 more of: Noor, Sam.") {
		t.Errorf("one person, twice: %s\n%s", one.stderr, one.stdout)
	}
	tr.sign(t, "sam", digest[:20]).want(t, 0)
	both := []string{"charter", "verify", tr.path("first"), tr.path("first.ada.sig"), tr.path("first.sam.sig")}
	if out := run(t.Context(), "", both...).want(t, 0); !strings.Contains(out.stdout, "2: Ada, Sam") {
		t.Errorf("both: %s", out.stdout)
	}
	// More signatures never turn a yes into a no, and one over another text counts for nothing.
	more := run(t.Context(), "", append(both, tempFile(t, "no signature"))...).want(t, 0)
	if !strings.Contains(more.stdout, "not an SSH signature") {
		t.Errorf("what does not hold is not shown:\n%s", more.stdout)
	}
	other := run(t.Context(), "", "charter", "verify", tr.path("second"), "--previous", tr.path("first"), tr.path("first.ada.sig"), tr.path("first.sam.sig"))
	if other.want(t, 5); !strings.Contains(other.stdout, "not one over this text") {
		t.Errorf("over another text:\n%s", other.stdout)
	}
	var doc struct {
		Digest string
		Counts []struct{ Signed []string }
	}
	if err := json.Unmarshal([]byte(run(t.Context(), "", append(both, "--json")...).want(t, 0).stdout), &doc); err != nil ||
		doc.Digest != digest || len(doc.Counts) != 1 || len(doc.Counts[0].Signed) != 2 {
		t.Errorf("%+v, %v", doc, err)
	}
}

func TestALaterCharterNeedsTheTrusteesOfBoth(t *testing.T) {
	t.Parallel()
	tr := newTrustees(t)
	// In version 2, Eve has the place of Sam.
	sam, eve := strings.TrimSpace(readFile(t, tr.path("sam.pub"))), strings.TrimSpace(readFile(t, tr.path("eve.pub")))
	text := strings.Replace(tr.second, sam, eve, 1)
	second := tempFile(t, text)
	sign := func(key string) string {
		typed := ""
		if key != "eve" { // her key is new, and she knows it
			typed = fingerprintOf(t, eve) + "\n"
		}
		out := filepath.Join(t.TempDir(), "sig")
		args := []string{"charter", "sign", second, "--previous", tr.path("first"), "--key", tr.path(key), "--out", out}
		shown := run(t.Context(), typed+digestOf(text)+"\n", args...).want(t, 0)
		if !strings.Contains(shown.stderr, "AGAINST VERSION 1") || !strings.Contains(shown.stderr, "The limit of 24 hours: 70 000 000 sat instead of 50 000 000.") {
			t.Errorf("it does not show what changes:\n%s", shown.stderr)
		}
		return out
	}
	ada, bySam, byEve := sign("ada"), sign("sam"), sign("eve")
	for _, tc := range []struct {
		says string
		sigs []string
		code int
	}{
		{"Too few trustees of version 1 signed: 1 of 2. It lacks 1 more of: Noor, Sam.", []string{ada, byEve}, 5},
		{"Too few trustees of version 2 signed: 1 of 2. It lacks 1 more of: Noor, Sam.", []string{ada, bySam}, 5},
		{"", []string{ada, bySam, byEve}, 0},
	} {
		out := run(t.Context(), "", append([]string{"charter", "verify", second, "--previous", tr.path("first")}, tc.sigs...)...).want(t, tc.code)
		if !strings.Contains(out.stderr, tc.says) {
			t.Errorf("want %q: %s", tc.says, out.stderr)
		}
	}
	alone := run(t.Context(), "", "charter", "verify", second, ada, byEve).want(t, 5)
	if !strings.Contains(alone.stderr, "Name that version with --previous.") {
		t.Errorf("without the previous one: %s", alone.stderr)
	}
	run(t.Context(), "", "charter", "verify", second, "--previous", charters+"simnet-1.charter", ada, bySam, byEve).want(t, 4) // a fork
}

func TestWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	tr := newTrustees(t)
	digest := digestOf(tr.first)
	for name, tc := range map[string]struct {
		out  outcome
		code int
		says string
	}{
		"other digits":       {tr.sign(t, "ada", "00000000000000000000"), 1, "Nothing was signed"},
		"19 digits":          {tr.sign(t, "ada", digest[:19]), 1, "Nothing was signed"},
		"nothing":            {tr.sign(t, "ada", ""), 1, "Nothing was signed"},
		"yes":                {tr.sign(t, "ada", "yes"), 1, "Nothing was signed"},
		"somebody else":      {tr.sign(t, "eve", digest), 1, "belongs to no trustee"},
		"no key":             {tr.sign(t, "missing", digest), 1, "ssh-keygen did not sign"},
		"no --key":           {run(t.Context(), "", "charter", "sign", tr.path("first")), 2, "--key"},
		"no --previous":      {run(t.Context(), "", "charter", "sign", tr.path("second"), "--key", tr.path("ada")), 2, "--previous"},
		"not the next":       {tr.sign(t, "ada", digest, "--previous", tr.path("second")), 4, "does not follow"},
		"a file is there":    {tr.sign(t, "ada", digest, "--out", tr.path("second")), 2, "--out"},
		"not a charter":      {run(t.Context(), "", "charter", "sign", tr.path("ada.pub"), "--key", tr.path("ada")), 1, "Line 1 of the charter"},
		"no such file":       {run(t.Context(), "", "charter", "show", tr.path("missing")), 2, "missing"},
		"no such signature":  {run(t.Context(), "", "charter", "verify", tr.path("first"), tr.path("missing")), 2, "missing"},
		"verify without one": {run(t.Context(), "", "charter", "verify", tr.path("first")), 2, "requires at least"},
	} {
		if out := tc.out.want(t, tc.code); !strings.Contains(out.stderr, tc.says) {
			t.Errorf("%s: %s", name, out.stderr)
		}
	}
	if found, err := filepath.Glob(tr.path("*.sig")); err != nil || len(found) > 0 {
		t.Errorf("written: %v, %v", found, err)
	}
	if readFile(t, tr.path("second")) != tr.second {
		t.Error("a file was written over")
	}
}

func TestWithoutSSHKeygen(t *testing.T) {
	tr := newTrustees(t)
	t.Setenv("PATH", t.TempDir())
	if out := tr.sign(t, "ada", digestOf(tr.first)).want(t, 1); !strings.Contains(out.stderr, "has to be installed") {
		t.Errorf("stderr: %s", out.stderr)
	}
}

func TestCharterFromStandardInput(t *testing.T) {
	t.Parallel()
	text := sampleCharter(t, "simnet-2.charter")
	var doc struct{ Digest, Text string }
	out := run(t.Context(), text, "charter", "show", "-", "-o", "json").want(t, 0).stdout
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Text != text || doc.Digest != digestOf(text) {
		t.Errorf("%+v, %v", doc, err)
	}
	long := bytes.Repeat([]byte("x"), 70_000)
	if out := run(t.Context(), string(long), "charter", "show", "-").want(t, 1); !strings.Contains(out.stderr, "longer than 65536 bytes") {
		t.Errorf("stderr: %s", out.stderr)
	}
}

// fingerprintOf returns the fingerprint of a public key.
func fingerprintOf(t *testing.T, public string) string {
	t.Helper()
	k, err := sshsig.ParseKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k.Fingerprint()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
