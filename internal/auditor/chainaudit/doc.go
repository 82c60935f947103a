// Package chainaudit reads the whole chain and says, to the satoshi, what became
// of a treasury's money: from its output descriptor, its birthday and the
// journals of its signers, with a node of the reader's own and no database. An export
// of the fund's audit log adds who approved.
//
// It is a second opinion, so it shares no code with what builds, signs and books
// payouts: the descriptor, the journal and the notes are read here again. A fault
// on one side then shows as a difference instead of repeating itself.
//
// Invariants:
//   - Every block from the birthday to the tip is read once, links to the one
//     before by its hash and has the Merkle root of its own transactions, so that
//     a report follows from the block hash that it names.
//   - Every output that leaves a treasury's transaction matches one journalled
//     payment with that script and amount, or is an alarm. So is every
//     transaction that spends the treasury's coins and is in no journal.
//   - A period of a decision is paid at most once, and no two journalled transactions that
//     pay it could both still confirm; otherwise there is an alarm.
//   - Where an audit log is given, whatever is on the chain or may get there has the
//     leaves of those who approved it: of the decision, with its votes, and of the
//     batch, the void or the upkeep. The log's signatures are for the caller to check.
//   - Report.OK is true only when there is no alarm and deposits - paid - fees -
//     lost is what the unspent coins are worth.
//   - It only reads: it asks the node questions and sends nothing.
package chainaudit
