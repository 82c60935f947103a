package main

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeOlderKeyInUse: Applications came in under an older key meanwhile.
	CodeOlderKeyInUse errs.Code = "older_key_in_use"
)
