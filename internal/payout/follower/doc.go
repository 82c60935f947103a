// Package follower learns from the chain what came of the transactions that were told: it
// walks the node's best chain, block by block and back again when the chain does.
//
// Invariants:
//   - Paid means that the attempt's own txid is in a block of our header chain, deep enough.
//     Nothing is matched by address or amount.
//   - Rule R is the one way back to payable: every transaction that could pay it is dead, one
//     of its coins spent, as deep as final, by a transaction that does not pay it.
//   - At every tip available + committed + in_flight of the ledger equals the sum of the
//     treasury's confirmed coins; a difference trips a breaker.
//   - A block and all that follows from it are one transaction of the database.
//   - A block locks the batches that it changes, and no other: however many wait for their
//     depth, nobody who works on them waits for it.
package follower
