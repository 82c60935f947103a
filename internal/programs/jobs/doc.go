// Package jobs is the side work of a fund, on River: it plans the checks of every
// slot, offers each to a prober at its moment, ends offers that nobody answered,
// rolls up days, keeps the tables of results, asks for proofs again, shreds what
// is no longer claimed, and looks at the gates of payments.
//
// Invariants:
//   - Every job may run twice, be cut off anywhere and run again, on several
//     machines at once: an endpoint is planned once a slot, and an attempt of a
//     slot is offered once.
//   - When a check happens is drawn from a source that nobody can guess, evenly
//     over what is left of its slot.
//   - A confirmation goes to a prober that was not asked in this slot, if there is
//     one; a prober that gets canaries wrong is not asked.
//   - What is past is not caught up: a slot that nobody checked stays unknown.
//   - Nothing here knows where an endpoint is.
package jobs
