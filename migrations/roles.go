package migrations

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/errs"
)

// DefaultPrefix is that of a database's roles unless migrate up is told another.
const DefaultPrefix = "causeway"

// Roles are the two that programs log in as. Roles belong to a whole cluster, so each
// database has two of its own, whose names it keeps.
type Roles struct{ App, Worker string }

// WithPrefix returns the roles of a prefix. Invalid "role_prefix".
func WithPrefix(prefix string) (Roles, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`).MatchString(prefix) {
		return Roles{}, errs.New(
			errs.Invalid,
			CodeRolePrefix,
			"A prefix of roles has small letters of English, digits and underscores, begins with a letter, and has at most 41 characters. Nothing was changed.",
		)
	}
	return Roles{App: prefix + "_app", Worker: prefix + "_worker"}, nil
}

// querier is a connection of pgx or a pool.
type querier interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

// RolesOf returns the roles of a migrated database.
func RolesOf(ctx context.Context, conn querier) (Roles, error) {
	var r Roles
	if err := conn.QueryRow(ctx, "SELECT app, worker FROM database_role").Scan(&r.App, &r.Worker); err != nil {
		return Roles{}, errs.Wrap(
			err,
			errs.Unavailable,
			CodeSchemaVersion,
			"The database does not say which roles are its own. Run: causeway migrate up",
		)
	}
	return r, nil
}

// rolesFor says which roles the database has or is to have. The ones that it has hold
// over any prefix; Conflict "role_prefix_kept" for another.
func rolesFor(ctx context.Context, db *sql.DB, o Options) (roles Roles, fresh bool, err error) {
	var has Roles
	switch err := db.QueryRowContext(ctx, "SELECT app, worker FROM database_role").Scan(&has.App, &has.Worker); {
	case err == nil:
		wanted, err := WithPrefix(o.RolePrefix)
		if o.RolePrefix != "" && (err != nil || wanted != has) {
			return Roles{}, false, errs.Newf(
				errs.Conflict,
				CodeRolePrefixKept,
				"This database has the roles %s and %s, and keeps them. Nothing was changed: leave --role-prefix out.",
				has.App,
				has.Worker,
			)
		}
		return has, false, nil
	case !noSuchTable(err):
		return Roles{}, false, errs.Wrap(
			err,
			errs.Unavailable,
			CodeDatabaseDown,
			"The database did not say which roles are its own: "+err.Error()+". Nothing was changed.",
		)
	}
	if o.RolePrefix == "" {
		o.RolePrefix = DefaultPrefix
	}
	roles, err = WithPrefix(o.RolePrefix)
	return roles, true, err
}

func noSuchTable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42P01" || errors.Is(err, sql.ErrNoRows)
}

// checkRoles refuses early, with what to do, roles that are another database's, whose
// programs would lose their passwords to ours; and a caller who may not make the roles.
func checkRoles(ctx context.Context, db *sql.DB, r Roles, shared bool) error {
	var may bool
	var who, other string
	err := db.QueryRowContext(ctx, `SELECT current_user, rolsuper OR rolcreaterole
		OR 2 = (SELECT count(*) FROM pg_roles WHERE rolname IN ($1, $2)),
		coalesce((SELECT min(d.datname) FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND d.oid = s.objid
			WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid IN (SELECT oid FROM pg_roles WHERE rolname IN ($1, $2)) AND d.datname <> current_database()), '')
		FROM pg_roles WHERE rolname = current_user`, r.App, r.Worker).Scan(&who, &may, &other)
	switch {
	case err != nil:
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeDatabaseDown,
			"The database did not tell who its owner is: "+err.Error()+". Nothing was changed.",
		)
	case other != "" && !shared:
		return errs.Newf(
			errs.Conflict,
			CodeRolesTaken,
			"The roles %s and %s belong to the database %s of this PostgreSQL, and two funds must not share them. Nothing was changed. Choose others: causeway migrate up --role-prefix NAME",
			r.App,
			r.Worker,
			other,
		)
	case !may:
		return errs.Newf(
			errs.Unavailable,
			CodeRolesMissing,
			"The roles %s and %s are missing, and %s may not make them. Nothing was changed. As PostgreSQL's superuser, run: %s",
			r.App,
			r.Worker,
			who,
			"ALTER ROLE "+pgx.Identifier{who}.Sanitize()+" CREATEROLE",
		)
	}
	return nil
}

// shutOut lets nobody connect but the owner and the two roles. It is no migration: a dump
// does not hold who may connect, so a restored database needs it again.
func shutOut(ctx context.Context, db *sql.DB, r Roles) error {
	var name string
	err := db.QueryRowContext(ctx, "SELECT current_database()").Scan(&name)
	if err == nil {
		database := pgx.Identifier{name}.Sanitize()
		_, err = db.ExecContext(
			ctx,
			"REVOKE CONNECT, TEMPORARY ON DATABASE "+database+" FROM PUBLIC; GRANT CONNECT ON DATABASE "+database+
				" TO "+pgx.Identifier{r.App}.Sanitize()+", "+pgx.Identifier{r.Worker}.Sanitize(),
		)
	}
	if err != nil {
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeMigrationFailed,
			"The database has the newest version, but others may still connect to it: "+err.Error()+". Run this again as its owner.",
		)
	}
	return nil
}

// named is FS with the roles' names in place of those that the files are written with.
type named struct{ roles Roles }

var written = regexp.MustCompile(`\bcauseway_(app|worker)\b`)

func (n named) in(text []byte) []byte {
	return written.ReplaceAllFunc(text, func(name []byte) []byte {
		if bytes.HasSuffix(name, []byte("_app")) {
			return []byte(n.roles.App)
		}
		return []byte(n.roles.Worker)
	})
}

func (n named) Open(name string) (fs.File, error) {
	f, err := FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	text, err := FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{File: f, text: bytes.NewReader(n.in(text))}, nil
}

func (n named) ReadDir(name string) ([]fs.DirEntry, error) { return FS.ReadDir(name) }

// file is one of FS with other bytes.
type file struct {
	fs.File

	text *bytes.Reader
}

func (f *file) Read(b []byte) (int, error) { return f.text.Read(b) }
