package books

import (
	"strings"
	"time"
	"unicode"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
)

// Payment is one instalment that was paid, or may be paid at any time: one period of one
// decision. The fields of the chain are zero until it is in a block.
type Payment struct {
	GrantReference string
	InstalmentID   uuid.UUID
	DecisionDigest string // of the note that people approved, hex
	Period         int    // of that decision, from 1
	BatchNumber    int64
	Designation    string // what the fund calls it; may be empty
	Address        string
	AmountSat      btcutil.Amount
	FeeShareSat    btcutil.Amount // its part of the transaction's fee, paid by the treasury on top
	TxID           string
	Vout           uint32
	Height         int32
	BlockHash      string
	PaidAt         time.Time // time of the block
	State          string    // maybe_paid, mined, paid or final
}

// booked reports whether the payment is in a block, so that it has a date.
func (p Payment) booked() bool { return !p.PaidAt.IsZero() && p.Height > 0 && p.TxID != "" }

// settled reports whether the fund counts the payment as made.
func (p Payment) settled() bool { return p.State == "paid" || p.State == "final" }

// oneLine is text without what ends a line or steers a terminal, and with single
// spaces: two begin a comment in a journal.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r): // joiners and marks of direction
			return -1
		case !unicode.IsGraphic(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
	return strings.Join(strings.Fields(s), " ")
}

// stamp writes a time, or nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
