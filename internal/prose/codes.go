package prose

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadCharacter: The text holds a character that is not accepted.
	CodeBadCharacter errs.Code = "bad_character"
	// CodeLineBreak: Write this on one line.
	CodeLineBreak errs.Code = "line_break"
	// CodeTooShort: The text is too short.
	CodeTooShort errs.Code = "too_short"
)
