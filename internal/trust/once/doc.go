// Package once carries out a request that makes something at most once, however
// often it is sent: a caller draws a key, and sends it again with what was sent.
//
// Invariants:
//   - The key's row is written in the transaction that does what was asked, so
//     neither is there without the other: not after a crash, and not when sixteen
//     send at once.
//   - A key belongs to one caller and one operation. Another body with the same key
//     is refused, and does nothing.
//   - Keys and bodies are stored as keyed hashes. What was answered is not stored:
//     a repeated call is answered from what was made, as it stands by then, and
//     without the secrets that are shown once.
//   - What was refused leaves no key: it may be tried again with the same one.
package once
