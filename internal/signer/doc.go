// Package signer decides whether a transaction may be signed, writes it into a
// journal, and only then releases signatures. It believes nobody: the API, the
// database and the worker are couriers of notes and a PSBT, all of which it
// checks against its own key, its own caps and its own journal.
//
// A request is checked in this order, each rule with a code of its own: sizes;
// shape of the transaction and PSBT fields; inputs derived from the own
// descriptor, with their whole previous transactions; notes canonical, of this
// network, exactly those of the batch note; outputs exactly the notes' and at
// most one change, derived here with the batch's number as index; fee within the
// caps of the signer, the batch and every decision; then the journal.
//
// Not here yet: the signatures of approvers over the notes (a request has room
// for them in approvals, which is limited in size and otherwise ignored), rosters,
// spending limits over time, and a node of the signer's own. Until then a stolen
// worker can make notes up; it cannot pay a decision twice, hide a fee or redirect
// change.
//
// Invariants:
//   - Any two transactions that were released for one decision spend a common
//     output, so at most one of them can ever confirm (anchor rule).
//   - A signature leaves only after its journal line and the checkpoint were
//     fsynced; a line is never changed or removed, save a torn last one, which was
//     never fsynced and so never released.
//   - The same request gives the same bytes, also after a crash or a restart.
//   - A journal that is missing, damaged, older than its checkpoint, of another
//     treasury or in use stops the signer from starting.
//   - Inputs of the first transaction of a batch stay with that batch, and a
//     change index belongs to one batch.
//   - The import tree has no database driver, no HTTP and no web framework.
package signer
