package history

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/note"
)

const (
	header = "causeway/history/v1"

	// MaxBytes bounds a history note: about 100,000 payments.
	MaxBytes = 8 << 20

	maxTreasury = 1_000_000
	maxPeriod   = 36 // of a decision
)

func kind() note.Kind { return note.Kind{Name: "history note", Header: header, MaxBytes: MaxBytes} }

// Note says what a treasury has paid.
type Note struct {
	Network  decision.Network
	Fund     uuid.UUID
	Treasury int64 // its number in the charter
	Paid     []Payment
}

// Payment is one period of a decision.
type Payment struct {
	Decision decision.Digest
	Period   int64 // from 1
}

func (p Payment) compare(other Payment) int {
	return cmp.Or(bytes.Compare(p.Decision[:], other.Decision[:]), cmp.Compare(p.Period, other.Period))
}

// Encode returns the canonical bytes.
func (n Note) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", header)
	fmt.Fprintf(&b, "network %s %s\n", n.Network.Name, n.Network.Genesis)
	fmt.Fprintf(&b, "fund %s\n", n.Fund)
	fmt.Fprintf(&b, "treasury %d\n", n.Treasury)
	for _, p := range n.Paid {
		b.WriteString("paid " + p.Decision.String() + " " + strconv.FormatInt(p.Period, 10) + "\n")
	}
	return b.Bytes()
}

// Digest returns SHA-256 of the canonical bytes.
func (n Note) Digest() decision.Digest { return sha256.Sum256(n.Encode()) }

// Parse reads a history note. It refuses every text that Encode would not have written
// (errs.Invalid).
func Parse(text []byte) (Note, error) {
	r := note.NewReader(kind(), text)
	var n Note
	n.Network.Name, n.Network.Genesis = r.Network()
	n.Fund = r.ID(r.Rest("fund"))
	n.Treasury = r.Number(r.Rest("treasury"), 0, maxTreasury)
	for r.Next("paid") {
		words := r.Words("paid", 2)
		n.Paid = append(n.Paid, Payment{r.Digest(words[0]), r.Number(words[1], 1, maxPeriod)})
	}
	if err := r.End(n.Encode); err != nil {
		return Note{}, err
	}
	for i := 1; i < len(n.Paid); i++ {
		if n.Paid[i-1].compare(n.Paid[i]) >= 0 {
			return Note{}, errs.Newf(errs.Invalid, CodeOrder,
				"The payments of a history note stand in rising order, each once; number %d does not.", i+1)
		}
	}
	return n, nil
}

// Words says in plain words what n does, a sentence each.
func (n Note) Words() []string {
	paid := fmt.Sprintf(
		"It paid %d periods of decisions, each listed by digest and number. None of them is paid again.",
		len(n.Paid),
	)
	switch len(n.Paid) {
	case 0:
		paid = "It paid nothing."
	case 1:
		paid = "It paid one period of a decision, listed by digest and number. That is not paid again."
	}
	return []string{
		fmt.Sprintf(
			"Take this for what treasury %d of fund %s on %s has paid, in place of its signers' journals.",
			n.Treasury,
			n.Fund,
			n.Network.Name,
		),
		paid,
		"Whatever else was decided may be paid from now on, also if that treasury has paid it.",
	}
}
