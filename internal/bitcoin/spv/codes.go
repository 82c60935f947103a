package spv

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadProof: The proof of a transaction does not hold.
	CodeBadProof errs.Code = "bad_proof"
)
