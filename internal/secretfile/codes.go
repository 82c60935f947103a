package secretfile

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeKeyFileMode: A key file can be read by others than its owner.
	CodeKeyFileMode errs.Code = "key_file_mode"
)
