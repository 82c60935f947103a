// Package decision is the canonical text of what people approve: the decision
// note (pay so much to this script, once or in up to 36 periods), the batch note
// (pay exactly these periods of decisions in one transaction, for at most this
// fee), the upkeep note (spend exactly these coins of the treasury to itself) and
// the void note (take one batch back).
//
// A note is ASCII lines that end in LF, in one fixed order, without optional
// lines and with one spelling for each value. Its digest, SHA-256 of its bytes,
// is what votes and approvals are recorded against and what the signer checks a
// transaction against. Today a login stands behind a vote; signatures over the
// same digest take its place later without a change of the text.
//
// What is paid once is one period of one decision. Each period has a day on which it
// is due, a last moment for its first release, a payee and an amount in satoshi. An
// amount in another currency becomes satoshi by the rate of the batch that pays it,
// never below the least nor above the most that the note allows.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte.
//   - The first line names the type and version, so a note of one type can never
//     be read as another (domain separation).
//   - Every note names its network and its fund, so that it is worthless elsewhere.
//   - The script of a payee is authoritative; its address must decode for the named
//     network and give the same script.
//   - A batch note lists its payments in the order of their decision digests and
//     periods, each pair once, and its rates in the order of their currencies; an
//     upkeep note lists its coins in the order of their text, each coin once.
//   - A void note names the digest of the note that it takes back. Neither it nor the
//     note of a child names a highest feerate.
//   - Sat rounds up, in 128 bits, and never leaves the bounds of its note.
package decision
