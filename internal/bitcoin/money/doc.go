// Package money reads and writes amounts. An amount is a whole number of
// satoshi (btcutil.Amount); no float is ever involved.
//
// Invariants:
//   - Parsing is exact or it fails; nothing is rounded, skipped or guessed.
//   - Formatting then parsing gives the same amount.
package money
