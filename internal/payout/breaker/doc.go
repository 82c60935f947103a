// Package breaker holds the ledger against the chain's coins, and the database against what must never
// be in it, and trips the breaker of what differs. What a breaker is and who resets it stands in payout.
//
// Invariants:
//   - A difference stops all signing until two people have accepted that very figure; another
//     figure trips again, and so does the same one after it had been gone.
//   - What was not read whole is not called gone.
package breaker
