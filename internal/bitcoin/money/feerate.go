package money

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// MaxFeeRateSatKVB is the highest feerate that anybody may ask for: 10,000 sat/vB.
const MaxFeeRateSatKVB = 10_000_000

// Programs and notes hold feerates in whole satoshi per 1,000 virtual bytes, as
// nodes do (nodes relay from 0.1 sat/vB on); people read and type sat/vB.
const (
	vbytesPerKVB     = 1000
	feeRateDecimals  = 3
	wrongFeeRateText = "Write the feerate in sat/vB with digits and a point, for example 12 or 1.5."
)

// FeeAt returns the fee of a transaction of vsize virtual bytes at a feerate, rounded
// up to a satoshi. More than all bitcoin is MaxSat, and nothing or less is 0.
func FeeAt(vsize, feeRateSatKVB int64) btcutil.Amount {
	if vsize <= 0 || feeRateSatKVB <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(vsize), uint64(feeRateSatKVB))
	low, carry := bits.Add64(low, vbytesPerKVB-1, 0)
	if high += carry; high >= vbytesPerKVB {
		return MaxSat // the quotient needs more than 64 bits
	}
	fee, _ := bits.Div64(high, low, vbytesPerKVB)
	return btcutil.Amount(min(fee, uint64(MaxSat)))
}

// FeeRateOf returns the feerate, in satoshi per 1,000 virtual bytes, that a fee makes
// for vsize virtual bytes, rounded down as nodes do; 0 without a size or a fee.
func FeeRateOf(fee btcutil.Amount, vsize int64) int64 {
	return perKVB(fee, vsize, 0)
}

// FeeRateAbove is FeeRateOf rounded up: the lowest feerate that allows this fee.
func FeeRateAbove(fee btcutil.Amount, vsize int64) int64 {
	return perKVB(fee, vsize, 1)
}

// perKVB divides fee*1000 by vsize; up 1 rounds up.
func perKVB(fee btcutil.Amount, vsize int64, up uint64) int64 {
	if fee <= 0 || vsize <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(fee), vbytesPerKVB)
	low, carry := bits.Add64(low, up*uint64(vsize-1), 0)
	if high += carry; high >= uint64(vsize) {
		return math.MaxInt64 // the quotient needs more than 64 bits
	}
	rate, _ := bits.Div64(high, low, uint64(vsize))
	return int64(min(rate, math.MaxInt64))
}

// ParseFeeRate reads a feerate that a person types in sat/vB, with up to three
// decimals after a point (ASCII, Arabic or Persian digits; ٫ is a point too), and
// returns satoshi per 1,000 virtual bytes. The field error carries one of the codes
// required, not_a_number, too_precise, not_positive, too_large. A comma is refused: it
// parts thousands for some people and decimals for others.
func ParseFeeRate(field, s string) (int64, *errs.Field) {
	bad := func(code errs.Code, message string) (int64, *errs.Field) {
		return 0, &errs.Field{Field: field, Code: code, Message: message}
	}
	trimmed := strings.TrimSpace(s)
	if trimmed == "" {
		return bad(errs.CodeRequired, "Give a feerate in sat/vB.")
	}
	negative := false
	if rest, minus := cutMinus(trimmed); minus {
		negative, trimmed = true, rest
	}
	whole, fraction, point := strings.Cut(strings.ReplaceAll(trimmed, "٫", "."), ".")
	digits, ok := asciiDigits(whole)
	decimals, fine := asciiDigits(fraction)
	if !ok || point && !fine {
		return bad(errs.CodeNotANumber, wrongFeeRateText)
	}
	if len(decimals) > feeRateDecimals {
		return bad(CodeTooPrecise, "A feerate in sat/vB has at most three decimals, for example 1.234.")
	}
	digits += decimals + strings.Repeat("0", feeRateDecimals-len(decimals))
	rate, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case negative || err == nil && rate == 0:
		return bad(CodeNotPositive, "The feerate must be more than zero.")
	case err != nil || rate > MaxFeeRateSatKVB:
		return bad(errs.CodeTooLarge, "The feerate is at most "+FormatFeeRate(MaxFeeRateSatKVB)+" sat/vB.")
	}
	return rate, nil
}

// cutMinus cuts a minus off the front of s.
func cutMinus(s string) (string, bool) {
	for _, minus := range []string{"-", "−"} {
		if rest, found := strings.CutPrefix(s, minus); found {
			return rest, true
		}
	}
	return s, false
}

// asciiDigits writes the digits that s consists of as ASCII; false when there are
// none or anything else is among them.
func asciiDigits(s string) (string, bool) {
	var digits strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r >= '٠' && r <= '٩':
			digits.WriteRune('0' + r - '٠')
		case r >= '۰' && r <= '۹':
			digits.WriteRune('0' + r - '۰')
		default:
			return "", false
		}
	}
	return digits.String(), digits.Len() > 0
}

// FormatFeeRate writes satoshi per 1,000 virtual bytes in sat/vB for people, exactly
// and without zeros at the end: 1234 as 1.234, 1500 as 1.5, 100 as 0.1, 2000 as 2.
func FormatFeeRate(feeRateSatKVB int64) string {
	s := thousandths(feeRateSatKVB)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// FormatPermille writes thousandths as people read shares, in per cent: 50 as 5, 938
// as 93.8.
func FormatPermille(permille int64) string {
	whole, tenth := permille/10, permille%10
	sign := ""
	if permille < 0 && whole == 0 {
		sign = "-"
	}
	s := sign + strconv.FormatInt(whole, 10)
	if tenth != 0 {
		s += "." + strconv.FormatInt(max(tenth, -tenth), 10)
	}
	return s
}

// thousandths writes n/1000 with its three decimals.
func thousandths(n int64) string {
	sign, size := "", uint64(n) //nolint:gosec // made positive below
	if n < 0 {
		sign, size = "-", -size
	}
	decimals := strconv.FormatUint(size%1000, 10)
	return sign + strconv.FormatUint(
		size/1000,
		10,
	) + "." + strings.Repeat(
		"0",
		feeRateDecimals-len(decimals),
	) + decimals
}

// FeeRateFlag is a feerate in satoshi per 1,000 virtual bytes as the value of a
// command-line flag, which people type and read in sat/vB.
type FeeRateFlag int64

// Set reads what was typed.
func (f *FeeRateFlag) Set(typed string) error {
	rate, bad := ParseFeeRate("", typed)
	if bad != nil {
		return errs.New(errs.Invalid, bad.Code, bad.Message)
	}
	*f = FeeRateFlag(rate)
	return nil
}

// String is the value in sat/vB; empty for a flag that was not given.
func (f *FeeRateFlag) String() string {
	if *f == 0 {
		return ""
	}
	return FormatFeeRate(int64(*f))
}

// Type is what help says after the name of the flag.
func (f *FeeRateFlag) Type() string { return "sat/vB" }
