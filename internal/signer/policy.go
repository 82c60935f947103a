package signer

import (
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/money"
)

const (
	// feeFloor is a fee that the percentage never forbids: small batches cost
	// more than a few percent.
	feeFloor btcutil.Amount = 2000

	minFeeRateSatVB = 1 // what nodes relay
)

// Policy is what this signer's own operator allows, whatever the notes say.
type Policy struct {
	MaxFeeRateSatVB int64          // of the worst-case virtual size
	MaxFee          btcutil.Amount // of one transaction
	MaxFeePercent   int64          // of the sum of the payments; 2,000 sat are always allowed
}

// DefaultPolicy returns the caps of a signer that was told none.
func DefaultPolicy() Policy {
	return Policy{MaxFeeRateSatVB: 200, MaxFee: 200_000, MaxFeePercent: 5}
}

// Validate refuses caps that forbid everything or nothing (errs.Invalid,
// bad_policy).
func (p Policy) Validate() error {
	switch {
	case p.MaxFeeRateSatVB < minFeeRateSatVB || p.MaxFeeRateSatVB > 10_000:
		return errs.New(errs.Invalid, "bad_policy", "The highest fee rate must be 1 to 10000 sat/vB.")
	case p.MaxFee <= 0 || p.MaxFee > money.MaxSat:
		return errs.New(errs.Invalid, "bad_policy", "The highest fee must be 1 sat or more.")
	case p.MaxFeePercent < 1 || p.MaxFeePercent > 100:
		return errs.New(errs.Invalid, "bad_policy", "The highest fee in percent must be 1 to 100.")
	}
	return nil
}

// checkFee holds the fee, known from verified inputs, against the caps of the
// signer, of the batch note and of every decision note.
func (r rules) checkFee(p *proposal) error {
	vsize := worstVSize(p.packet.UnsignedTx, r.descriptor)
	rate := (int64(p.fee) + vsize - 1) / vsize
	percentCap := max(feeFloor, p.batch.Total()*btcutil.Amount(r.policy.MaxFeePercent)/100)
	switch {
	case p.fee < 0:
		return refuse("negative_fee", "The outputs are worth more than the inputs.")
	case int64(p.fee) < vsize*minFeeRateSatVB:
		return refuse("feerate_too_low", "A fee of %d sat for %d vbytes would not be relayed.", int64(p.fee), vsize)
	case p.fee > r.policy.MaxFee:
		return refuse("fee_above_cap", "The fee of %d sat is above this signer's cap of %d sat.", int64(p.fee), int64(r.policy.MaxFee))
	case p.fee > p.batch.MaxFee:
		return refuse("fee_above_batch_cap", "The fee of %d sat is above the batch's cap of %d sat.", int64(p.fee), int64(p.batch.MaxFee))
	case p.fee > percentCap:
		return refuse("fee_above_percent", "The fee of %d sat is above %d %% of what is paid.", int64(p.fee), r.policy.MaxFeePercent)
	case rate > r.policy.MaxFeeRateSatVB:
		return refuse("feerate_above_cap", "The fee rate of %d sat/vB is above this signer's cap of %d.", rate, r.policy.MaxFeeRateSatVB)
	case rate > p.batch.MaxFeeRateSatVB:
		return refuse("feerate_above_batch_cap", "The fee rate of %d sat/vB is above the batch's cap of %d.", rate, p.batch.MaxFeeRateSatVB)
	}
	for _, n := range p.notes {
		if rate > n.MaxFeeRateSatVB {
			return refuse("feerate_above_decision_cap", "The fee rate of %d sat/vB is above the cap of %d of decision %s.", rate, n.MaxFeeRateSatVB, n.Decision)
		}
	}
	return nil
}
