// Package note reads canonical texts: ASCII lines that end in LF, in one order, with one spelling
// for each value, so that a text and its digest say the same to everybody.
//
// Invariants:
//   - A Reader only splits lines. That a text is the one spelling of what was read is proven at the
//     end, by writing it again.
//   - The first fault is kept, with its line; what is read after it is zero.
//   - The first line names the kind of a note and its version, so that none is read as another.
package note
