package decision

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadDigest: A digest is 64 lower-case hexadecimal digits.
	CodeBadDigest errs.Code = "bad_digest"
	// CodeBadNote: The note cannot be read.
	CodeBadNote errs.Code = "bad_note"
)
