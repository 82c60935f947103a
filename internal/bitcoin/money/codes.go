package money

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeNotPositive: The amount must be more than zero.
	CodeNotPositive errs.Code = "not_positive"
	// CodeTooPrecise: A feerate in sat/vB has at most three decimals, for example 1.234.
	CodeTooPrecise errs.Code = "too_precise"
)
