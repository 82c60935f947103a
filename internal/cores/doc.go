// Package cores does the same to each of many things on all cores at once, with the
// outcome of doing it to one after the other.
//
// Invariants:
//   - The error is that of the first thing, in their order, that has one; which core
//     was faster does not show.
//   - Each is over when the call returns: no goroutine outlives it.
//   - A panic comes out of the call, as it would without goroutines.
package cores
