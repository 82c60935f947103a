package payout

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Record is a batch with all that belongs to it.
type Record struct {
	Fund      fund.Fund
	Batch     Batch
	Items     []Item
	Approvals []Approval
	Attempts  []Attempt         // oldest first
	Parent    *Attempt          // of a child: the attempt whose change it spends; nil when there is none
	Void      *Void             // nil: not asked for, withdrawn or lapsed
	Raise     *Raise            // nil: it does not wait for a block; when read by Service.Batch
	History   []grant.Happening // unless it is locked
	Tip       Tip               // unless it is locked
	// RelaySatKVB is what the worker's node relays from on, as in Holdings.
	RelaySatKVB int64
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
	// RelaySatKVB is what the worker's node relays from on, and what a replacement pays
	// for its own relay; 0 before the worker has asked it.
	RelaySatKVB int64
	Stuck       []Stuck
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
	Waiting   []Followed          // in an earlier block, and paid or final by this one; paid by the one that goes (Disconnect)
	Spending  []Followed          // first attempts, without a block, of batches that wait, and of which this block spends a coin
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

// Quiet reports whether nothing of the block is ours.
func (b Block) Quiet() bool { return !b.Base && len(b.Txs) == 0 }
