package fund

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// Fund is the donor's programme: its treasury, its budget and its review policy.
type Fund struct {
	ID               uuid.UUID
	Name             string
	Network          string
	Descriptor       string // treasury, with checksum
	BirthdayHeight   int32
	Budget           btcutil.Amount // sum of all grants that may ever be approved
	MinAmount        btcutil.Amount // for one application
	MaxAmount        btcutil.Amount
	PolicyVersion    int64
	Quorum           int   // distinct reviewers who approve the same digest
	MaxFeeRateSatKVB int64 // no transaction pays more
	MaxFee           btcutil.Amount
	PayWindow        time.Duration // how long an approved decision may be paid
	PaidDepth        int32         // confirmations at which a payment is called paid
	FinalDepth       int32         // and final
	MaxPayees        int           // of one batch
	DeadlineBlocks   int32         // blocks after which a batch pays its highest feerate
	ReadyCoins       int           // how many coins should be ready for a batch of their own; 0: any number
	FutureWitness    bool          // pay to witness versions that have no meaning yet
	CreatedAt        time.Time
}

// What a fund keeps to that was told nothing else. They agree with each other: the
// largest batch at the highest feerate keeps within the highest fee, with room for its
// void; payout's tests hold them to that.
const (
	DefaultMaxPayees        = 200
	DefaultMaxFeeRateSatKVB = 60_000
	DefaultMaxFee           = btcutil.Amount(700_000)
	DefaultDeadlineBlocks   = int32(144)
	DefaultReadyCoins       = 8
	MaxReadyCoins           = 20
)

// PayWithinDays is PayWindow in the days that a decision counts in.
func (f Fund) PayWithinDays() int { return max(int(f.PayWindow/(24*time.Hour)), 1) }

// Params returns the chain's parameters.
func (f Fund) Params() (*chaincfg.Params, error) { return wallet.Params(f.Network) }

// treasuryGapLimit is how many deposit and change scripts an applicant's
// address is compared with.
const treasuryGapLimit = 500

// Treasury returns the descriptor and an index of its first scripts.
func (f Fund) Treasury() (*wallet.Descriptor, *wallet.Index, error) {
	params, err := f.Params()
	if err != nil {
		return nil, nil, err
	}
	d, err := wallet.ParseChecksummed(f.Descriptor, params)
	if err != nil {
		return nil, nil, err
	}
	return d, wallet.NewIndex(d, treasuryGapLimit), nil
}
