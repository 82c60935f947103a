package payout

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// UnjoinedPayment is a payment of a rebuilt batch whose approval is not in this
// database: a signer's journal names it. OutPoint is its output in the batch's first
// transaction, which serves as its name.
type UnjoinedPayment struct {
	BatchID  uuid.UUID
	Number   uint32
	State    State // of the batch
	OutPoint wire.OutPoint
	Paid     decision.Instalment // of the note that was lost
	Script   []byte
	Address  string // when read by the Service
	Amount   btcutil.Amount
	FoundAt  time.Time
	Separate string // why a later payment to the same address is another one; empty: nobody has said so
}

// Join is one unjoined payment, the instalment that it is to be joined to, and what
// that adds. The batch and the instalment are locked.
type Join struct {
	Payment UnjoinedPayment
	Item    Item // the instalment, as it stands

	Hops      []Hop
	Transfers []ledger.Transfer
	Entry     audit.Entry
}

// PaidBefore refuses payments to an address that a batch of lost approvals may have
// paid: a signer cannot know that a new approval is for the same payment.
func PaidBefore(items []Item, unjoined []UnjoinedPayment) error {
	for _, p := range unjoined {
		if p.State == Voided || p.Separate != "" {
			continue
		}
		at := slices.IndexFunc(items, func(it Item) bool { return bytes.Equal(it.Script, p.Script) })
		if at < 0 {
			continue
		}
		e := errs.Newf(
			errs.Conflict,
			CodePaidBeforeRestore,
			"%s goes to an address that batch %d pays %d sat, a payment whose approval was lost when an older database was "+
				"restored. Paying it could pay twice, so the worker waits. Join the two, or declare them separate (causewayctl\n"+
				"unjoined), then try again.",
			items[at].Reference,
			p.Number,
			int64(p.Amount),
		)
		e.Params = map[string]string{
			"payment":    p.OutPoint.String(),
			"instalment": items[at].InstalmentID.String(),
			"batch":      strconv.FormatUint(uint64(p.Number), 10),
		}
		return e
	}
	return nil
}

// Hop takes payments from one state to another.
type Hop struct {
	IDs      []uuid.UUID
	From, To grant.InstalmentState
}

// Lapsed is a batch that nobody approved in time.
type Lapsed struct {
	BatchID    uuid.UUID
	Number     uint32
	ComposedBy string // name
	Payees     int
	At         time.Time // when it was cancelled
}
