package decision

import (
	"math"
	"math/bits"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Most returns the most satoshi that all periods together can take. It ends at the largest
// amount rather than overflow.
func (n Note) Most() btcutil.Amount {
	high, low := bits.Mul64(uint64(max(n.SatMost, 0)), uint64(max(n.Periods, 0)))
	if high > 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return btcutil.Amount(low)
}

// Sat returns what a period pays at a rate, in minor units of the note's currency a bitcoin,
// rounded up to a satoshi. An amount in satoshi has no rate; what is given is not read. It
// refuses a period that the note does not have (no_such_period), a rate that is not above zero
// (bad_rate) and an amount outside of the note's bounds (amount_outside).
func (n Note) Sat(period int, rate int64) (btcutil.Amount, error) {
	if !n.Has(period) {
		return 0, errs.Newf(
			errs.Conflict,
			CodeNoSuchPeriod,
			"Decision %s has %d periods, and no period %d.",
			n.Decision,
			n.Periods,
			period,
		)
	}
	if n.Currency == CurrencySat {
		return n.within(uint64(max(n.Amount, 0)))
	}
	if rate <= 0 {
		return 0, errs.Newf(errs.Conflict, CodeBadRate, "The rate of %s is not above zero.", n.Currency)
	}
	high, low := bits.Mul64(uint64(max(n.Amount, 0)), btcutil.SatoshiPerBitcoin)
	if high >= uint64(rate) {
		return n.within(math.MaxUint64)
	}
	sat, rest := bits.Div64(high, low, uint64(rate))
	if rest > 0 && sat < math.MaxUint64 {
		sat++
	}
	return n.within(sat)
}

func (n Note) within(sat uint64) (btcutil.Amount, error) {
	if sat > uint64(money.MaxSat) || btcutil.Amount(sat) < n.SatLeast || btcutil.Amount(sat) > n.SatMost {
		return 0, errs.Newf(
			errs.Conflict,
			CodeAmountOutside,
			"A period of decision %s would pay %d sat; the decision allows %d to %d sat.",
			n.Decision,
			sat,
			int64(n.SatLeast),
			int64(n.SatMost),
		)
	}
	return btcutil.Amount(sat), nil
}
