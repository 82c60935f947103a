// Package grant takes applications from operators, has them reviewed, and turns
// an approved one into a grant whose instalments are owed.
//
// What an operator writes is sealed under a key of its own application before it
// reaches a store; this package is the only one that opens it. Each revision
// comes with a decision note (package decision), and people vote for the digest
// of that note: for these satoshi to this script.
//
// Invariants:
//   - A state changes only along an edge of its table, under a lock, in the
//     transaction that also writes history, ledger and audit leaf.
//   - Only votes on the digest of the current revision count; one per person. A
//     question to the operator is none.
//   - Approved means: at least fund.Quorum distinct reviewers voted for exactly
//     this digest and more than declined it; then the satoshi are committed from
//     what is available, in the same transaction that creates the instalment.
//   - UNIQUE(grant, period): an instalment exists once.
//   - The same idempotency key and body give the same answer; another body is
//     refused.
//   - What is sealed is opened for staff with the permission to unseal alone, and
//     only after the audit log says so; once a session or token and application.
//   - Automatic checks (package screen) decline nothing. What one finds to be High is
//     not approved without a note for colleagues.
//   - Before approval nothing in clear tells whether an address was to be paid.
//   - A receipt code is stored nowhere; who holds it sees one application.
package grant
