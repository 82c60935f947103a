package pgserver

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeDataDirForeign: The folder is a link that Causeway did not make.
	CodeDataDirForeign errs.Code = "data_dir_foreign"
	// CodeDataDirGone: PostgreSQL's data is gone.
	CodeDataDirGone errs.Code = "data_dir_gone"
	// CodePostgresInit: PostgreSQL could not make its data.
	CodePostgresInit errs.Code = "postgres_init"
	// CodePostgresMissing: A program of PostgreSQL is not installed.
	CodePostgresMissing errs.Code = "postgres_missing"
	// CodePostgresStart: PostgreSQL did not start.
	CodePostgresStart errs.Code = "postgres_start"
	// CodeTempDirUnwritable: The folder for PostgreSQL's socket cannot be made.
	CodeTempDirUnwritable errs.Code = "temp_dir_unwritable"
)
