// Package txtest makes treasuries, coins and payees for tests, and signs with a
// seed that everybody knows.
//
// Invariants:
//   - Nothing here is random: the same arguments give the same bytes.
//   - It is imported by tests only.
package txtest
