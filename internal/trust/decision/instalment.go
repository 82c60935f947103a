package decision

import "fmt"

// Instalment names what is paid once: one period of the decision with a digest.
type Instalment struct {
	Note   Digest
	Period int // from 1
}

// String returns digest and period, as a batch note writes them.
func (i Instalment) String() string { return fmt.Sprintf("%s %d", i.Note, i.Period) }

// Instalment returns what the line pays.
func (p Payment) Instalment() Instalment { return Instalment{p.Decision, p.Period} }
