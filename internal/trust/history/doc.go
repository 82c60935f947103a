// Package history is the canonical text of a note that says what a treasury has paid, in place of
// the journals of its signers: too few of these are left to tell. Trustees sign it, after
// everything else of that treasury was moved and 100 blocks have passed.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte.
//   - Each (decision, period) stands once, in rising order.
//   - What the note lists is never paid again. What it leaves out may be paid: trustees answer for that.
package history
