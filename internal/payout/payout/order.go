package payout

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Remark is something that a treasurer should know before saying yes.
type Remark struct {
	Code string // address_reused, address_seen, round_amounts, near_cap, cap_out_of_reach, uses_all_coins, window_ends
	Text string
}

// UpkeepOrder asks for a batch that pays nobody: coins joined, a coin split, or a
// child that pulls a stuck batch along.
type UpkeepOrder struct {
	Kind             Kind            // Consolidate, Split or Child
	Coins            []wire.OutPoint // of Consolidate (2 or more) and Split (1 or more); empty: the smallest, or the largest
	Outputs          int             // of Split: 2 to 20
	Parent           uuid.UUID       // of Child: a broadcast batch
	FeeRateSatKVB    int64           // 0: the estimate for 36 blocks
	MaxFeeRateSatKVB int64           // 0: the fund's
	MaxFeeSat        int64           // 0: the fund's
}

// CoinGone refuses an order for a coin that cannot be spent now.
func CoinGone() error {
	return errs.New(
		errs.Conflict,
		CodeCoinGone,
		"A coin cannot be spent now: it is spent, locked, reserved or has too few confirmations. See the treasury page.",
	)
}

// Raise is how far the fee of a batch can be raised now, as far as is known without
// a signer and a node.
type Raise struct {
	CurrentSatKVB int64 // what it pays now, rounded down; a child and its parent together
	LeastSatKVB   int64 // to be had next
	MostSatKVB    int64 // under every limit of the batch
	Refused       error // why it cannot be raised any further; nil: it can
	Approved      bool  // MostSatKVB is the feerate that was approved
	Last          bool  // it has been raised so often that only the step to MostSatKVB is left
}

// SignedWeight is the weight of the signed bytes; before they are there, the most that
// they can weigh.
func (a Attempt) SignedWeight() int64 {
	tx := wire.NewMsgTx(wire.TxVersion)
	if len(a.Raw) == 0 || tx.Deserialize(bytes.NewReader(a.Raw)) != nil {
		return a.Weight
	}
	return txbuild.Weight(tx)
}

// BroadcastCap is the feerate in sat/kvB above which a node is not to be told of signed
// bytes: what they were built to pay, rounded up. Void and child have no other.
func (a Attempt) BroadcastCap() int64 {
	return max(money.FeeRateAbove(a.Fee, max(txbuild.VSize(a.SignedWeight()), 1)), 1)
}

// NoRelayFeeRate refuses what depends on the feerate from which on the node relays while
// nobody knows it.
func NoRelayFeeRate() error {
	return errs.New(
		errs.Conflict,
		CodeNoRelayFeerate,
		"The worker has not yet said from which feerate its node relays, so no transaction can be built. Nothing was "+
			"changed. Try again in a minute; if this continues, check that the worker is running.",
	)
}

// RaiseRefused says why the fee of a batch cannot be raised, with what it pays and may pay.
func RaiseRefused(code errs.Code, message string, r Raise) error {
	err := errs.New(errs.Conflict, code, message+" Nothing was changed.")
	err.Params = map[string]string{
		"current_sat_kvb": strconv.FormatInt(r.CurrentSatKVB, 10),
		"limit_sat_kvb":   strconv.FormatInt(r.MostSatKVB, 10),
	}
	return err
}

// Check refuses a feerate that somebody asks for and cannot have.
func (r Raise) Check(feeRateSatKVB int64) error {
	switch {
	case r.Refused != nil:
		return r.Refused
	case feeRateSatKVB >= r.LeastSatKVB && feeRateSatKVB <= r.MostSatKVB:
		return nil
	case r.Last && feeRateSatKVB > r.CurrentSatKVB && feeRateSatKVB < r.MostSatKVB:
		return RaiseRefused(
			CodeRaisedTooOften,
			fmt.Sprintf(
				"The fee of this batch has been raised %d times. It can be raised once more, to %s sat/vB, the most that "+
					"it may pay.",
				fee.MaxBumps,
				money.FormatFeeRate(r.MostSatKVB),
			),
			r,
		)
	}
	to := money.FormatFeeRate(r.MostSatKVB) + " sat/vB, the most that the approved limits allow"
	if r.Approved {
		to = "the approved " + money.FormatFeeRate(r.MostSatKVB) + " sat/vB"
	}
	return errs.InvalidFields([]errs.Field{
		{
			Field: "feerate_sat_kvb",
			Code:  errs.CodeOutOfRange,
			Message: fmt.Sprintf(
				"The new feerate must be between %s, which is more than it pays now, and %s.",
				money.FormatFeeRate(r.LeastSatKVB),
				to,
			),
			Params: map[string]string{
				"least_sat_kvb": strconv.FormatInt(r.LeastSatKVB, 10),
				"limit_sat_kvb": strconv.FormatInt(r.MostSatKVB, 10),
			},
		},
	})
}
