// Package decision is the canonical text of what people approve: the decision
// note (pay exactly this many satoshi to exactly this script), the batch note
// (pay exactly these decisions in one transaction, for at most this fee), the
// upkeep note (spend exactly these coins of the treasury to itself) and the void
// note (take one batch back).
//
// A note is ASCII lines that end in LF, in one fixed order, without optional
// lines and with one spelling for each value. Its digest, SHA-256 of its bytes,
// is what votes and approvals are recorded against and what the signer checks a
// transaction against. Today a login stands behind a vote; signatures over the
// same digest take its place later without a change of the text.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte.
//   - The first line names the type and version, so a note of one type can never
//     be read as another (domain separation).
//   - payee_script is authoritative; payee_address must decode for the named
//     network and give the same script.
//   - A batch note lists its payments in the order of their decision digests,
//     each decision once; an upkeep note lists its coins in the order of their
//     text, each coin once.
//   - A void note names the digest of the note that it takes back. Neither it nor the
//     note of a child names a highest feerate.
package decision
