package payeecsv

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
)

// btcDecimals is the number of digits after the point that a satoshi needs.
const btcDecimals = 8

// The shapes of numbers that were written for people or by a spreadsheet.
var (
	exponent     = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]*)?[eE][+-]?[0-9]+$`)
	markedDigits = regexp.MustCompile(`^-?[0-9][0-9.,'’_\s\x{00a0}\x{2009}\x{202f}]*$`)
	oneThousand  = regexp.MustCompile(`^-?[0-9]{1,3}[.,][0-9]{3}$`)
)

// parseAmount reads whole satoshi, or bitcoin with a point and at most eight
// decimals. Otherwise it returns a code and a sentence.
func parseAmount(s string, btc bool) (amount btcutil.Amount, code errs.Code, message string) {
	if s == "" {
		return 0, errs.CodeRequired, "The amount is missing."
	}
	if code, message := damage(s, btc); code != "" {
		return 0, code, message
	}
	number, negative := strings.CutPrefix(s, "-")
	whole, decimals, point := strings.Cut(number, ".")
	if !allDigits(whole) || point && !allDigits(decimals) {
		if btc {
			return 0, errs.CodeNotANumber, "Write the amount in bitcoin with digits and a point alone, for example 0.015."
		}
		return 0, errs.CodeNotANumber, "Write the amount in satoshi with digits alone, for example 1500000."
	}
	if point && !btc {
		return 0, errs.CodeFractionalSat, "A satoshi cannot be split: write a whole number, without a point. A column in " +
			"bitcoin is called amount_btc."
	}
	if len(decimals) > btcDecimals {
		return 0, CodeTooManyDecimals, "Bitcoin has eight decimals. This amount has more; round it yourself."
	}
	digits := whole
	if btc {
		digits += decimals + strings.Repeat("0", btcDecimals-len(decimals))
	}
	sat, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || btcutil.Amount(sat) > money.MaxSat:
		return 0, errs.CodeTooLarge, "That is more than the 21 million bitcoin that can exist."
	case negative || sat == 0:
		return 0, money.CodeNotPositive, "The amount must be more than zero."
	}
	return btcutil.Amount(sat), "", ""
}

// damage names what spreadsheets and habits of writing do to numbers. Each could
// be read in two ways, so none is.
func damage(s string, btc bool) (code errs.Code, message string) {
	switch {
	case strings.HasPrefix(s, "#"):
		return CodeSpreadsheetError, "The spreadsheet shows an error or a column that is too narrow instead of the amount."
	case exponent.MatchString(s):
		return CodeScientific, "A spreadsheet has shortened this number, and digits may be lost. Show the column as " +
			"numbers without an exponent, and save the list again."
	case !markedDigits.MatchString(s):
		return "", "" // not a number at all
	case strings.ContainsAny(s, "'’_ \u00a0\u2009\u202f") || strings.Count(s, ",")+strings.Count(s, ".") > 1:
		return CodeThousandsSeparators, "The amount has separators between its digits. Write it without them."
	case !btc && oneThousand.MatchString(s):
		return CodeThousandsSeparators, "The amount has a separator between its digits. Write it without one."
	case !btc && strings.Contains(s, ","):
		return errs.CodeFractionalSat, "A satoshi cannot be split: write a whole number, without a comma. A column in " +
			"bitcoin is called amount_btc."
	case strings.Contains(s, ","):
		return CodeDecimalComma, "Write the amount with a point before the decimals, not with a comma."
	}
	return "", ""
}

func allDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' })
}
