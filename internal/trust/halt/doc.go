// Package halt is the canonical text of two notes: one stops payments, of a whole fund or of one
// note, and the other lifts that again and may keep people from stopping the fund for 30 days.
//
// Who signs them is not theirs to say: an approval names a note by its digest. Any one person of
// a charter signs a halt, trustees sign a resume.
//
// Invariants:
//   - Parse and ParseResume accept only bytes that Encode would write again, byte for byte.
//   - A halt has an id of its own, so that one which was lifted never returns and a resume can name
//     halts that a signer has not seen.
//   - A note is worth nothing for another network or fund.
package halt
