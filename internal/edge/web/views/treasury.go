package views

import "time"

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
	Runway         Runway
	Stuck          []Stuck
	Lapsed         []Lapsed
	Unjoined       []Unjoined
	Accepted       *Accepted // nil: no difference was accepted
	Estimate       Estimate
	CanCompose     bool
	Upkeep         Upkeep
	Proposal       *Proposal // nil: nothing to propose
	Reason         string    // typed for a lock
	Errors         []FieldError
}

// Runway holds what is approved against what can be spent.
type Runway struct {
	ApprovedSat  int64 // promised and not yet in a batch
	SpendableSat int64 // in coins that a new batch may take now
	ReservedSat  int64 // in batches
	LockedSat    int64
	ImmatureSat  int64 // not deep enough yet
	ShortSat     int64 // what is approved and cannot be paid now
}

// Stuck is a batch that does not go on by itself.
type Stuck struct {
	Number, URL, State string
	Why                Msg
}

// Lapsed is a batch that nobody approved in time.
type Lapsed struct {
	Number, URL, By string
	Payees          int64
	At              time.Time
}

// Unjoined is a payment of a batch whose approval a restore has lost.
type Unjoined struct {
	OutPoint, Number, URL string
	State                 string // of the batch
	Address               string
	AmountSat             int64
	FoundAt               time.Time
	Separate              string   // why it stands for itself; empty: nobody has said so
	Same                  []Option // payable instalments to the same address of the same amount
	CanJoin               bool
	Reason                string // typed
}

// Accepted is a difference between chain and ledger that two people accepted.
type Accepted struct {
	Sat int64 // chain minus ledger
	At  time.Time
	By  []string
}

// Estimate is what transactions should pay, and how that is known.
type Estimate struct {
	At      time.Time // zero: there is none
	Height  int64
	Floor   string // sat/vB
	Trusted bool
	Why     Msg
	Targets []FeeChoice
	Votes   []Source
}

// Source is one vote about the fee.
type Source struct {
	Name  string // suffix of a "vote." message
	Rates []string
	Used  bool
	Why   string
	Age   string
}

// Proposal is a split that one click composes.
type Proposal struct {
	Ready, Target int64
	Outputs       int
	EachSat       int64
	FeeRate       string
}

// Upkeep is the form for batches that pay nobody.
type Upkeep struct {
	Coins                     int // that can be joined now
	Outputs, FeeRate          string
	LeastOutputs, MostOutputs int
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
	State         string // available, reserved, locked, immature
	At            time.Time
	Lock          *Lock // nil: free
	CanLock       bool
	Chosen        bool
	Batch         string
	BatchURL      string
}

// Lock keeps a coin out of every new batch.
type Lock struct {
	Reason, By string
	At         time.Time
}

// Node is what the chain follower last saw.
type Node struct {
	Height  int64
	Hash    string
	At      time.Time
	Network string
	Trouble Msg   // empty when all is well
	Target  int64 // the node's newest block, while the worker walks up to it; 0: it is there

	WalkedPermille int64 // of the way from the fund's birthday to Target
}

// Breaker is a surprise that stopped all signing, until enough people have
// said that it is understood.
type Breaker struct {
	ID       int64
	Code     string
	Findings []Finding
	At       time.Time
	Version  int64 // of what is shown: a consent is for this
	ResetBy  []string
	Needed   int
	CanReset bool
	Mine     bool // the reader has consented
}

// Finding is one thing that was found.
type Finding struct {
	Text string
	At   time.Time
}

// Breakers is the page of those who may only say that a surprise is understood.
type Breakers struct {
	List []Breaker
}
