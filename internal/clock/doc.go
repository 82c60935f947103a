// Package clock gives the time to code that must be tested without waiting.
//
// Invariants:
//   - Nothing else in the product reads the wall clock (the linter holds this).
//   - A Fake moves only when a test moves it.
package clock
