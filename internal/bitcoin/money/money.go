package money

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// MaxSat is the number of satoshi that can ever exist.
const MaxSat = btcutil.Amount(btcutil.MaxSatoshi)

// groupSeparators are the marks people put between groups of digits. A comma or
// a full stop is not among them: it could mean a decimal point.
const groupSeparators = " \u00a0\u202f\u2009_'\u066c"

// ParseSat reads a whole, positive number of satoshi as a person writes it:
// ASCII, Arabic or Persian digits, groups parted by spaces or ٬. The field error
// carries one of the codes required, not_a_number, fractional_sat, not_positive,
// too_large.
func ParseSat(field, s string) (btcutil.Amount, *errs.Field) {
	bad := func(code errs.Code, message string) (btcutil.Amount, *errs.Field) {
		return 0, &errs.Field{Field: field, Code: code, Message: message}
	}
	var digits strings.Builder
	negative, fraction := false, false
	trimmed := strings.TrimSpace(s)
	if trimmed == "" {
		return bad(errs.CodeRequired, "Give an amount in satoshi.")
	}
	for i, r := range trimmed {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r >= '٠' && r <= '٩':
			digits.WriteRune('0' + r - '٠')
		case r >= '۰' && r <= '۹':
			digits.WriteRune('0' + r - '۰')
		case (r == '-' || r == '−') && i == 0:
			negative = true
		case r == '.' || r == ',' || r == '٫':
			fraction = true
		case strings.ContainsRune(groupSeparators, r):
		default:
			return bad(errs.CodeNotANumber, "Write the amount in satoshi with digits only, for example 1500000.")
		}
	}
	if fraction {
		return bad(
			errs.CodeFractionalSat,
			"A satoshi cannot be split: write a whole number, without a point or a comma.",
		)
	}
	if digits.Len() == 0 {
		return bad(errs.CodeNotANumber, "Write the amount in satoshi with digits only, for example 1500000.")
	}
	n, err := strconv.ParseInt(digits.String(), 10, 64)
	if err != nil || btcutil.Amount(n) > MaxSat {
		return bad(errs.CodeTooLarge, "That is more than the 21 million bitcoin that can exist.")
	}
	if negative || n == 0 {
		return bad(CodeNotPositive, "The amount must be more than zero.")
	}
	return btcutil.Amount(n), nil
}

// FormatBTC writes amt in bitcoin with all eight decimals, e.g. "0.01500000".
func FormatBTC(amt btcutil.Amount) string {
	sign, n := "", int64(amt)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%08d", sign, n/btcutil.SatoshiPerBitcoin, n%btcutil.SatoshiPerBitcoin)
}

// Group writes n, satoshi or what else is counted, with groups of three digits parted by sep.
func Group[N ~int64](n N, sep string) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}
