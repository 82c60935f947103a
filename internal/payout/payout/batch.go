package payout

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// MaxOrder is the most payments of one order; it is split into batches of at most
// the fund's MaxPayees.
const MaxOrder = 10_000

// Kind says what a batch is for. All but Payout pay nobody.
type Kind string

// The kinds of a batch.
const (
	Payout      Kind = "payout"
	Consolidate Kind = "consolidate" // many coins into one
	Split       Kind = "split"       // one coin into several of equal worth
	Child       Kind = "child"       // spends the change of a stuck batch, to pay for both
)

// Batch is a set of payments that go out in one transaction.
type Batch struct {
	ID               uuid.UUID
	FundID           uuid.UUID
	Kind             Kind
	Number           uint32 // also the index of its change script
	State            State
	Version          int64
	Note             string // canonical batch note
	Digest           decision.Digest
	FeeRateSatKVB    int64
	MaxFeeRateSatKVB int64 // of a child, together with its parent; the note of a child has none
	MaxFee           btcutil.Amount
	Seed             [32]byte
	Outputs          int             // change outputs; more than 1 for a split only
	Treasury         int64           // number of the treasury that pays
	Until            time.Time       // a signer can be asked for the first time until then
	DeadlineBlocks   int32           // blocks after the first broadcast until it pays MaxFeeRateSatKVB
	WantedSatKVB     int64           // feerate that a treasurer asked for since; 0: none
	Chosen           []wire.OutPoint // coins a treasurer chose; empty: the engine chooses
	Anchor           *wire.OutPoint  // set when built
	ComposedBy       uuid.UUID
	ComposerName     string // when read
	Tries            int    // of the step that is due
	LastError        string // what went wrong, in plain words; Trouble says it with what it means for the money
	LastCode         string // of that error
	Alarm            Alarm  // when read; empty: all is as usual
	CreatedAt        time.Time
	ChangedAt        time.Time

	Payees  int            // when listed
	Total   btcutil.Amount // when listed
	Current *Current       // when listed; nil before there is an attempt
}

// BatchFilter says which batches are listed.
type BatchFilter struct {
	State  State  // empty: any
	Before uint32 // batches with a lower number; 0: from the newest
}

// Current is what a list shows of a batch's current attempt (Record.Current).
type Current struct {
	TxID          chainhash.Hash
	Fee           btcutil.Amount
	FeeRateSatKVB int64
	Height        int32 // of the block that holds it; 0: none
	Confirmations int32
}

// Void is the request to take a batch back after a signer was asked: a
// replacement of its transaction that pays nobody. It changes nothing until a second
// person has agreed.
type Void struct {
	ID            uuid.UUID
	BatchID       uuid.UUID
	Note          string // canonical void note
	Digest        decision.Digest
	FeeRateSatKVB int64
	Fee           btcutil.Amount // of what was built on trial when it was asked for
	Reason        string
	CancelIDs     []uuid.UUID // instalments that are cancelled once it is final; the others become payable
	AskedBy       uuid.UUID
	AskedByName   string // when read
	AskedAt       time.Time
	ApprovedBy    *uuid.UUID // another person; nil: not yet, and nothing is signed
	ApproverName  string     // when read
	ApprovedAt    *time.Time
}

// VoidEnd ends a request to take a batch back that nobody has agreed to.
type VoidEnd struct {
	ID  uuid.UUID  // of the request
	How string     // VoidWithdrawn or VoidLapsed
	By  *uuid.UUID // who withdrew it
	At  time.Time
}

// How a request to take a batch back ends.
const (
	VoidWithdrawn = "withdrawn"
	VoidLapsed    = "lapsed"
)

// Item is an instalment as a batch sees it.
type Item struct {
	InstalmentID uuid.UUID
	GrantID      uuid.UUID
	Reference    string
	Designation  string
	Digest       decision.Digest
	Period       int    // of the decision, from 1
	Note         string // canonical decision note
	Script       []byte
	Address      string
	Amount       btcutil.Amount
	DueAt        time.Time // it may be paid from then on
	UntilAt      time.Time // and be released for the first time until then
	State        grant.InstalmentState
	CreatedAt    time.Time
}

// Instalment names what is paid once.
func (i Item) Instalment() decision.Instalment {
	return decision.Instalment{Note: i.Digest, Period: i.Period}
}

// Compare orders items as a batch note lists their payments.
func (i Item) Compare(o Item) int {
	return cmp.Or(bytes.Compare(i.Digest[:], o.Digest[:]), cmp.Compare(i.Period, o.Period))
}

// Approval is a treasurer's yes to a digest.
type Approval struct {
	ID        uuid.UUID
	BatchID   uuid.UUID
	Digest    decision.Digest
	StaffID   uuid.UUID
	StaffName string // when read
	AuthKind  string
	CreatedAt time.Time
}

// Attempt is a transaction that a signer may have been asked for.
type Attempt struct {
	ID        uuid.UUID
	BatchID   uuid.UUID
	No        int
	Kind      AttemptKind
	PSBT      []byte   // without previous transactions (txbuild.Packed)
	PrevTxs   [][]byte // the previous transactions, each once
	TxID      chainhash.Hash
	Fee       btcutil.Amount
	Weight    int64
	Epoch     int64
	Inputs    []AttemptInput
	Outputs   []AttemptOutput
	Raw       []byte // signed bytes; empty before they are stored
	Height    int32  // of the block that holds it; 0: none
	Events    []AttemptEvent
	Partial   []Signature // signatures that are not all there yet
	CreatedAt time.Time
}

// AttemptKind tells a payment from its void.
type AttemptKind string

// The kinds of an attempt.
const (
	Pays  AttemptKind = "pay"
	Voids AttemptKind = "void"
)

// Packet returns the attempt's PSBT with the previous transactions that it spends.
func (a Attempt) Packet() (*psbt.Packet, error) {
	return txbuild.Packed{PSBT: a.PSBT, PrevTxs: a.PrevTxs}.Unpack()
}

// Signature is a PSBT that came back with some of the signatures it needs.
type Signature struct {
	PSBT    []byte     // without previous transactions, which are the attempt's
	Source  string     // fingerprints of the keys, space separated
	StaffID *uuid.UUID // who brought it; nil: a signer answered
	Name    string     // of that person, when read
	At      time.Time
}

// has reports whether event happened to the attempt.
func (a Attempt) has(event string) bool {
	return slices.ContainsFunc(a.Events, func(e AttemptEvent) bool { return e.Event == event })
}

// Released reports whether a signer may have signed the attempt.
func (a Attempt) Released() bool { return a.has("signing") }

// Broadcast reports whether a node was told, and at which height first.
func (a Attempt) Broadcast() (height int32, ok bool) {
	for _, e := range a.Events {
		if e.Event == "broadcast" {
			return e.Height, true
		}
	}
	return 0, false
}

// Confirmations counts the blocks from the one that holds the attempt to the tip. It is 0 also
// while the walk has not come to that block.
func (a Attempt) Confirmations(tip Tip) int32 {
	if a.Height <= 0 || tip.Height < a.Height {
		return 0
	}
	return tip.Height - a.Height + 1
}

// Current is what a list shows of the attempt, at a tip.
func (a Attempt) Current(tip Tip) Current {
	return Current{
		TxID:          a.TxID,
		Fee:           a.Fee,
		FeeRateSatKVB: a.FeeRateSatKVB(),
		Height:        a.Height,
		Confirmations: a.Confirmations(tip),
	}
}

// FeeRateSatKVB is what the attempt pays, rounded down.
func (a Attempt) FeeRateSatKVB() int64 { return int64(txbuild.FeeRateOf(a.Fee, a.Weight)) }

// AttemptInput is a coin that an attempt spends.
type AttemptInput struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
}

// AttemptOutput maps an output to what it is for: change has ChangeIndex, a payment
// the others. One whose approval was lost has Lost, and InstalmentID only once it
// was joined to an approval that was given again.
type AttemptOutput struct {
	Vout         uint32
	Script       []byte
	Amount       btcutil.Amount
	InstalmentID *uuid.UUID
	ChangeIndex  *uint32
	Lost         *decision.Instalment // of a decision note that only a signer's journal knows
}

// Paid returns the sum of an attempt's payments.
func (a Attempt) Paid() btcutil.Amount {
	var sum btcutil.Amount
	for _, o := range a.Outputs {
		if o.ChangeIndex == nil {
			sum += o.Amount
		}
	}
	return sum
}

// Unjoined returns the sum of those payments of an attempt that are no instalment
// of this database.
func (a Attempt) Unjoined() btcutil.Amount {
	var sum btcutil.Amount
	for _, o := range a.Outputs {
		if o.Lost != nil && o.InstalmentID == nil {
			sum += o.Amount
		}
	}
	return sum
}

// LacksNotes reports whether the attempt pays somebody whose decision note was lost,
// so that no signer can be shown it.
func (a Attempt) LacksNotes() bool {
	return slices.ContainsFunc(a.Outputs, func(o AttemptOutput) bool { return o.Lost != nil })
}

// Unjoined returns the sum of the payments of a batch that only a signer's journal
// knows: its paying attempts all pay the same.
func Unjoined(attempts []Attempt) btcutil.Amount {
	for _, a := range attempts {
		if a.Kind == Pays {
			return a.Unjoined()
		}
	}
	return 0
}

// ApprovalsLost says why no new transaction can be made of a batch that pays people
// whose approvals went with the older database.
func ApprovalsLost() error {
	return errs.New(
		errs.Conflict,
		CodeApprovalsLost,
		"This batch pays people whose approvals were lost when an older database was restored, so no signer can be asked for it again. Its transaction may still confirm. If it must not, take the batch back.",
	)
}

// AttemptEvent is something that happened to an attempt.
type AttemptEvent struct {
	Event  string // built, signing, signed, broadcast, mined, reorged, paid, final, conflicted, dead
	Detail string
	Height int32 // synced tip at the time; 0: not noted
	At     time.Time
}

// Coin is a coin of the treasury with what is known of it.
type Coin struct {
	txbuild.Coin
	CoinBase      bool
	Confirmations int32
	ReservedBy    *uint32   // batch number
	Lock          *Lock     // nil: free
	At            time.Time // of the block that made it
}

// Lock keeps a coin out of every new batch.
type Lock struct {
	Reason string
	By     string // name
	At     time.Time
}

// Depths that a coin must have before it is spent.
const (
	changeDepth   = 1 // made by ourselves
	depositDepth  = 6
	coinbaseDepth = 100
)

// Spendable reports whether the coin may be used in a new batch.
func (c Coin) Spendable() bool {
	switch {
	case c.ReservedBy != nil || c.Lock != nil:
		return false
	case c.CoinBase:
		return c.Confirmations >= coinbaseDepth
	case c.Chain == 1:
		return c.Confirmations >= changeDepth
	}
	return c.Confirmations >= depositDepth
}

// Tip is the top of the chain as the worker has walked it.
type Tip struct {
	Height int32
	Hash   chainhash.Hash
	At     time.Time // the block's own time
}

// Sums are totals for people to read: nothing that moves money rests on them.
type Sums struct {
	Balances ledger.Balances
	Payments int64 // that lie deep enough in the chain
}

// Progress is where the leading worker stands on its way through the chain.
type Progress struct {
	Walked  int32  // newest block that was walked
	Target  int32  // newest block of the node
	Trouble string // what the last round could not do, in plain words; empty: nothing
	At      time.Time
}

// Stuck is a batch that does not go on by itself.
type Stuck struct {
	BatchID uuid.UUID
	Number  uint32
	State   State
	Why     string // in plain words, with what would resolve it
}

// Limits are the fund's bounds for a batch.
type Limits struct {
	MaxPayees        int
	MaxFeeRateSatKVB int64
	MaxFeeSat        int64
	DeadlineBlocks   int32
	ReadyCoins       int // how many coins should be ready for a batch
}
