// Command causeway runs the service: API and dashboard, worker, migrations,
// administration, and a demo of all of it.
//
// Invariants:
//   - It only reads flags and calls package app or demo.
//   - Secrets are named as files, never given as values.
package main
