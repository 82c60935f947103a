package demo

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodePortMalformed: The port is out of range.
	CodePortMalformed errs.Code = "port_malformed"
	// CodeProgramMissing: A program that the demo needs is missing.
	CodeProgramMissing errs.Code = "program_missing"
)
