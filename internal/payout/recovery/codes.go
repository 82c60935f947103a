package recovery

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeRecovering: The database is being rebuilt from the signer's journal.
	CodeRecovering errs.Code = "recovering"
)
