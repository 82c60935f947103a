package decision

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAmountOutside: At this rate a period is worth less or more satoshi than its decision allows.
	CodeAmountOutside errs.Code = "amount_outside"
	// CodeBadDigest: A digest is 64 lower-case hexadecimal digits.
	CodeBadDigest errs.Code = "bad_digest"
	// CodeBadNote: The note cannot be read.
	CodeBadNote errs.Code = "bad_note"
	// CodeBadRate: A rate is not above zero.
	CodeBadRate errs.Code = "bad_rate"
	// CodeNoSuchPeriod: The decision does not have this period.
	CodeNoSuchPeriod errs.Code = "no_such_period"
)
