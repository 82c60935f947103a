// Package payout turns approved instalments into Bitcoin transactions: batches
// that a treasurer composes and approves, attempts that the conductor builds,
// has signed and announces, and a follower that learns from the chain what came
// of them.
//
// Rules about money:
//   - Intent is stored before the act, the act's result before the next act. The
//     PSBT and its txid are committed before a signer is asked; the signed bytes
//     before a node is told. Every input is segwit, so the txid is known early.
//   - From the moment a signer may have been asked, only the chain says what
//     happened. No time-out, error text, empty mempool or person makes a payment
//     payable again. An unknown outcome keeps its state and is told again.
//   - Every attempt of a batch spends the batch's anchor, so a chain can hold at
//     most one of them.
//   - What was approved is what is built: the digest covers network, policy,
//     payees and the most the fee may be, and is held against the final bytes.
//   - Paid means: the attempt's own txid is in a block of our header chain, deep
//     enough. Nothing is matched by address or amount.
//
// Invariants:
//   - An instalment has at most one live batch; an outpoint at most one live
//     reservation; an attempt is never changed or deleted.
//   - A surprise (a spend that is not ours, a reorg below what was final) trips
//     the breaker, and nothing is signed until two people have reset it.
//   - At every tip the ledger's available + committed + in_flight equals the sum
//     of the treasury's confirmed coins.
package payout
