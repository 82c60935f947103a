// Command causeway runs the service: API and dashboard, worker, prober, echo
// server, migrations and administration.
//
// Invariants:
//   - It only reads flags and calls package app.
//   - It links no part of the demo or of the tests (internal/links_test.go).
//   - Secrets are named as files, never given as values.
package main
