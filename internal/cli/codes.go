package cli

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeChecksFailed: Not every check passed.
	CodeChecksFailed errs.Code = "checks_failed"
)
