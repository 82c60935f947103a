package views

import "time"

// Batches is the list of payout batches.
type Batches struct {
	State      string
	States     []Option
	Rows       []BatchRow
	Paging     Paging
	CanCompose bool
	DueCount   int64 // approved instalments that wait
	DueSat     int64
}

// BatchRow is one batch.
type BatchRow struct {
	Number, URL   string // "B-0042"
	State         string
	Payments      int
	AmountSat     int64
	FeeSat        int64
	CreatedAt     time.Time
	By            string
	Confirmations int
	Needed        int
}

// Compose is the form that makes a batch out of approved instalments, and the
// answer of its dry run.
type Compose struct {
	IdempotencyKey string
	Due            []ComposeRow
	SelectedCount  int
	SelectedSat    int64
	AvailableSat   int64
	Fees           []FeeChoice
	FeeSatVB       string // typed rate; empty when a choice is taken
	MaxFeeSatVB    string
	MaxFeeSat      string
	Result         *DryRun // nil before the first dry run
	Errors         []FieldError
	Truncated      int64 // approved instalments that are not listed
}

// ComposeRow is one approved instalment.
type ComposeRow struct {
	ID, Reference, Operator, Title, Lang string
	Address                              string
	AmountSat                            int64
	ApprovedAt                           time.Time
	Checked                              bool
	Problem                              Msg // why it cannot be paid now; empty is fine
}

// FeeChoice is one fee target; Name is the suffix of a "fee." message.
type FeeChoice struct {
	Name, Value string // value of the radio button, sat/vB
	Blocks      int
	RateSatVB   string
	CostSat     int64 // for the selection, 0 when unknown
	Checked     bool
}

// DryRun is what a batch would look like.
type DryRun struct {
	OK                bool
	Checks            []Check
	AmountSat, FeeSat int64
	ChangeSat         int64
	VSize, Weight     int64
	FeeRateSatVB      string
	FeePercent        string
	Inputs, Payments  int
	Tx                Tx
}

// Batch is one batch with its transaction.
type Batch struct {
	Number, BaseURL string // "/batches/<id>", forms post below it
	State           string
	Version         int64
	CreatedAt       time.Time
	By              string
	Step            int    // 0 composed, 1 checked, 2 signing, 3 broadcast, 4 confirmed, 5 all done
	Side            string // "", "cancelled", "voided", "conflicted", "stuck": off the straight road
	Next            BatchNext
	AmountSat       int64
	Fiat            string
	Payments        int
	FeeSat          int64
	MaxFeeSat       int64 // what was approved at most; shown until there is a transaction
	FeeRateSatVB    string
	FeePercent      string
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
	Confirmations   int
	Needed          int
	Heights         []int64 // of the blocks that confirm, oldest first
	Recipients      []Recipient
	Attempts        []Attempt
	Events          []Event
	Digest          SignedText
	NoteURL         string // the note as a file; may be empty
	LiveURL         string // fragment that is asked for again and again; empty stops
	CSVURL, PSBTURL string
	CanCancel       bool
	Errors          []FieldError
	TypedNumber     string
}

// BatchNext is the one thing to do now. Kind is the suffix of a "batch.next."
// message: "approve" and "rebuild" carry a form, the others say what is being
// waited for.
type BatchNext struct {
	Kind   string // approve, await_approval, await_build, await_signer, await_broadcast, await_block, confirming, done, stuck, conflicted, cancelled, halted
	Params map[string]string
	Detail Msg // the latest trouble, e.g. why the signer refused; may be empty
}

// Recipient is one payment of a batch.
type Recipient struct {
	N                             int
	Operator, Reference, GrantURL string
	Address                       string
	AmountSat                     int64
	State                         string
	Vout                          int // -1 when not built
}

// Attempt is one transaction that was made for a batch.
type Attempt struct {
	N            int
	State, TxID  string
	FeeSat       int64
	FeeRateSatVB string
	At           time.Time
	Outcome      Msg
}

// Treasury is the fund's money.
type Treasury struct {
	Balances       []Balance
	TotalSat       int64
	Coins          []Coin
	MoreCoins      int64 // not listed
	DepositAddress string
	Descriptor     string // with checksum
	Fingerprint    string
	Node           Node
	Breakers       []Breaker
	LedgerSat      int64
	ChainSat       int64
}

// Balance is one state money can be in; Name is the suffix of a "balance."
// message.
type Balance struct {
	Name string // available, committed, in_flight, confirming, paid, fees
	Sat  int64
}

// Coin is one unspent output.
type Coin struct {
	TxID          string
	Vout          int
	AmountSat     int64
	Height        int64
	Confirmations int64
	State         string // available, reserved, immature
	Batch         string
	BatchURL      string
}

// Node is what the chain follower last saw.
type Node struct {
	Height  int64
	Hash    string
	At      time.Time
	Network string
	Trouble Msg // empty when all is well
}

// Breaker is a surprise that stopped all signing, until enough people have
// said that it is understood.
type Breaker struct {
	ID       int64
	Reason   Msg
	At       time.Time
	ResetBy  []string
	Needed   int
	CanReset bool
}

// Audit is the log.
type Audit struct {
	Actor, Action, Object string // filters
	Actions               []Option
	Rows                  []AuditRow
	Paging                Paging
	Checkpoint            Checkpoint
	BundleURL             string
	Command               string // how to verify off-line
}

// AuditRow is one leaf.
type AuditRow struct {
	Seq                   int64
	At                    time.Time
	Actor, Action, Object string
	ObjectURL             string
	Digest                string
}

// Checkpoint is the latest signed head of the log.
type Checkpoint struct {
	Origin, Root, Text string
	Size               int64
	At                 time.Time
	KeyID              string
}
