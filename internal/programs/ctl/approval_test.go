package ctl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// desk is an office where the first charter of a fund is kept, and notes of that fund lie.
type desk struct {
	office
	fund  keytest.Fund
	notes noteSet
}

func newDesk(t *testing.T, plan keytest.Plan) desk {
	t.Helper()
	d := desk{office: newOffice(t), fund: keytest.NewFund(plan)}
	d.notes = notesOf(t, d.fund.Charter)
	d.pin(d.fund)
	return d
}

// note writes a note to a file of its own.
func (d desk) note(text []byte) string {
	d.t.Helper()
	return d.file("note-"+digestOf(string(text))[:8], text)
}

// sign approves a note by a person's key, with an answer typed, and returns the file of the approval.
func (d desk) sign(text []byte, p *keytest.Person, typed string, more ...string) string {
	d.t.Helper()
	path := d.note(text)
	d.run(typed+"\n", append([]string{"approval", "sign", path, "--key", d.key(p)}, more...)...).want(d.t, 0)
	return path + "." + strings.ToLower(strings.ReplaceAll(p.Name, " ", "-")) + ".approval"
}

// passkey writes the approval that a person's browser makes.
func (d desk) passkey(text []byte, p *keytest.Person, as charter.Role, says approval.Says) string {
	d.t.Helper()
	c := d.fund.Charter
	note, err := decision.ParseDigest(digestOf(string(text)))
	if err != nil {
		d.t.Fatal(err)
	}
	s := approval.Statement{
		Network: c.Network, Fund: c.Fund, Note: note, Says: says, Person: p.ID, As: as, Version: c.Version, Charter: c.Digest(),
		At: at.Truncate(time.Second),
	}
	assertion := p.Assert(s.Challenge())
	envelope, err := approval.Envelope{Statement: string(s.Encode()), Passkey: &assertion}.Encode()
	if err != nil {
		d.t.Fatal(err)
	}
	return d.file("passkey-"+p.Name+string(says), envelope)
}

func (d desk) verify(text []byte, approvals ...string) outcome {
	d.t.Helper()
	return d.run("", append([]string{"verify", "approvals", d.note(text)}, approvals...)...)
}

// TestEachKindOfNoteIsShown in plain words.
func TestEachKindOfNoteIsShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	var shown strings.Builder
	for _, text := range [][]byte{d.notes.Decision, d.notes.Batch, d.notes.Upkeep, d.notes.Void, d.notes.Halt, d.notes.Resume, d.notes.History} {
		shown.WriteString(d.run("", "approval", "show", d.note(text)).want(t, 0).stdout + "\n")
	}
	path := filepath.Join("testdata", "approval-show.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(shown.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(readFile(t, path), shown.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEachKindOfNoteIsApproved: by the people and the numbers that the charter asks for, and by
// one less it is not.
func TestEachKindOfNoteIsApproved(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	f := d.fund
	for name, c := range map[string]struct {
		text   []byte
		typed  string
		people []*keytest.Person
		lacks  string // without the last of them
	}{
		"decision": {d.notes.Decision, "600 000", f.Reviewers[:2], "asks for 2 reviewers, and 1 approved"},
		"batch":    {d.notes.Batch, "600000 sat", f.Treasurers[:1], ""},
		"upkeep":   {d.notes.Upkeep, "", []*keytest.Person{f.Treasurers[0], f.Trustees[0]}, "asks for 2 treasurers or trustees, and 1 approved"},
		"void":     {d.notes.Void, "", f.Treasurers[:2], "asks for 2 treasurers or trustees, and 1 approved"},
		"halt":     {d.notes.Halt, "", f.Reviewers[:1], ""},
		"resume":   {d.notes.Resume, "", f.Trustees[:2], "asks for 2 trustees, by ssh, and 1 approved"},
		"history":  {d.notes.History, "", f.Trustees[:2], "asks for 2 trustees, by ssh, and 1 approved"},
	} {
		typed := c.typed
		if typed == "" {
			typed = digestOf(string(c.text))[:20]
		}
		var approvals []string
		for _, p := range c.people {
			approvals = append(approvals, d.sign(c.text, p, typed))
		}
		if out := d.verify(c.text, approvals...).want(t, 0); !strings.Contains(out.stdout, c.people[0].Name) {
			t.Errorf("%s: %s", name, out.stdout)
		}
		if c.lacks == "" {
			continue
		}
		// Twice by one person is once.
		few := slices.Clone(approvals)
		few[len(few)-1] = few[0]
		if out := d.verify(c.text, few...).want(t, 5); !strings.Contains(out.stderr, c.lacks) {
			t.Errorf("%s, one less: %s", name, out.stderr)
		}
	}
}

func TestWhatCountsForNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	f, text := d.fund, d.notes.Decision
	one, two := d.sign(text, f.Reviewers[0], "600000"), d.sign(text, f.Reviewers[1], "600000")
	declined := d.passkey(text, f.Reviewers[2], charter.Reviewer, approval.Decline)
	if out := d.verify(text, one, two, declined, d.file("junk", []byte("{}"))).want(t, 0); !strings.Contains(out.stdout, "needs exactly one signature") {
		t.Errorf("what does not hold is not shown: %s", out.stdout)
	}
	keys := []string{d.passkey(text, f.Reviewers[1], charter.Reviewer, approval.Approve), d.passkey(text, f.Reviewers[2], charter.Reviewer, approval.Approve)}
	stranger := keytest.NewPerson("Eve", keytest.Origin, charter.Reviewer)
	check(t, map[string]refusal{
		"a no":                 {d.verify(text, one, declined), 5, "asks for 2 reviewers, and 1 approved"},
		"passkeys alone":       {d.verify(text, keys...), 5, "asks for 1 reviewers by terminal, and 0 approved"},
		"a treasurer":          {d.verify(text, one, d.passkey(text, f.Treasurers[0], charter.Reviewer, approval.Approve)), 5, "and 1 approved"},
		"another role":         {d.verify(text, one, d.passkey(text, f.Reviewers[1], charter.Trustee, approval.Approve)), 5, "and 1 approved"},
		"a stranger":           {d.verify(text, one, d.passkey(text, stranger, charter.Reviewer, approval.Approve)), 5, "and 1 approved"},
		"of another note":      {d.verify(text, one, d.passkey(d.notes.Batch, f.Reviewers[1], charter.Reviewer, approval.Approve)), 5, "and 1 approved"},
		"by an older charter":  {d.verify(text, one, two, "--charter", d.charter(f)[0], "--charter", d.charter(f.Next(func(c *charter.Charter) { c.Lines[0].Reviewers = 3 }))[0]), 5, "Version 2 of the charter asks for 3 reviewers, and 2 approved."},
		"no such note":         {d.verify([]byte("causeway/other/v1\n"), one), 1, "no note that people approve"},
		"not in its spelling":  {d.verify(append(text[:len(text):len(text)], '\n'), one), 1, "The note"},
		"a forked charter":     {d.verify(text, one, two, "--charter", d.charter(keytest.NewFund(keytest.Plan{Change: tighter}))[0]), 4, "Two texts of one version"},
		"a note of other fund": {d.verify(otherFund(t, d), one), 2, "you have verified no charter"},
	})
	if out := d.verify(text, append(keys, one)...).want(t, 0); !strings.Contains(out.stdout, "webauthn") {
		t.Errorf("two passkeys and one by ssh: %s", out.stdout)
	}
}

// otherFund is a halt of a fund that the desk does not know.
func otherFund(t *testing.T, d desk) []byte {
	t.Helper()
	other := d.fund.Charter
	other.Fund = keytest.ID("other")
	return notesOf(t, other).Halt
}

func TestWhatIsNotApproved(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	f := d.fund
	decisionNote, void := d.note(d.notes.Decision), d.note(d.notes.Void)
	key, treasurer := d.key(f.Reviewers[0]), d.key(f.Treasurers[0])
	eve := d.key(keytest.NewPerson("Eve", keytest.Origin, charter.Reviewer))
	sign := func(typed, note, key string, more ...string) outcome {
		return d.run(typed+"\n", append([]string{"approval", "sign", note, "--key", key}, more...)...)
	}
	shown := sign("x", void, treasurer)
	if digest := digestOf(string(d.notes.Void)); strings.Contains(shown.stderr, digest[:20]) || strings.Contains(shown.stderr, digest[:4]+" "+digest[4:8]) {
		t.Errorf("it shows the digits that it asks for: %s", shown.stderr)
	}
	fork := d.charter(keytest.NewFund(keytest.Plan{Change: tighter}))[0]
	check(t, map[string]refusal{
		"another amount":    {sign("60000", decisionNote, key), 1, "not the amount of the note. Nothing was signed."},
		"yes":               {sign("yes", decisionNote, key), 1, "not the amount of the note"},
		"nothing":           {sign("", decisionNote, key), 1, "not the amount of the note"},
		"19 digits":         {sign(digestOf(string(d.notes.Void))[:19], void, treasurer), 1, "not the first digits of the note's digest"},
		"a treasurer votes": {sign("600000", decisionNote, treasurer), 1, "A decision is approved as reviewer, and Treasurer 1 is treasurer"},
		"a reviewer voids":  {sign(digestOf(string(d.notes.Void)), void, key), 1, "A void is approved as treasurer or trustee"},
		"another role":      {sign("600000", decisionNote, key, "--as", "trustee"), 1, "An approval would count for nothing"},
		"a stranger":        {sign("600000", decisionNote, eve), 1, "lists nobody with this name or key"},
		"a fork":            {sign("600000", decisionNote, key, "--charter", fork), 4, "Two texts of one version"},
		"no --key":          {d.run("", "approval", "sign", decisionNote), 2, "--key"},
		"no person":         {d.run("", "approval", "print", decisionNote), 2, "--person"},
		"nobody's name":     {d.run("", "approval", "print", decisionNote, "--person", "Eve"), 1, "lists nobody"},
		"another fund":      {sign("x", d.note(otherFund(t, d)), key), 2, "you have verified no charter"},
		"not a note":        {sign("x", key, key), 1, "no note that people approve"},
	})
	if found, err := filepath.Glob(filepath.Join(d.dir, "*.approval")); err != nil || len(found) > 0 {
		t.Errorf("written: %v, %v", found, err)
	}
	// Who has seen a newer charter does not approve by the old one.
	two := f.Next(tighter)
	d.run("", append([]string{"charter", "pin"}, d.charter(two)...)...).want(t, 0)
	check(t, map[string]refusal{"an old charter": {sign("600000", decisionNote, key, "--charter", d.charter(f)[0]), 4, "This one is old: you have verified version 2."}})
}

// TestAReviewerReadsTheApplication: the one that the note names, and no other.
func TestAReviewerReadsTheApplication(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	note, key := d.note(d.notes.Decision), d.key(d.fund.Reviewers[0])
	sign := func(text string) outcome {
		return d.run("600000\n", "approval", "sign", note, "--key", key, "--application", d.file("application", []byte(text)))
	}
	check(t, map[string]refusal{
		"another salt": {sign(strings.Replace(application, "00", "01", 1)), 5, "The note is about another text"},
		"a byte more":  {sign(application + "\n"), 5, "The note is about another text"},
		"a halt":       {d.run("x\n", "approval", "sign", d.note(d.notes.Halt), "--key", key, "--application", note), 5, "The note is about another text"},
	})
	shown := sign(application).want(t, 0).stderr
	if !strings.Contains(shown, `"title": "A proxy `) || strings.Contains(shown, "--application is missing") {
		t.Errorf("it does not show the application: %s", shown)
	}
	alone := d.run("600000\n", "approval", "sign", note, "--key", key, "--out", note+".again").want(t, 0)
	if !strings.Contains(alone.stderr, "--application is missing") {
		t.Errorf("it does not say what was not seen: %s", alone.stderr)
	}
}

// TestAKeyThatNeverMeetsANetwork: the statement is printed on one machine and signed on another,
// where there is ssh-keygen alone.
func TestAKeyThatNeverMeetsANetwork(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	reviewer, text := d.fund.Reviewers[0], d.notes.Decision
	statement := filepath.Join(d.dir, "statement")
	shown := d.run("600000\n", "approval", "print", d.note(text), "--person", "reviewer 1", "--out", statement).want(t, 0)
	if !strings.Contains(shown.stderr, "pay 600 000 sat") {
		t.Errorf("it does not show what is approved: %s", shown.stderr)
	}
	if err := keygen(t, "", "-Y", "sign", "-n", "causeway", "-f", d.key(reviewer), statement); err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(d.dir, "packed")
	d.run("", "approval", "pack", statement, statement+".sig", "--out", packed).want(t, 0)
	var e approval.Envelope
	if err := json.Unmarshal([]byte(readFile(t, packed)), &e); err != nil || e.SSH != readFile(t, statement+".sig") {
		t.Errorf("%v: %s", err, readFile(t, packed))
	}
	d.verify(text, packed, d.sign(text, d.fund.Reviewers[1], "600000")).want(t, 0)

	other := d.file("other.sig", d.fund.Reviewers[1].SignSSH([]byte(readFile(t, statement))))
	wrong := d.file("wrong.sig", reviewer.SignSSH([]byte("another text\n")))
	check(t, map[string]refusal{
		"somebody else's key": {d.run("", "approval", "pack", statement, other, "--out", packed+"2"), 1, "belongs to Reviewer 2"},
		"another text":        {d.run("", "approval", "pack", statement, wrong, "--out", packed+"2"), 1, "not one over this text"},
		"no statement":        {d.run("", "approval", "pack", other, other, "--out", packed+"2"), 1, "statement"},
		"a file is there":     {d.run("", "approval", "pack", statement, statement+".sig", "--out", packed), 2, "--out"},
	})
	if _, err := os.Stat(packed + "2"); err == nil {
		t.Error("what does not hold was written")
	}
}

// TestAKeyWhosePublicHalfIsNowhere: a person says who they are, and the key has to agree.
func TestAKeyWhosePublicHalfIsNowhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, keytest.Plan{})
	reviewer, note := d.fund.Reviewers[0], d.note(d.notes.Decision)
	key := d.key(reviewer)
	if err := os.Remove(key + ".pub"); err != nil {
		t.Fatal(err)
	}
	check(t, map[string]refusal{
		"nobody":        {d.run("600000\n", "approval", "sign", note, "--key", key), 2, "--person is missing"},
		"somebody else": {d.run("600000\n", "approval", "sign", note, "--key", key, "--person", "Reviewer 2"), 1, "belongs to Reviewer 1"},
	})
	d.run("600000\n", "approval", "sign", note, "--key", key, "--person", reviewer.ID.String()).want(t, 0)
}
