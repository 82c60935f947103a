package halt

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/note"
)

const (
	resumeHeader = "causeway/resume/v1"

	// MaxResumeBytes bounds a resume note.
	MaxResumeBytes = 64 << 10

	// MaxLifts is how many halts one note lifts at most.
	MaxLifts = 1000

	// MaxBars is how many people one note bars at most.
	MaxBars = 100

	// BarDays is for how long a person who is barred cannot halt.
	BarDays = 30
)

func resumeKind() note.Kind {
	return note.Kind{Name: "resume note", Header: resumeHeader, MaxBytes: MaxResumeBytes}
}

// Resume lifts halts.
type Resume struct {
	Network decision.Network
	Fund    uuid.UUID
	ID      uuid.UUID
	Lifts   []uuid.UUID // halts, in rising order; a signer need not have seen them
	Bars    []uuid.UUID // people who cannot halt for BarDays, in rising order
}

// Encode returns the canonical bytes.
func (n Resume) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", resumeHeader)
	fmt.Fprintf(&b, "network %s %s\n", n.Network.Name, n.Network.Genesis)
	fmt.Fprintf(&b, "fund %s\n", n.Fund)
	fmt.Fprintf(&b, "id %s\n", n.ID)
	for _, id := range n.Lifts {
		fmt.Fprintf(&b, "lifts %s\n", id)
	}
	for _, id := range n.Bars {
		fmt.Fprintf(&b, "bars %s\n", id)
	}
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n Resume) Digest() decision.Digest { return sha256.Sum256(n.Encode()) }

// ParseResume reads a resume note. It refuses every text that Encode would not have written
// (errs.Invalid).
func ParseResume(text []byte) (Resume, error) {
	r := note.NewReader(resumeKind(), text)
	var n Resume
	n.Network.Name, n.Network.Genesis = r.Network()
	n.Fund = r.ID(r.Rest("fund"))
	n.ID = r.ID(r.Rest("id"))
	for r.Next("lifts") {
		n.Lifts = append(n.Lifts, r.ID(r.Rest("lifts")))
	}
	for r.Next("bars") {
		n.Bars = append(n.Bars, r.ID(r.Rest("bars")))
	}
	if err := r.End(n.Encode); err != nil {
		return Resume{}, err
	}
	return n, n.check()
}

func (n Resume) check() error {
	switch {
	case len(n.Lifts) == 0 || len(n.Lifts) > MaxLifts:
		return errs.Newf(
			errs.Invalid,
			CodeLiftsNothing,
			"A resume note lifts 1 to %d halts. Write another note for more.",
			MaxLifts,
		)
	case len(n.Bars) > MaxBars:
		return errs.Newf(
			errs.Invalid,
			CodeBarsMany,
			"A resume note bars at most %d people. Write another note for more.",
			MaxBars,
		)
	case !rising(n.Lifts) || !rising(n.Bars):
		return errs.New(
			errs.Invalid,
			CodeOrder,
			"The halts and the people of a resume note stand in rising order, each once.",
		)
	}
	return nil
}

func rising(ids []uuid.UUID) bool {
	for i := 1; i < len(ids); i++ {
		if bytes.Compare(ids[i-1][:], ids[i][:]) >= 0 {
			return false
		}
	}
	return true
}

// Words says in plain words what n does, a sentence each.
func (n Resume) Words() []string {
	words := []string{
		fmt.Sprintf(
			"Go on with what %s of fund %s on %s stopped.",
			counted(len(n.Lifts), "halt"),
			n.Fund,
			n.Network.Name,
		),
	}
	for _, id := range n.Lifts {
		words = append(words, "Lift the halt "+id.String()+". It never returns.")
	}
	for _, id := range n.Bars {
		words = append(words, fmt.Sprintf("Keep the person %s from stopping this fund for %d days.", id, BarDays))
	}
	return words
}

func counted(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
