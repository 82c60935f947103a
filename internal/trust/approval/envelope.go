package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
	"github.com/causeway-fund/causeway/internal/trust/webauthn"
)

// MaxEnvelope bounds an envelope in bytes: a statement and an assertion with the longest
// credential and an RSA signature have less than half of it.
const MaxEnvelope = 8 << 10

// Envelope is a statement with one signature. Whether it holds, Verify says.
type Envelope struct {
	Statement string              `json:"statement"`          // canonical text
	SSH       string              `json:"ssh,omitempty"`      // armored, as ssh-keygen writes it
	Passkey   *webauthn.Assertion `json:"webauthn,omitempty"` // exactly one of the two is set
}

// ParseEnvelope reads an envelope from JSON (errs.Invalid, code approval_bad_envelope).
func ParseEnvelope(text []byte) (Envelope, error) {
	if len(text) > MaxEnvelope {
		return Envelope{}, badEnvelope("is longer than %d bytes", MaxEnvelope)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var e Envelope
	if err := dec.Decode(&e); err != nil {
		return Envelope{}, badEnvelope("is not the JSON of a statement with a signature")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Envelope{}, badEnvelope("goes on after its end")
	}
	return e, e.checkForm()
}

func (e Envelope) checkForm() error {
	if (e.SSH == "") == (e.Passkey == nil) {
		return badEnvelope("needs exactly one signature, by ssh or by a passkey")
	}
	return nil
}

// Encode returns the envelope as JSON.
func (e Envelope) Encode() ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return text, nil
}

// Kind is what a statement was signed with.
type Kind string

// The kinds.
const (
	BySSH     Kind = "ssh"
	ByPasskey Kind = "webauthn"
)

// Signed is a statement whose signature holds, by a key that stands in a charter.
type Signed struct {
	Statement
	Kind    Kind
	ssh     sshsig.Key
	passkey charter.Passkey
}

// Key returns what people call the key: the fingerprint of an ssh key, or the beginning of a
// passkey's credential.
func (s Signed) Key() string {
	if s.Kind == BySSH {
		return s.ssh.Fingerprint()
	}
	return fmt.Sprintf("passkey %.8x", s.passkey.Credential)
}

// Counts reports whether c lists the key as one of the person's and, unless the statement is
// made as Any, the person in the statement's role.
func (s Signed) Counts(c charter.Charter) bool {
	p, ok := s.holder(c)
	return ok && p.ID == s.Person && (s.As == Any || p.Has(s.As))
}

// holder returns the person whose key it is under c.
func (s Signed) holder(c charter.Charter) (charter.Person, bool) {
	for _, p := range c.People {
		for _, k := range p.SSH {
			if s.Kind == BySSH && k == s.ssh {
				return p, true
			}
		}
		for _, k := range p.Passkeys {
			if s.Kind == ByPasskey && k == s.passkey {
				return p, true
			}
		}
	}
	return charter.Person{}, false
}

// Verify reads the statement and holds the signature against the keys of the charters. The
// error is Invalid: approval_unknown_key when none of them lists the key, so that the
// approval counts for nothing; and what is wrong with an approval that no honest person made.
func (e Envelope) Verify(charters ...charter.Charter) (Signed, error) {
	if err := e.checkForm(); err != nil {
		return Signed{}, err
	}
	statement, err := Parse([]byte(e.Statement))
	if err != nil {
		return Signed{}, err
	}
	s := Signed{Statement: statement}
	if e.Passkey == nil {
		err = s.bySSH(e.SSH)
	} else {
		err = s.byPasskey(*e.Passkey, charters)
	}
	if err != nil {
		return Signed{}, err
	}
	listed := false
	for _, c := range charters {
		p, ok := s.holder(c)
		if ok && p.ID != statement.Person {
			return Signed{}, errs.Newf(errs.Invalid, CodeOtherPerson,
				"The key that signed this approval belongs to %s, and the approval names somebody else.", p.Name)
		}
		listed = listed || ok
	}
	if !listed {
		return Signed{}, unknownKey(statement.Person)
	}
	return s, nil
}

func (s *Signed) bySSH(armored string) error {
	signature, err := sshsig.Parse([]byte(armored))
	if err != nil {
		return err
	}
	if err := signature.Verify(s.Encode()); err != nil {
		return err
	}
	s.Kind, s.ssh = BySSH, signature.Key
	return nil
}

// byPasskey finds the key by its credential. Two charters may list one credential with
// different keys; the one that made the signature is the key.
func (s *Signed) byPasskey(a webauthn.Assertion, charters []charter.Charter) error {
	refused := unknownKey(s.Person)
	for _, c := range charters {
		for _, p := range c.People {
			for _, k := range p.Passkeys {
				if k.Credential != string(a.Credential) {
					continue
				}
				if err := a.Verify(webauthn.Key(k), s.Challenge()); err != nil {
					refused = err
					continue
				}
				s.Kind, s.passkey = ByPasskey, k
				return nil
			}
		}
	}
	return refused
}

func unknownKey(person uuid.UUID) error {
	return errs.Newf(
		errs.Invalid,
		CodeUnknownKey,
		"The key that signed the approval of %s stands in no charter in force, so the approval counts for nothing.",
		person,
	)
}

// For reports whether the statement is about the note, in this fund on this network. The
// error is Invalid with code approval_other_note.
func (s Statement) For(network decision.Network, fund uuid.UUID, note decision.Digest) error {
	if s.Network != network || s.Fund != fund || s.Note != note {
		return errs.New(errs.Invalid, CodeOtherNote, "The approval is of another note, or of another fund or network.")
	}
	return nil
}

func badEnvelope(format string, args ...any) error {
	return errs.New(errs.Invalid, CodeBadEnvelope, "The envelope of the approval "+fmt.Sprintf(format, args...)+".")
}
