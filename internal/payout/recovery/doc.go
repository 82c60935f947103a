// Package recovery gives a database that was restored from an older dump what the signers'
// journals know: batches, attempts and payments that went out after the dump.
//
// Invariants:
//   - What a journal names is ours, whatever the database lacks: it is never a foreign spend,
//     and its payments count as paid.
//   - Nobody whose approval was lost is paid again before a treasurer has said whether it is
//     the same payment.
//   - A line that cannot be rebuilt stops all signing, and says why.
//   - The same journal read twice changes nothing the second time.
package recovery
