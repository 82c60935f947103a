package identity

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
)

// ReceiptLen is the number of characters of a receipt code: 26 of 5 bits each
// are 130 bits, enough that a plain keyed hash protects the stored form.
const ReceiptLen = 26

// receiptAlphabet is Crockford's base32: no I, L, O or U.
const receiptAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Receipt is an operator's code for one application. It prints as "[receipt]",
// so that it does not reach a log by accident; Code and Grouped reveal it.
type Receipt struct{ code string }

// DeriveReceipt returns the receipt of a submission. It is a function of the
// submission's idempotency key and body under the server's secret, so a client
// that lost the answer gets the same code again. key must not be empty:
// Precondition "idempotency_key_missing".
func DeriveReceipt(pepper []byte, key string, bodyDigest [32]byte) (Receipt, error) {
	if key == "" {
		return Receipt{}, errs.New(
			errs.Precondition,
			CodeIdempotencyKeyMissing,
			"Send an Idempotency-Key, so that trying again cannot apply twice.",
		)
	}
	bits := mac(pepper, "causeway/receipt/v1", []byte(key), bodyDigest[:])
	code := make([]byte, ReceiptLen)
	for i := range code {
		code[i] = receiptAlphabet[fiveBits(bits, i*5)]
	}
	return Receipt{code: string(code)}, nil
}

// fiveBits returns the five bits of b that start at bit at, most significant
// first.
func fiveBits(b []byte, at int) byte {
	word := uint16(b[at/8])<<8 | uint16(b[at/8+1])
	return byte(word >> (11 - at%8) & 31)
}

// ParseReceipt reads a code as people type it: any case, with or without spaces
// and dashes, O for 0, I and L for 1. Anything else is Malformed
// "receipt_malformed".
func ParseReceipt(s string) (Receipt, error) {
	var code strings.Builder
	for _, r := range s {
		switch {
		case isSeparator(r):
			continue
		case code.Len() == ReceiptLen:
			return Receipt{}, errReceipt("has more than %d letters and digits", ReceiptLen)
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(receiptAlphabet, r) {
			return Receipt{}, errReceipt("has a character that no receipt code has")
		}
		code.WriteRune(r)
	}
	if code.Len() != ReceiptLen {
		return Receipt{}, errReceipt("has %d letters and digits, not %d", code.Len(), ReceiptLen)
	}
	return Receipt{code: code.String()}, nil
}

// isSeparator reports whether r is a space or dash that an editor, a phone or a
// messenger puts between the groups.
func isSeparator(r rune) bool {
	return strings.ContainsRune(" \t\r\n\u00a0-_\u2010\u2011\u2012\u2013\u2014\u2212", r)
}

func errReceipt(format string, args ...any) error {
	return errs.New(
		errs.Malformed,
		CodeReceiptMalformed,
		"The receipt code "+fmt.Sprintf(format, args...)+". Check it against what you wrote down.",
	)
}

// Code returns the 26 characters.
func (r Receipt) Code() string { return r.code }

// Grouped returns the code for reading aloud and copying: 5-5-5-5-6.
func (r Receipt) Grouped() string {
	if len(r.code) != ReceiptLen {
		return ""
	}
	return strings.Join([]string{r.code[:5], r.code[5:10], r.code[10:15], r.code[15:20], r.code[20:]}, "-")
}

// LookupHash returns the stored, unique form of the code: a keyed hash, so that
// a copy of the database alone cannot test guesses.
func (r Receipt) LookupHash(pepper []byte) Hash {
	return Hash(mac(pepper, "causeway/receipt-id/v1", []byte(r.code)))
}

// String hides the code.
func (Receipt) String() string { return "[receipt]" }

// GoString hides the code.
func (Receipt) GoString() string { return "[receipt]" }

// LogValue hides the code.
func (Receipt) LogValue() slog.Value { return slog.StringValue("[receipt]") }
