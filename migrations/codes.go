package migrations

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeDatabaseDown: The database does not answer.
	CodeDatabaseDown errs.Code = "database_down"
	// CodeDatabaseURL: The database URL cannot be read.
	CodeDatabaseURL errs.Code = "database_url"
	// CodeMigrationFailed: The database could not be brought to the newest version.
	CodeMigrationFailed errs.Code = "migration_failed"
	// CodeRolePrefix: A prefix of roles has small letters of English, digits and underscores, begins with a letter, and has at most 41 characters.
	CodeRolePrefix errs.Code = "role_prefix"
	// CodeRolePrefixKept: The database has a prefix of roles already.
	CodeRolePrefixKept errs.Code = "role_prefix_kept"
	// CodeRolesMissing: The database's roles are missing and may not be made.
	CodeRolesMissing errs.Code = "roles_missing"
	// CodeRolesTaken: The roles belong to another database of this PostgreSQL.
	CodeRolesTaken errs.Code = "roles_taken"
	// CodeSchemaVersion: The database has no Causeway schema.
	CodeSchemaVersion errs.Code = "schema_version"
)
