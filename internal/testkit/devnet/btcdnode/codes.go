package btcdnode

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBtcdMissing: btcd is not installed where it is looked for.
	CodeBtcdMissing errs.Code = "btcd_missing"
	// CodeBtcdStart: btcd did not start.
	CodeBtcdStart errs.Code = "btcd_start"
)
