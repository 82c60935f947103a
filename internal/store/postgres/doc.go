// Package postgres is all of Causeway's SQL: it implements the stores that the
// domain packages ask for, on PostgreSQL 15 or newer. Statements live in queries
// and are turned into package db by sqlc; nothing else imports db.
//
// Invariants:
//   - A method that changes something is one transaction, which also writes the
//     history and the audit leaf of the change; it may run more than once.
//   - A function that is called inside a transaction does not call the store:
//     ForbidReentry finds those that do. Each role has its time-outs.
//   - Locks are taken in one order: rows, then the ledger, then the audit log. So
//     record comes last in a transaction.
//   - Leaves of the audit log are numbered without a gap and no two appends run
//     at once, because each holds the log's lock until it has committed.
//   - What PostgreSQL refuses becomes an errs.Error in one table, by the name of
//     the constraint; what no table knows stays Internal.
//   - An error names its query; queries is the one door to db.New.
//   - A lost answer to a COMMIT is never told as success nor as failure.
//   - Times come back in UTC, to the microsecond.
package postgres
