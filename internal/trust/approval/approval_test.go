package approval_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func statement(f keytest.Fund, by *keytest.Person, as charter.Role) approval.Statement {
	return approval.Statement{
		Network: f.Charter.Network, Fund: f.Charter.Fund, Note: decision.Digest{1, 2}, Says: approval.Approve, Person: by.ID,
		As: as, Version: f.Charter.Version, Charter: f.Charter.Digest(), At: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
	}
}

func bySSH(s approval.Statement, by *keytest.Person) approval.Envelope {
	return approval.Envelope{Statement: string(s.Encode()), SSH: string(by.SignSSH(s.Encode()))}
}

func byPasskey(s approval.Statement, by *keytest.Person, changes ...func(*keytest.Answer)) approval.Envelope {
	answer := by.Assert(s.Challenge(), changes...)
	return approval.Envelope{Statement: string(s.Encode()), Passkey: &answer}
}

func code(err error) errs.Code {
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAStatementHasOneSpelling(t *testing.T) {
	t.Parallel()
	f := keytest.NewFund(keytest.Plan{})
	s := statement(f, f.Reviewers[0], charter.Reviewer)
	text := string(s.Encode())
	back, err := approval.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
	for name, other := range map[string]string{
		"nothing":            "",
		"another header":     strings.Replace(text, "approval/v1", "approval/v2", 1),
		"no last line feed":  strings.TrimSuffix(text, "\n"),
		"two last":           text + "\n",
		"CRLF":               strings.ReplaceAll(text, "\n", "\r\n"),
		"a line less":        strings.Replace(text, "says approve\n", "", 1),
		"a line more":        text + "more yes\n",
		"lines swapped":      strings.Replace(text, "says approve\nperson "+s.Person.String()+"\n", "person "+s.Person.String()+"\nsays approve\n", 1),
		"another answer":     strings.Replace(text, "says approve", "says perhaps", 1),
		"another role":       strings.Replace(text, "as reviewer", "as admin", 1),
		"capital id":         strings.Replace(text, s.Person.String(), strings.ToUpper(s.Person.String()), 1),
		"nobody":             strings.Replace(text, s.Person.String(), uuid.Nil.String(), 1),
		"no version":         strings.Replace(text, "charter 1 ", "charter 0 ", 1),
		"a version with 0":   strings.Replace(text, "charter 1 ", "charter 01 ", 1),
		"another time zone":  strings.Replace(text, "T10:00:00Z", "T11:00:00+01:00", 1),
		"parts of a second":  strings.Replace(text, "T10:00:00Z", "T10:00:00.5Z", 1),
		"a letter of a word": strings.Replace(text, "fund ", "fünd ", 1),
		"too long":           text + strings.Repeat("x", approval.MaxStatement),
	} {
		if _, err := approval.Parse([]byte(other)); code(err) == "" {
			t.Errorf("%s: accepted (%v)", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	fund := keytest.NewFund(keytest.Plan{})
	f.Add(statement(fund, fund.Reviewers[0], charter.Reviewer).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := approval.Parse(text)
		if err == nil && !bytes.Equal(s.Encode(), text) {
			t.Errorf("%q was read and is written as %q", text, s.Encode())
		}
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	f := keytest.NewFund(keytest.Plan{})
	by, other := f.Reviewers[0], f.Reviewers[1]
	s := statement(f, by, charter.Reviewer)
	stranger := keytest.NewPerson("Stranger", keytest.Origin, charter.Reviewer)
	renamed := statement(f, other, charter.Reviewer) // in the name of another
	swapped := bySSH(s, by)
	swapped.SSH = bySSH(renamed, other).SSH
	both := bySSH(s, by)
	both.Passkey = byPasskey(s, by).Passkey
	noUV := func(a *keytest.Answer) { a.Flags &^= 1 << 2 }
	for name, test := range map[string]struct {
		envelope approval.Envelope
		want     errs.Code
	}{
		"ssh":                          {bySSH(s, by), ""},
		"passkey":                      {byPasskey(s, by), ""},
		"neither":                      {approval.Envelope{Statement: string(s.Encode())}, approval.CodeBadEnvelope},
		"both":                         {both, approval.CodeBadEnvelope},
		"a stranger's ssh":             {bySSH(statement(f, stranger, charter.Reviewer), stranger), approval.CodeUnknownKey},
		"a stranger's passkey":         {byPasskey(statement(f, stranger, charter.Reviewer), stranger), approval.CodeUnknownKey},
		"in another's name":            {bySSH(renamed, by), approval.CodeOtherPerson},
		"in another's name by passkey": {byPasskey(renamed, by), approval.CodeOtherPerson},
		"a signature of another":       {swapped, "sshsig_wrong"},
		"no PIN":                       {byPasskey(s, by, noUV), "webauthn_user_unverified"},
		"no statement":                 {approval.Envelope{Statement: "x", SSH: "y"}, "note_malformed"},
		"no signature":                 {approval.Envelope{Statement: string(s.Encode()), SSH: "y"}, "sshsig_armor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := test.envelope.Verify(f.Charter)
			if got := code(err); got != test.want {
				t.Fatalf("%q (%v), want %q", got, err, test.want)
			}
			if test.want != "" {
				return
			}
			if diff := cmp.Diff(s, signed.Statement); diff != "" {
				t.Error(diff)
			}
			if signed.Key() == "" || !signed.Counts(f.Charter) {
				t.Errorf("key %q, counts %v", signed.Key(), signed.Counts(f.Charter))
			}
		})
	}
}

// TestWhatACharterLacksCountsForNothing: a key that left, a role that was never given, and a
// key that turned up with somebody else.
func TestWhatACharterLacksCountsForNothing(t *testing.T) {
	t.Parallel()
	f := keytest.NewFund(keytest.Plan{})
	by := f.Reviewers[0]
	without := f.Next(func(c *charter.Charter) {
		for i := range c.People {
			if c.People[i].ID == by.ID {
				c.People[i].SSH = []sshsig.Key{keytest.NewPerson("New key", keytest.Origin).SSHKey.Key()}
			}
		}
	})
	for as, counts := range map[charter.Role]bool{charter.Reviewer: true, approval.Any: true, charter.Treasurer: false, charter.Trustee: false} {
		signed, err := bySSH(statement(f, by, as), by).Verify(without.Charter, f.Charter)
		if err != nil {
			t.Fatal(err)
		}
		if signed.Counts(f.Charter) != counts || signed.Counts(without.Charter) {
			t.Errorf("as %s: counts %v under the old charter, %v under the new one", as, signed.Counts(f.Charter), signed.Counts(without.Charter))
		}
	}
	if _, err := bySSH(statement(f, by, charter.Reviewer), by).Verify(without.Charter); code(err) != approval.CodeUnknownKey {
		t.Errorf("by a key that left: %v", err)
	}
}

func TestFor(t *testing.T) {
	t.Parallel()
	f := keytest.NewFund(keytest.Plan{})
	s := statement(f, f.Reviewers[0], charter.Reviewer)
	for name, err := range map[string]error{
		"note":    s.For(s.Network, s.Fund, decision.Digest{9}),
		"fund":    s.For(s.Network, uuid.New(), s.Note),
		"network": s.For(decision.Network{Name: "mainnet", Genesis: s.Network.Genesis}, s.Fund, s.Note),
	} {
		if code(err) != approval.CodeOtherNote {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if err := s.For(s.Network, s.Fund, s.Note); err != nil {
		t.Error(err)
	}
}

func TestEnvelopesTravel(t *testing.T) {
	t.Parallel()
	f := keytest.NewFund(keytest.Plan{})
	s := statement(f, f.Reviewers[0], charter.Reviewer)
	for _, e := range []approval.Envelope{bySSH(s, f.Reviewers[0]), byPasskey(s, f.Reviewers[0])} {
		text, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := approval.ParseEnvelope(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Error(diff)
		}
		for name, other := range map[string]string{
			"nothing": "", "an array": "[]", "cut short": string(text[:len(text)-1]), "more behind": string(text) + "{}",
			"another field": strings.Replace(string(text), `{"statement"`, `{"note":"x","statement"`, 1), "empty": "{}",
			"too long": string(text) + strings.Repeat(" ", approval.MaxEnvelope),
		} {
			if _, err := approval.ParseEnvelope([]byte(other)); code(err) != approval.CodeBadEnvelope {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	fund := keytest.NewFund(keytest.Plan{})
	s := statement(fund, fund.Reviewers[0], charter.Reviewer)
	for _, e := range []approval.Envelope{bySSH(s, fund.Reviewers[0]), byPasskey(s, fund.Reviewers[0])} {
		text, err := e.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := approval.ParseEnvelope(text)
		if err != nil {
			return
		}
		signed, err := e.Verify(fund.Charter)
		if err == nil && signed.Challenge() != s.Challenge() {
			t.Errorf("a statement was accepted that nobody signed: %q", e.Statement)
		}
	})
}
