// Package cli is what the programs have in common:
// flags with environment twins, exit codes, output as table, JSON or CSV, and
// progress on standard error.
//
// Invariants:
//   - Standard output carries data and nothing else; talk goes to standard error.
//   - Exit codes: 0 done, 1 error, 2 usage, 3 not found, 4 conflict, 5 checks failed.
//   - A flag that was given wins over its environment twin.
package cli
