// Package chain is one btcd as a source of blocks and a sink for transactions.
//
// The node is trusted for what the network's best chain is, and for nothing
// else: it has no wallet, and its mempool is no evidence of anything.
//
// Invariants:
//   - Nothing is read from or sent to a node whose genesis block is not the
//     configured network's.
//   - A header is returned only if it hashes to what was asked for, a block only
//     if its transactions also hash to the header's Merkle root.
//   - Submit never says that a transaction is dead. Every doubt is Unknown, and
//     the only answer to Unknown is to send the same bytes again.
//   - Submit never sends a transaction without a cap on its feerate, because
//     sendrawtransaction itself has none.
//   - The websocket wakes and reads. A notification only wakes: every fact is read by a
//     question that was asked afterwards. What changes something, and what says whether the
//     node may be worked with, is a call of its own.
//   - Errors are errs.Unavailable with one line that names what is wrong, or
//     errs.NotFound for a block that the node does not have.
package chain
