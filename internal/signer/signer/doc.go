// Package signer decides whether a transaction may be signed, writes it into a
// journal, and only then releases signatures. It believes nobody: the API, the
// database and the worker are couriers of notes and a PSBT, all of which it
// checks against its own key, its own caps and its own journal.
//
// There are three kinds of request. One pays the decisions of a batch note. One
// tends the treasury's own coins as an upkeep note says and pays nobody. One
// takes a batch back: the same inputs to the batch's own change, dearer than all
// before, after which the batch pays nobody any more.
//
// What is paid once is an instalment: one period of one decision.
//
// A request is checked in this order, each rule with a code of its own: sizes;
// shape of the transaction and PSBT fields; inputs derived from the own
// descriptor, with their whole previous transactions; notes canonical, of this
// network and fund, exactly those of the batch note, each payment as its decision and the
// batch's rate have it; outputs exactly the notes' and at
// most one change, or change alone, derived here with the batch's number as
// index; then, unless the transaction is in the journal already, the fee within
// the caps of the signer and the batch; for a first transaction the last moment of its
// note and the window of time of each period; the proofs; the journal.
//
// What was signed can be taken back: every transaction but a void leaves so much
// below the caps in satoshi that its void fits. A void and a child have no cap on
// their feerate, since the one has to out-pay, with a small transaction, all that a
// large one pays, and the other pays for its parent.
//
// An instalment that was paid by an earlier transaction is paid again only by one
// that spends an input of it, or with a proof that the earlier one is dead (rule
// R): another transaction, which does not pay that instalment, spends one of its
// inputs (or of what it descends from in the journal) and has so many headers on
// it, each with the work that the policy asks for. The signer has no node: it judges what it would cost to make the headers
// up, not whether they are on the best chain.
//
// A treasury of several keys (wsh) has a signer for each. Each has a journal of
// its own and adds its own signature only. Nobody is paid twice as long as the
// keys that it takes are more than half of all: then any two transactions have
// one signer in common, whose journal holds both.
//
// The journal holds acts of authority beside transactions, in one chain of hashes. A journal
// that begins with a charter, or was given one (Pin), makes the signer ask the people of every
// charter that binds, by the rules of package authority: decisions that reviewers approved and
// that were taken in (Accept), treasurers for a batch, limits, halts. Check says what Sign would
// say, and writes nothing. What begins by time goes by the earlier of the clock and two hours
// after the newest headers shown, what ends by the latest of clock, headers and last line.
//
// Each answer carries an ack (package ack), signed by a key of the signer's own; an ack of a
// later line than the journal has, handed back, shows that an older copy was put back. The
// person on the signer's host halts it, and pins charters, through a socket of its own
// (HostSocket).
//
// Not here yet: a signer whose journal has no charter asks nobody, so that a stolen worker can
// make notes up; it cannot pay an instalment twice, hide a fee or redirect change. A signer
// knows one treasury: it follows no change of treasury and asks for no journals of earlier ones.
//
// Invariants:
//   - Any two transactions that were released for one instalment spend a common
//     output, so at most one of them can ever confirm (anchor rule), unless the
//     earlier was proven dead, which the later one's journal line says.
//   - After a void of a batch, no other transaction that pays it is released.
//   - A signature leaves only after its journal line and the checkpoint were
//     fsynced; a line is never changed or removed, save a torn last one, which was
//     never fsynced and so never released.
//   - The same request gives the same bytes, also after a crash or a restart,
//     whatever was released since.
//   - A journal that is missing, damaged, older than its checkpoint, of another
//     treasury or version or in use stops the signer from starting.
//   - A signer that has met its own ack of a line that it lacks, or whose clock is behind
//     its last line, signs nothing. One that its host halted signs voids only, until the
//     host lifts that.
//   - Inputs of the first transaction of a batch stay with that batch unless it is
//     dead, and a change index belongs to one batch.
//   - With a charter, nothing is released that a charter that binds forbids, but for a
//     transaction that the journal holds already.
//   - The import tree has no database driver, no HTTP and no web framework.
package signer
