package control

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeControlCredential: The credential does not fit the endpoint's protocol.
	CodeControlCredential errs.Code = "control_credential"
)
