package payout

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// VoidLapse is how long a request to take a batch back waits for a second person.
const VoidLapse = 24 * time.Hour

// LapsesAt is when the request ends if nobody has agreed to it.
func (v Void) LapsesAt() time.Time { return v.AskedAt.Add(VoidLapse) }

// Agreed reports whether a second person has agreed: only then the batch is taken
// back. A request alone changes nothing about a batch.
func (v *Void) Agreed() bool { return v != nil && v.ApprovedBy != nil }

// Lapsed reports whether nobody has agreed in time.
func (v *Void) Lapsed(now time.Time) bool {
	return v != nil && !v.Agreed() && !now.Before(v.LapsesAt())
}

// VoidOrder asks to take a batch back after a signer was asked.
type VoidOrder struct {
	Reason        string
	CancelIDs     []uuid.UUID // payments that shall not be made at all; the others become payable again
	FeeRateSatKVB int64       // of the void; 0: a quarter above the newest attempt, where that can be had
}

// MaxReason is how long the reason of a void may be, in characters.
const MaxReason = 500

// Complete checks a void order of a batch with these payments.
func (o *VoidOrder) Complete(items []Item) error {
	var bad []errs.Field
	o.Reason = strings.TrimSpace(o.Reason)
	if n := utf8.RuneCountInString(o.Reason); n == 0 || n > MaxReason {
		bad = append(
			bad,
			errs.Field{
				Field:   "reason",
				Code:    errs.CodeRequired,
				Message: "Say in up to 500 characters why the batch is taken back.",
			},
		)
	}
	for _, id := range o.CancelIDs {
		if !slices.ContainsFunc(items, func(it Item) bool { return it.InstalmentID == id }) {
			bad = append(
				bad,
				errs.Field{
					Field:   "cancel_ids",
					Code:    identity.CodeUnknown,
					Message: "A payment to cancel is not in this batch.",
				},
			)
			break
		}
	}
	if o.FeeRateSatKVB < 0 {
		bad = append(
			bad,
			errs.Field{
				Field:   "feerate_sat_kvb",
				Code:    errs.CodeOutOfRange,
				Message: "The feerate must be more than 0.",
			},
		)
	}
	return errs.InvalidFields(bad)
}

// PaidAfterCancel reports whether an instalment is in a block although it was cancelled: by
// itself, with its batch, or by a void that the payment was mined before.
func (r Record) PaidAfterCancel(it Item) bool {
	unwanted := it.State == grant.Cancelled || r.Batch.State == Cancelled || r.Batch.State == Voided ||
		r.Void.Agreed() && slices.Contains(r.Void.CancelIDs, it.InstalmentID)
	mined := r.Mined()
	return unwanted && mined != nil && slices.ContainsFunc(mined.Outputs, func(o AttemptOutput) bool {
		return o.InstalmentID != nil && *o.InstalmentID == it.InstalmentID
	})
}
