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
	Kind          string // payout, consolidate, split, child
	State         string
	Payments      int
	AmountSat     int64
	FeeSat        int64
	CreatedAt     time.Time
	By            string
	Confirmations int64
	Needed        int64 // for the next thing to happen; 0: nothing waits for blocks
}

// Compose is the form that makes a batch out of approved instalments, and the
// answer of its dry run.
type Compose struct {
	IdempotencyKey string
	Due            []ComposeRow
	SelectedCount  int
	SelectedSat    int64
	AvailableSat   int64
	Fees           []FeeChoice // of the estimate; empty when there is none to rely on
	NoEstimate     Msg         // why there is none
	EstimatedAt    time.Time
	FeeRate        string // typed rate; empty when a choice is taken
	MaxFeeRate     string
	MaxFeeSat      string
	DeadlineBlocks string
	Coins          []Coin // that can be spent now
	CoinsChosen    int
	CoinsKept      int64   // coins that cannot be spent now, or are not listed
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

// FeeChoice is one fee target.
type FeeChoice struct {
	Value   string // of the radio button, sat/vB
	Blocks  int
	Rate    string
	CostSat int64  // of the first batch, 0 when unknown
	Share   string // of what the first batch pays
	Refused string // why it cannot be had, in plain words
	Checked bool
}

// DryRun is what a batch would look like.
type DryRun struct {
	OK                bool
	Checks            []Check
	AmountSat, FeeSat int64
	ChangeSat         int64
	HeadroomSat       int64 // between the fee and the highest fee
	FreeAfterSat      int64 // available in the treasury once it is paid
	VSize, Weight     int64
	FeeRate           string
	FeeShare          string
	Inputs, Payments  int
	Batches           int // that the order would be split into
	Notes             []Msg
	Tx                Tx
}

// Import is the page that reads a list of payees.
type Import struct {
	Text    string // what was pasted
	Sample  string // of a list
	Rows    []ImportRow
	Lines   int
	Empty   int // lines at the end
	Fit     int // rows that picked an instalment
	FitSat  int64
	Picked  []string // instalments
	Refused Msg      // the file as a whole cannot be read
	Errors  []FieldError
}

// ImportRow is one line of the list below its header.
type ImportRow struct {
	Line                      int
	Reference, Address, Label string
	AmountSat                 int64
	Problems                  []Msg // none: the row picked an instalment
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
