// Package ledger is the double-entry book of a fund's satoshi: transfers made of
// postings that sum to zero, between a handful of accounts.
//
// Invariants:
//   - Every transfer sums to zero; the database holds this too.
//   - A transfer is never changed or deleted. What a reorg takes back is undone by
//     a transfer with the opposite postings that names the one it undoes.
//   - At every tip: available + committed + in_flight = the treasury's confirmed
//     coins, and outside + all other accounts = 0.
package ledger
