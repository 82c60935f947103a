package ctl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

// ordered is what halt and resume say that they wrote.
type ordered struct {
	Note, ID string
	Approval struct{ File, Person, As string }
}

func (d desk) order(stdin string, args ...string) ordered {
	d.t.Helper()
	var o ordered
	out := d.run(stdin, append(args, "--json")...).want(d.t, 0)
	if err := json.Unmarshal([]byte(out.stdout), &o); err != nil {
		d.t.Fatal(err)
	}
	return o
}

// TestAnybodyHaltsAndTrusteesResume, on files alone.
func TestAnybodyHaltsAndTrusteesResume(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	f := d.fund
	digest := digestOf(string(d.notes.Decision))
	one := d.order("halt\n", "halt", "--key", d.key(f.Reviewers[0]), "--out", filepath.Join(d.dir, "one"), "--reason", "A laptop was stolen.")
	two := d.order("HALT\n", "halt", digest, "--key", d.key(f.Treasurers[0]), "--out", filepath.Join(d.dir, "two"))
	for _, o := range []ordered{one, two} {
		d.run("", "verify", "approvals", o.Note, o.Approval.File).want(t, 0)
		if o.Approval.As != "any" {
			t.Errorf("as %s", o.Approval.As)
		}
	}
	all, err := halt.Parse([]byte(readFile(t, one.Note)))
	if err != nil || !all.All() || all.Reason != "A laptop was stolen." || all.ID.String() != one.ID || all.Fund != f.Charter.Fund {
		t.Errorf("%v: %+v", err, all)
	}
	single, err := halt.Parse([]byte(readFile(t, two.Note)))
	if err != nil || single.Halts.String() != digest || single.Reason != halt.NoReason {
		t.Errorf("%v: %+v", err, single)
	}

	trustee := d.key(f.Trustees[0])
	back := d.order("resume\n", "resume", "--lift", two.ID, "--lift", one.ID, "--lift", one.ID, "--bar", "reviewer 1", "--key", trustee, "--out", filepath.Join(d.dir, "back"))
	if out := d.run("", "verify", "approvals", back.Note, back.Approval.File).want(t, 5); !strings.Contains(out.stderr, "asks for 2 trustees, by ssh, and 1 approved") {
		t.Errorf("one trustee: %s", out.stderr)
	}
	text := []byte(readFile(t, back.Note))
	second := d.sign(text, f.Trustees[1], digestOf(string(text))[:20])
	d.run("", "verify", "approvals", back.Note, back.Approval.File, second).want(t, 0)
	n, err := halt.ParseResume(text)
	if err != nil || len(n.Lifts) != 2 || len(n.Bars) != 1 || n.Bars[0] != f.Reviewers[0].ID {
		t.Errorf("%v: %+v", err, n)
	}
}

func TestWhatIsNotOrdered(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	f := d.fund
	reviewer, trustee := d.key(f.Reviewers[0]), d.key(f.Trustees[0])
	eve := d.key(keytest.NewPerson("Eve", keytest.Origin, charter.Reviewer))
	id, out := keytest.ID("halt").String(), filepath.Join(d.dir, "out.note")
	order := func(typed string, args ...string) outcome { return d.run(typed+"\n", append(args, "--out", out)...) }
	check(t, map[string]refusal{
		"not confirmed":         {order("yes", "halt", "--key", reviewer), 1, "Not confirmed."},
		"a stranger":            {order("halt", "halt", "--key", eve), 1, "lists nobody with this name or key"},
		"no digest":             {order("halt", "halt", "all", "--key", reviewer), 2, "64 lower-case hexadecimal digits"},
		"a reason of two lines": {order("halt", "halt", "--key", reviewer, "--reason", "a\nb"), 1, "is another than belongs there"},
		"a long reason":         {order("halt", "halt", "--key", reviewer, "--reason", strings.Repeat("x", 201)), 1, "1 to 200 characters"},
		"no key":                {order("halt", "halt"), 2, "--key"},
		"a missing key":         {order("halt", "halt", "--key", filepath.Join(d.dir, "missing")), 2, "no file says whose key it is"},
		"a reviewer resumes":    {order("resume", "resume", "--lift", id, "--key", reviewer), 1, "A resume is approved as trustee"},
		"nothing lifted":        {order("resume", "resume", "--key", trustee), 2, "--lift"},
		"no id":                 {order("resume", "resume", "--lift", "x", "--key", trustee), 2, "\"x\""},
		"nobody barred":         {order("resume", "resume", "--lift", id, "--bar", "Eve", "--key", trustee), 2, "lists nobody"},
	})
	// ssh-keygen fails: no note is left that nobody signed.
	if err := os.Remove(reviewer); err != nil {
		t.Fatal(err)
	}
	check(t, map[string]refusal{"ssh-keygen fails": {order("halt", "halt", "--key", reviewer), 1, "ssh-keygen did not sign"}})
	if _, err := os.Stat(out); err == nil {
		t.Error("a note was left")
	}
}
