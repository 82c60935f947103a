package views

import (
	"slices"
	"time"
)

// Batch is one batch with its transaction.
type Batch struct {
	Number, BaseURL string // "/batches/<id>", forms post below it
	Kind            string // payout, consolidate, split, child
	State           string
	Version         int64
	CreatedAt       time.Time
	By              string
	Step            int    // 0 composed, 1 checked, 2 signing, 3 broadcast, 4 confirmed, 5 all done
	Side            string // "", "cancelled", "voided", "conflicted", "voiding": off the straight road
	Next            BatchNext
	AmountSat       int64
	Fiat            string
	Payments        int
	FeeSat          int64
	MaxFeeSat       int64 // what was approved at most; shown until there is a transaction
	FeeRate         string
	FeeShare        string
	ChangeSat       int64
	ChangeNote      string // "wpkh chain 1, index 7"
	Approvals       int
	ApprovalsNeeded int
	ApprovedBy      []Vote
	VSize           int64
	TxID            string
	Tx              Tx
	HasTx           bool
	Checks          []Check
	Confirmations   int64
	Needed          int64   // confirmations for the next thing to happen; 0: nothing waits for blocks
	Blocks          int     // how many are drawn: those that make it paid; 0 for what pays nobody
	Heights         []int64 // of the blocks that confirm, oldest first
	Recipients      []Recipient
	Attempts        []Attempt
	Events          []Event
	Digest          SignedText
	NoteURL         string // the note as a file; may be empty
	Live            bool   // something is still to happen
	CSVURL, PSBTURL string
	CanCancel       bool
	Signing         *Signing // a signature is waited for
	Bump            *Bump    // paying more can be asked for
	CanChild        bool     // a child that pays for both can be asked for
	Void            *Void    // taking it back was asked for
	VoidForm        *VoidForm
	Deep            string      // suffix of a "depth." message, what Needed leads to: final, void; "" for paid
	MaybePaid       []Msg       // what would resolve it; empty when nothing is off
	Alarm           Msg         // what is off
	PaidAnyway      []Recipient // paid after they were cancelled
	Errors          []FieldError
	TypedNumber     string
}

// Signing says whose signatures the newest transaction has.
type Signing struct {
	Needed, Total int
	Signed        []string // fingerprints
	Missing       int
	Brought       []Brought
	Typed         string // what was pasted
	Bare          bool   // the file lacks its previous transactions
}

// Brought is a PSBT that came back.
type Brought struct {
	Keys, Who string // Who empty: a signer program
	At        time.Time
}

// Bump is the form that raises the fee.
type Bump struct {
	Least, Limit string // sat/vB
	Wanted       string // sat/vB, asked for already; empty: not
	LastStep     bool   // raised so often that only the limit itself is left
	Refused      Msg    // why it cannot be raised any further; empty: it can
	Typed        string
}

// VoidForm is the form that asks to take a batch back.
type VoidForm struct {
	Reason    string
	Cancelled []string // instalments that are ticked
	Limit     int64
}

func (f VoidForm) ticked(id string) bool { return slices.Contains(f.Cancelled, id) }

// Void is the request to take a batch back.
type Void struct {
	Reason      string
	AskedBy     string
	AskedAt     time.Time
	ApprovedBy  string // empty: nobody has
	ApprovedAt  time.Time
	FeeRate     string    // sat/vB
	FeeSat      int64     // of what was built on trial
	LapsesAt    time.Time // zero once somebody has agreed
	CanWithdraw bool
	Cancel      []string // references of grants that are not to be paid
	Again       int      // payments that become payable again
	Digest      SignedText
	CanApprove  bool
	OwnRequest  bool // the reader asked for it, so somebody else has to approve
	TypedNumber string
}

// BatchNext is the one thing to do now. Kind is the suffix of a "batch.next."
// message: "approve" and "rebuild" carry a form, the others say what is being
// waited for.
type BatchNext struct {
	Kind   string // approve, await_approval, await_build, await_signer, signatures, await_broadcast, await_block, stuck, approve_void, void_signing, void_waiting, void_confirming, voided, confirming, done, conflicted, cancelled
	Params map[string]string
	Detail Msg // the latest trouble, e.g. why the signer refused; may be empty
}

// Recipient is one payment of a batch.
type Recipient struct {
	N                   int // from 1, in the order of the batch
	ID                  string
	Operator, Reference string
	Address             string
	AmountSat           int64
	State               string
	Vout                int  // -1 when not built
	Certificate         bool // there is one: a block has the payment
}

// Attempt is one transaction that was made for a batch.
type Attempt struct {
	N           int
	Kind        string // pay, void
	State, TxID string
	FeeSat      int64
	FeeRate     string
	Height      int64 // of its block; 0: none
	At          time.Time
	Now         bool // the one that counts
	Fate        Msg  // what became of it
	Events      []Event
}
