// Package money reads and writes amounts, feerates and shares. An amount is a whole
// number of satoshi (btcutil.Amount), a feerate one of satoshi per 1,000 virtual bytes
// (sat/kvB), a share one of thousandths; no float is ever involved.
//
// Invariants:
//   - Parsing is exact or it fails; nothing is rounded, skipped or guessed.
//   - Formatting then parsing gives the same amount.
//   - A fee is worked out from a size and a feerate in one place, FeeAt: rounded up,
//     and never wrapped around.
package money
