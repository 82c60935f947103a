package approval

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/note"
)

const (
	header = "causeway/approval/v1"

	// MaxStatement bounds a statement in bytes; one has about 500.
	MaxStatement = 1024
)

// Says is what a person says to a note.
type Says string

// What a person may say.
const (
	Approve Says = "approve"
	Decline Says = "decline"
)

// Any is the role of somebody who halts: everybody in a charter may.
const Any charter.Role = "any"

// Statement is what a key signs.
type Statement struct {
	Network decision.Network
	Fund    uuid.UUID
	Note    decision.Digest // of the note that it is about
	Says    Says
	Person  uuid.UUID
	As      charter.Role    // trustee, reviewer, treasurer, or Any to halt
	Version int64           // of the newest charter that this person's side knows
	Charter decision.Digest // of that charter
	At      time.Time       // whole seconds, UTC; for people, and no rule reads it
}

// Encode returns the canonical bytes.
func (s Statement) Encode() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", header)
	line("network %s %s", s.Network.Name, s.Network.Genesis)
	line("fund %s", s.Fund)
	line("note %s", s.Note)
	line("says %s", s.Says)
	line("person %s", s.Person)
	line("as %s", s.As)
	line("charter %d %s", s.Version, s.Charter)
	line("at %s", s.At.UTC().Format(time.RFC3339))
	return b.Bytes()
}

// Challenge returns what a passkey signs: SHA-256 of the canonical bytes.
func (s Statement) Challenge() [sha256.Size]byte { return sha256.Sum256(s.Encode()) }

// Parse reads a statement. It refuses every text that Encode would not have written
// (errs.Invalid; the codes are those of package note).
func Parse(text []byte) (Statement, error) {
	r := note.NewReader(note.Kind{Name: "approval's statement", Header: header, MaxBytes: MaxStatement}, text)
	var s Statement
	s.Network.Name, s.Network.Genesis = r.Network()
	s.Fund = r.ID(r.Rest("fund"))
	s.Note = r.Digest(r.Rest("note"))
	if s.Says = Says(r.Rest("says")); s.Says != Approve && s.Says != Decline {
		r.Fail("says neither approve nor decline")
	}
	s.Person = r.ID(r.Rest("person"))
	s.As = charter.Role(r.Rest("as"))
	if !slices.Contains([]charter.Role{charter.Trustee, charter.Reviewer, charter.Treasurer, Any}, s.As) {
		r.Fail("names no role of a charter")
	}
	known := r.Words("charter", 2)
	s.Version = r.Number(known[0], 1, math.MaxInt64)
	s.Charter = r.Digest(known[1])
	s.At = r.Time(r.Rest("at"))
	return s, r.End(s.Encode)
}
