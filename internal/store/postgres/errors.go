package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/causeway-fund/causeway/migrations"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// refusal is what a person is told of a broken constraint.
type refusal struct {
	kind    errs.Kind
	code    errs.Code
	message string
}

// refusals is the one place that gives constraints a meaning. Constraints that
// only a fault of the program can break are not in it.
var refusals = map[string]refusal{
	"application_reference_key": {
		errs.Conflict,
		grant.CodeNameTaken,
		"Another application has this name. Nothing was saved: send it again.",
	},
	"application_designation_key": {
		errs.Conflict,
		grant.CodeNameTaken,
		"Another application has this name. Nothing was saved: send it again.",
	},
	"vote_application_id_revision_staff_id_key": {
		errs.Conflict,
		CodeAlreadyVoted,
		"You have voted on this revision already. Your first vote stands; nothing was changed.",
	},
	"approval_batch_id_staff_id_key": {
		errs.Conflict,
		CodeAlreadyApproved,
		"You have approved this batch already. Nothing was changed.",
	},
	"batch_item_live": {
		errs.Conflict,
		errs.CodeNotPayable,
		"One of these payments is in another batch by now. Reload the list.",
	},
	"reservation_live": {
		errs.Conflict,
		CodeCoinTaken,
		"A coin of the treasury is held by another batch.",
	},
	"instalment_decision_id_period_key": {
		errs.Conflict,
		CodeInstalmentExists,
		"This instalment exists already. Nothing was changed.",
	},
	"application_state_edge": {
		errs.Conflict,
		errs.CodeWrongState,
		"The application changed in the meantime. Nothing of yours was saved: reload it.",
	},
	"grant_state_edge": {
		errs.Conflict,
		errs.CodeWrongState,
		"The grant changed in the meantime. Nothing of yours was saved: reload it.",
	},
	"instalment_state_edge": {
		errs.Conflict,
		errs.CodeWrongState,
		"The payment changed in the meantime. Nothing of yours was saved: reload it.",
	},
	"batch_state_edge": {
		errs.Conflict,
		errs.CodeWrongState,
		"The batch changed in the meantime. Nothing of yours was saved: reload it.",
	},
	"breaker_state_edge": {
		errs.Conflict,
		errs.CodeWrongState,
		"The breaker changed in the meantime. Nothing of yours was saved: reload the page.",
	},
	"application_key_dropped": {
		errs.Unavailable,
		CodeKeyDropped,
		"This server seals with a key that was taken out of use. Nothing was saved. Its operators have to give it the " +
			"newest key file and restart it.",
	},
	"breaker_consent_pkey": {
		errs.Conflict,
		payout.CodeAlreadyReset,
		"You have already agreed to this; another person must agree as well.",
	},
}

// staffRefusals are those whose words package identity keeps.
var staffRefusals = map[string]errs.Code{
	"staff_name_key":              identity.CodeStaffNameTaken,
	"passkey_pkey":                identity.CodeCredentialKnown,
	"passkey_staff_id_fkey":       identity.CodeStaffNotFound,
	"one_time_link_staff_id_fkey": identity.CodeStaffNotFound,
	"session_staff_id_fkey":       identity.CodeStaffNotFound,
	"api_token_staff_id_fkey":     identity.CodeStaffNotFound,
}

// Names of constraints whose meaning is not a message alone.
const (
	openOfPayee = "application_open_of_payee"
	keyOnce     = "idempotency_pkey"
)

// mapError gives an error of PostgreSQL its place in the taxonomy: a known
// constraint its own code, no answer Unavailable "database_down", a transaction
// that lost too often or waited too long for a lock Unavailable "database_busy", a
// statement that took too long Unavailable "database_slow", a missing table
// Unavailable "schema_version". An *errs.Error, pgx.ErrNoRows, the end of the caller's
// context and all else come back as they are.
func mapError(err error) error {
	var known *errs.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if isDown(err) {
		return errs.Wrap(
			err,
			errs.Unavailable,
			migrations.CodeDatabaseDown,
			"The database does not answer. Nothing was changed; try again in a moment.",
		)
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	if r, ok := refusals[pg.ConstraintName]; ok {
		return errs.Wrap(err, r.kind, r.code, r.message)
	}
	if pg.ConstraintName == openOfPayee {
		return withCause(grant.TooManyOfPayee(), err)
	}
	if code, ok := staffRefusals[pg.ConstraintName]; ok {
		return withCause(identity.StoreError(code), err)
	}
	switch {
	case lostToAnother(err):
		return tooMuchAtOnce(err)
	case pg.Code == "55P03": // lock_not_available
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeDatabaseBusy,
			"The database is busy: what this needs is locked. Nothing was changed; try again in a moment.",
		)
	case pg.Code == "57014": // query_canceled: statement_timeout
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeDatabaseSlow,
			"The database took too long, so this was stopped. Nothing was changed; try again in a moment.",
		)
	case pg.Code == "42P01": // undefined_table
		return errs.Wrap(
			err,
			errs.Unavailable,
			migrations.CodeSchemaVersion,
			"The database has no Causeway schema. Run: causeway migrate up",
		)
	}
	return err
}

// tooMuchAtOnce is for who lost to others as often as it was tried.
func tooMuchAtOnce(err error) error {
	return errs.Wrap(err, errs.Unavailable, CodeDatabaseBusy, "The database is busy. Nothing was changed; try again.")
}

func withCause(err, cause error) error {
	var e *errs.Error
	if errors.As(err, &e) {
		e.Cause = cause
	}
	return err
}

// commitError tells a COMMIT whose answer was lost from one that was refused:
// the former may have happened.
func commitError(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("commit: %w", err)
	var pg *pgconn.PgError
	switch {
	case pgconn.SafeToRetry(err):
		return err
	case errors.As(err, &pg) && !isDown(err):
		return err
	}
	return errs.Wrap(err, errs.Unavailable, CodeCommitUnknown,
		"The database did not answer in time, so it is not known whether this was saved. Check before you repeat it.")
}

// lostToAnother reports whether PostgreSQL ended the transaction in favour of
// another one: serialization_failure or deadlock_detected.
func lostToAnother(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// isDown reports whether err says that the server is not there, or no longer.
func isDown(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "57P01", "57P02", "57P03", // shut down, crashed, starting
			"53300",          // too many connections
			"25006",          // read-only: a stand-by
			"3D000", "28P01", // no such database, wrong password
			"25P03": // idle in a transaction for too long
			return true
		}
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "28")
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
