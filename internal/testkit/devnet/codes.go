package devnet

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodePartDied: A part of the demo ended by itself.
	CodePartDied errs.Code = "part_died"
)
