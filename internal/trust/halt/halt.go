package halt

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/note"
)

const (
	header = "causeway/halt/v1"

	// MaxBytes bounds a halt note.
	MaxBytes = 1024

	// MaxReason bounds its reason.
	MaxReason = 200

	// NoReason stands where nobody gave one.
	NoReason = "-"

	all = "all"
)

func kind() note.Kind { return note.Kind{Name: "halt note", Header: header, MaxBytes: MaxBytes} }

// Note stops payments.
type Note struct {
	Network decision.Network
	Fund    uuid.UUID
	ID      uuid.UUID
	Halts   decision.Digest // of a decision or batch; zero: all of the fund
	Reason  string          // printable ASCII, or NoReason
}

// All reports whether n stops the whole fund.
func (n Note) All() bool { return n.Halts == decision.Digest{} }

// Encode returns the canonical bytes.
func (n Note) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", header)
	fmt.Fprintf(&b, "network %s %s\n", n.Network.Name, n.Network.Genesis)
	fmt.Fprintf(&b, "fund %s\n", n.Fund)
	fmt.Fprintf(&b, "id %s\n", n.ID)
	if n.All() {
		fmt.Fprintf(&b, "halts %s\n", all)
	} else {
		fmt.Fprintf(&b, "halts %s\n", n.Halts)
	}
	fmt.Fprintf(&b, "reason %s\n", n.Reason)
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n Note) Digest() decision.Digest { return sha256.Sum256(n.Encode()) }

// Parse reads a halt note. It refuses every text that Encode would not have written
// (errs.Invalid).
func Parse(text []byte) (Note, error) {
	r := note.NewReader(kind(), text)
	var n Note
	n.Network.Name, n.Network.Genesis = r.Network()
	n.Fund = r.ID(r.Rest("fund"))
	n.ID = r.ID(r.Rest("id"))
	if what := r.Rest("halts"); what != all {
		n.Halts = r.Digest(what)
	}
	n.Reason = r.Rest("reason")
	if err := r.End(n.Encode); err != nil {
		return Note{}, err
	}
	if n.Reason == "" || len(n.Reason) > MaxReason || strings.TrimSpace(n.Reason) != n.Reason {
		return Note{}, errs.Newf(
			errs.Invalid,
			CodeReason,
			"The reason of a halt note has 1 to %d characters without spaces around them; %s says that there is none.",
			MaxReason,
			NoReason,
		)
	}
	return n, nil
}

// Words says in plain words what n does, a sentence each.
func (n Note) Words() []string {
	words := []string{"Stop every payment of fund " + n.Fund.String() + " on " + n.Network.Name + "."}
	if !n.All() {
		words[0] = "Stop what pays under the note " + n.Halts.String() + " (fund " + n.Fund.String() + ", " + n.Network.Name + ")."
	}
	if n.Reason != NoReason {
		words = append(words, "The reason: "+n.Reason)
	}
	return append(
		words,
		"Replacements of a payment stop too. A batch can still be taken back by a void.",
		"This halt is "+n.ID.String()+".",
	)
}
