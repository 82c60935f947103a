// Package conductor takes due batches on, one committed step at a time: it builds, has
// signed, broadcasts, replaces and takes back.
//
// Invariants:
//   - Intent is stored before the act, the act's result before the next act. The PSBT and
//     its txid are committed before a signer is asked, the signed bytes before a node is told.
//   - From the moment a signer may have been asked, only the chain says what happened: no
//     time-out and no error text makes a payment payable again.
//   - While a breaker is open nothing is built and no signer is asked.
//   - It works under a lease; a step under an older lease changes nothing.
package conductor
