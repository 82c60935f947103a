package seal

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeKeyFileFull: The key file holds as many keys as it can.
	CodeKeyFileFull errs.Code = "key_file_full"
	// CodeKeyFileOwner: The key file belongs to another user.
	CodeKeyFileOwner errs.Code = "key_file_owner"
	// CodeKeyFileUnwritable: The key file cannot be replaced.
	CodeKeyFileUnwritable errs.Code = "key_file_unwritable"
	// CodeUnsealingFailed: Something stored here cannot be opened.
	CodeUnsealingFailed errs.Code = "unsealing_failed"
)
