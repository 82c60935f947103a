package proc

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeDataDirUnreachable: The folder cannot be looked at.
	CodeDataDirUnreachable errs.Code = "data_dir_unreachable"
	// CodeNoUnprivilegedUser: PostgreSQL refuses to run as root, and no other account exists.
	CodeNoUnprivilegedUser errs.Code = "no_unprivileged_user"
)
