package payout

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/txbuild"
)

// MaxPayees is the most payments of one batch.
const MaxPayees = 200

// Batch is a set of payments that go out in one transaction.
type Batch struct {
	ID              uuid.UUID
	FundID          uuid.UUID
	Number          uint32 // also the index of its change script
	State           State
	Version         int64
	Note            string // canonical batch note
	Digest          decision.Digest
	FeeRateSatVB    int64
	MaxFeeRateSatVB int64
	MaxFee          btcutil.Amount
	Seed            [32]byte
	Anchor          *wire.OutPoint // set when built
	ComposedBy      uuid.UUID
	ComposerName    string // when read
	Tries           int    // of the step that is due
	LastError       string // in plain words
	CreatedAt       time.Time
	ChangedAt       time.Time

	Payees int            // when listed
	Total  btcutil.Amount // when listed
}

// Item is an instalment as a batch sees it.
type Item struct {
	InstalmentID uuid.UUID
	GrantID      uuid.UUID
	Reference    string
	Designation  string
	Digest       decision.Digest
	Note         string // canonical decision note
	Script       []byte
	Address      string
	Amount       btcutil.Amount
	State        grant.InstalmentState
	CreatedAt    time.Time
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
	PSBT      []byte
	TxID      chainhash.Hash
	Fee       btcutil.Amount
	Weight    int64
	Epoch     int64
	Inputs    []AttemptInput
	Outputs   []AttemptOutput
	Raw       []byte // signed bytes; empty before they are stored
	Height    int32  // of the block that holds it; 0: none
	Events    []AttemptEvent
	CreatedAt time.Time
}

// AttemptInput is a coin that an attempt spends.
type AttemptInput struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
}

// AttemptOutput maps an output to what it is for: exactly one of InstalmentID
// and ChangeIndex is set.
type AttemptOutput struct {
	Vout         uint32
	Script       []byte
	Amount       btcutil.Amount
	InstalmentID *uuid.UUID
	ChangeIndex  *uint32
}

// AttemptEvent is something that happened to an attempt.
type AttemptEvent struct {
	Event  string // built, signing, signed, announced, mined, reorged, paid, final, conflicted
	Detail string
	At     time.Time
}

// Coin is a coin of the treasury with what is known of it.
type Coin struct {
	txbuild.Coin
	CoinBase      bool
	Confirmations int32
	ReservedBy    *uint32 // batch number
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
	case c.ReservedBy != nil:
		return false
	case c.CoinBase:
		return c.Confirmations >= coinbaseDepth
	case c.Chain == 1:
		return c.Confirmations >= changeDepth
	}
	return c.Confirmations >= depositDepth
}

// Breaker is a surprise that stopped all signing.
type Breaker struct {
	ID        int64
	Code      string // foreign_spend, deep_reorg, unexpected_payment, ledger_mismatch
	Detail    string
	TrippedAt time.Time
	ResetBy   []string // names; two close it
}

// Tip is the top of the chain as the worker has walked it.
type Tip struct {
	Height int32
	Hash   chainhash.Hash
	At     time.Time // the block's own time
}

// Treasury is the state of the fund's money.
type Treasury struct {
	Balances       ledger.Balances
	Coins          []Coin // unspent, largest first
	CoinsSat       btcutil.Amount
	Difference     btcutil.Amount // coins minus ledger: zero, or the breaker trips
	Tip            Tip
	DepositAddress string // the next unused one
	DepositIndex   uint32
	Descriptor     string
	Breakers       []Breaker // open ones
	Approved       btcutil.Amount
}
