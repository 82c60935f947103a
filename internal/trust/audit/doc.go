// Package audit is the log of who did what to which object: an append-only
// Merkle tree (RFC 6962 hashes, as golang.org/x/mod/sumdb/tlog numbers them),
// checkpoints of it that are signed (C2SP tlog-checkpoint in a signed note,
// Ed25519), proofs, and the verifier that needs nothing but the public key.
//
// Invariants:
//   - Row n of the log is leaf n of the tree, and its bytes say n.
//   - A leaf has one spelling: canonical JSON, keys sorted, no free text.
//   - No personal data fits into a leaf: every field is an identifier, a word of
//     a fixed shape, or a digest.
//   - Leaf and hashes are written in the transaction of the change they tell of;
//     this package computes them and never writes. What a submission writes in its
//     transaction waits to be a leaf, and whoever appends next appends that first, so
//     the leaves of one object are in the order of its history.
//   - A verifier that finds a row dropped, altered, swapped or cut off names the
//     first such row. It can vouch for rows up to the newest checkpoint only, so
//     checkpoints should be kept where the server's operator cannot reach them.
//   - A row of checkpoints that the log's key did not sign is named and counts for
//     nothing, here and in the verifier: whoever may write to the table can neither
//     stop checkpoints from being signed nor a log from being verified.
package audit
