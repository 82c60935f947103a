// Command causeway-demo runs all of Causeway on one machine, with coins that are
// worth nothing, or pays one application from receipt to six confirmations and
// checks on the chain that it was paid (--journey).
//
// Invariants:
//   - It only reads flags and calls package demo.
//   - No program that is installed links anything of it (internal/links_test.go).
package main
