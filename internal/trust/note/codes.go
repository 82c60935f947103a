package note

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeMalformed: The text is not a note of this kind, or not in its one spelling; the sentence names the line.
	CodeMalformed errs.Code = "note_malformed"
	// CodeTooLong: The note is longer than any of its kind.
	CodeTooLong errs.Code = "note_too_long"
)
