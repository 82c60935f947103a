package payout

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Record is a batch with all that belongs to it.
type Record struct {
	Batch     Batch
	Items     []Item
	Approvals []Approval
	Attempts  []Attempt // oldest first
	Void      *Void     // nil: not asked for, withdrawn or lapsed
	Raise     *Raise    // nil: it does not wait for a block; when read by Service.Batch
	History   []grant.Happening
	Tip       Tip
}

// Holdings is what the treasury has, read in one snapshot.
type Holdings struct {
	Tip        Tip
	Coins      []Coin // unspent; with PrevTx
	Balances   ledger.Balances
	Breakers   []Breaker // open ones
	Accepted   *Accepted // nil: no difference between coins and ledger was accepted
	NextIndex  uint32    // first deposit index that was never paid to
	LastNumber uint32    // of any batch
	Unbuilt    int       // approved batches that wait for coins
	// LongRunSatKVB is the median of the trusted estimates of the last four weeks, for a
	// patient payment; 0 before there is a week of them.
	LongRunSatKVB int64
	Stuck         []Stuck
}

// Work is a batch under lock and what a step adds to it. Everything that is
// added is written in one transaction, or nothing is.
type Work struct {
	Fund      fund.Fund
	Batch     Batch
	Items     []Item
	Attempts  []Attempt
	Approvals []Approval
	Void      *Void
	Parent    *Attempt // of a child: the attempt whose change it spends; nil when there is none

	NewApproval   *Approval
	EndVoid       *VoidEnd // of Void, before NewVoid
	NewVoid       *Void
	VoidApproval  *Approval // of the void
	NewAttempt    *Attempt
	NewRaw        []byte          // of the newest attempt
	NewSignature  *Signature      // of the newest attempt
	Reserve       []wire.OutPoint // coins taken; Conflict "coin_taken" when one is
	ReleaseItems  bool            // items leave the batch
	ReleaseCoins  bool            // reservations end
	ItemsTo       grant.InstalmentState
	Transfers     []ledger.Transfer
	AttemptEvents []AttemptEvent // of the newest attempt
	Entries       []audit.Entry
}

// Store keeps batches. Each method is one transaction. A function that a method
// takes must not call the store: what it needs, the store has loaded.
type Store interface {
	Fund(ctx context.Context) (fund.Fund, error)

	// NextNumber draws a batch number. Numbers that end up unused are skipped.
	NextNumber(ctx context.Context) (uint32, error)

	// Items returns instalments by id, in no order; with no ids every payable one,
	// oldest first.
	Items(ctx context.Context, ids []uuid.UUID) ([]Item, error)

	// VotedOn returns which of the instalments staff voted on as a reviewer.
	VotedOn(ctx context.Context, staff uuid.UUID, instalments []uuid.UUID) ([]uuid.UUID, error)

	// CreateBatches stores them and allocates their instalments, all or nothing.
	// Conflict "not_payable" when one is in another state by now.
	CreateBatches(ctx context.Context, list []NewBatch) error

	// Batch returns one. NotFound "batch_not_found".
	Batch(ctx context.Context, id uuid.UUID) (Record, error)

	// Batches returns up to limit batches with a number below before (0: no
	// bound), newest first.
	Batches(ctx context.Context, before uint32, limit int) ([]Batch, error)

	// UpdateBatch loads the row FOR UPDATE, calls fn and writes what it added,
	// with version+1. fn may run more than once. With an epoch above zero it
	// first checks that the lease is still this one: Conflict "lease_lost".
	UpdateBatch(ctx context.Context, epoch int64, id uuid.UUID, now time.Time, fn func(*Work) error) (Batch, error)

	// AttemptByTxID returns the attempt of a txid. NotFound "attempt_not_found".
	AttemptByTxID(ctx context.Context, txid chainhash.Hash) (Attempt, error)

	// Holdings returns what the treasury has.
	Holdings(ctx context.Context) (Holdings, error)

	// Sums returns totals for people to read.
	Sums(ctx context.Context) (Sums, error)

	// Breakers returns the open ones, oldest first.
	Breakers(ctx context.Context) ([]Breaker, error)

	// UpdateBreaker loads one FOR UPDATE, calls fn and writes what it added. NotFound
	// "breaker_not_found".
	UpdateBreaker(ctx context.Context, id int64, fn func(*BreakerWork) error) (Breaker, error)

	// LockCoin keeps a coin out of new batches; UnlockCoin lets it in again. NotFound
	// "coin_not_found"; Conflict "coin_locked", "coin_not_locked", "coin_taken".
	LockCoin(ctx context.Context, op wire.OutPoint, reason string, staff uuid.UUID, e audit.Entry) error
	UnlockCoin(ctx context.Context, op wire.OutPoint, staff uuid.UUID, e audit.Entry) error

	// Lapsed returns the batches that were cancelled since a time because nobody had
	// approved them, newest first.
	Lapsed(ctx context.Context, since time.Time) ([]Lapsed, error)

	// Progress returns where the leading worker stands; nil when none ever led.
	Progress(ctx context.Context) (*Progress, error)

	// Estimate returns the worker's newest; nil when it has made none.
	Estimate(ctx context.Context) (*fee.Estimate, error)

	// Proof returns what a certificate of a payment is made of: the transaction that
	// pays it, with its Merkle branch and up to headers headers from its block on.
	// NotFound "not_paid".
	Proof(ctx context.Context, instalment uuid.UUID, headers int) (Proof, error)

	// Unjoined lists the payments that only a signer's journal knows, by batch.
	Unjoined(ctx context.Context) ([]UnjoinedPayment, error)

	// JoinPayment loads one of them and an instalment under lock, calls fn, and writes
	// what it added with the instalment as an item of the batch. NotFound
	// "unjoined_not_found", "instalment_not_found".
	JoinPayment(ctx context.Context, op wire.OutPoint, instalment uuid.UUID, now time.Time, fn func(*Join) error) error

	// SeparatePayment notes that one of them stands for itself. NotFound
	// "unjoined_not_found"; Conflict "already_separate".
	SeparatePayment(ctx context.Context, op wire.OutPoint, reason string, staff uuid.UUID, e audit.Entry) error

	// Payments lists the payments in blocks from one time until another, oldest first.
	Payments(ctx context.Context, from, until time.Time) ([]books.Payment, error)
}

// NewBatch is a batch with the instalments that it pays.
type NewBatch struct {
	Batch Batch
	Items []Item
	Entry audit.Entry
}

// Proof is a payment on the best chain.
type Proof struct {
	Item        Item
	BatchNumber uint32
	BatchDigest decision.Digest
	TxID        chainhash.Hash
	Vout        uint32
	Height      int32
	BlockHash   chainhash.Hash
	Inclusion   spv.Inclusion
}

// DeadAttempt is a released attempt that can never confirm: Killer, deep in the
// chain, spends one of its coins or of those of an attempt that it descends from.
type DeadAttempt struct {
	TxID   chainhash.Hash
	Killer spv.Inclusion
}

// WorkerStore is what only the worker may do.
type WorkerStore interface {
	Store
	BreakerStore

	// Due returns the batches that the conductor may take on, oldest first.
	Due(ctx context.Context) ([]uuid.UUID, error)

	// SetError stores why the due step of a batch did not work, in plain words. Without
	// a message it forgets what was stored.
	SetError(ctx context.Context, epoch int64, id uuid.UUID, code, message string, now time.Time) error

	// Connect walks one block on; Disconnect walks one back. Both call fn under
	// the lease with what the block touches and write what it added.
	Connect(ctx context.Context, epoch int64, b Block, fn func(*ChainWork) error) error
	Disconnect(ctx context.Context, epoch int64, tip Tip, fn func(*ChainWork) error) error

	// ConnectQuiet walks blocks on that do not touch the treasury, all in one transaction.
	// all is false, and nothing is changed, when something waits for a block's depth: then
	// each is for Connect.
	ConnectQuiet(ctx context.Context, epoch int64, blocks []Block) (all bool, err error)

	// Head returns the walked tip; ok is false before the first header.
	Head(ctx context.Context) (tip Tip, ok bool, err error)

	// HeaderHash returns the hash of the walked block at height; ok is false when
	// none is stored.
	HeaderHash(ctx context.Context, height int32) (hash chainhash.Hash, ok bool, err error)

	// Forgotten returns the composed batches that were made at or before a time.
	Forgotten(ctx context.Context, until time.Time) ([]uuid.UUID, error)

	// SetProgress keeps where the worker stands.
	SetProgress(ctx context.Context, epoch int64, p Progress) error

	// SetEstimate keeps the newest estimate and, of those that are trusted, one an hour
	// for four weeks.
	SetEstimate(ctx context.Context, epoch int64, e fee.Estimate) error

	// DeadAttempts returns the dead attempts of other batches that paid a payment of
	// this batch or spend a coin of it, with proofs. headers is how many each shows.
	DeadAttempts(ctx context.Context, batch uuid.UUID, headers int) ([]DeadAttempt, error)

	// LapsedVoids returns the batches with a request to take them back that was asked
	// for at a time or before and that nobody has agreed to.
	LapsedVoids(ctx context.Context, asked time.Time) ([]uuid.UUID, error)
}

// Block is what the follower found in a block.
type Block struct {
	Header wire.BlockHeader
	Tip    Tip
	Txs    []OwnTx // those that pay or spend the treasury, in block order
	Base   bool    // the first header: nothing in it counts
}

// OwnTx is a transaction that pays or spends the treasury.
type OwnTx struct {
	Tx                    *wire.MsgTx
	Position              int              // in the block
	Branch                []chainhash.Hash // Merkle path to the header
	Coins                 []Coin           // own outputs
	Spends                []wire.OutPoint  // own coins
	SpentSat, PaidBackSat btcutil.Amount
	InJournal             bool // a signer's journal names it, and it could not be made an attempt again
}

// Followed is an attempt whose transaction a block touches, or that waits for depth.
type Followed struct {
	Batch   Batch
	Attempt Attempt
	Void    *Void
	Items   []Item // of Dead only
	Height  int32  // of the block that holds it

	Unjoined btcutil.Amount // that the batch pays and only a signer's journal knows
}

// ChainWork is what a block touches, and what connecting or disconnecting it adds.
type ChainWork struct {
	Fund      fund.Fund
	Ours      map[string]Followed // by txid: attempts among the block's own transactions
	Adopted   map[string]bool     // txids that were booked whole before, as a journal names them
	Waiting   []Followed          // mined or paid, on the best chain, without the block's own
	Spending  []Followed          // attempts without a block that spend a coin which this block spends
	Freed     []Followed          // newest attempts of conflicted batches whose coins are all unspent again (Disconnect)
	Dead      []Followed          // newest attempts of voiding and conflicted batches of which nothing can be paid any more (rule R)
	Transfers []ledger.Transfer   // that this height caused and that still stand (Disconnect)

	Moves      []Move
	Post       []ledger.Transfer
	Trip       []Finding
	NewEntries []audit.Entry
}

// Move takes a batch and all its instalments to new states.
type Move struct {
	Batch   Batch
	To      State
	ItemsTo grant.InstalmentState
	Attempt uuid.UUID
	Event   AttemptEvent
	Raw     []byte      // signed bytes that only the block told us; empty: known before
	Release bool        // reservations end
	Cancel  []uuid.UUID // instalments that go to cancelled, not to ItemsTo
	Leave   bool        // items leave the batch
}
