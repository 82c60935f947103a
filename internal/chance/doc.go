// Package chance draws numbers, waits and moments that nobody can foretell.
//
// Invariants:
//   - Every value of a range is as likely as the others.
//   - A draw follows from 32 bytes of the reader that it is given, so that a test repeats
//     it. A reader that gives fewer is an error, never a draw of less chance.
package chance
