// Command withpostgres runs a command with one PostgreSQL for all tests that it starts: their
// pgtest finds it in TEST_DATABASE_URL, and the schema is migrated once and not once a package.
// A server that is named there already is used as it is.
//
//	withpostgres COMMAND [ARGUMENT...]
//
// Invariants:
//   - It exits with the command's exit code.
//   - The server and its data go with this process, SIGKILL included.
package main
