// Package crash marks the points at which a process may die between two steps
// that move money, so that tests can kill it there with SIGKILL.
//
// Invariants:
//   - At is empty in a build without the tag "crash"; release builds cannot crash
//     themselves.
//   - A label is one of those in internal/payout/payout/README.md and stands at one
//     place in the code.
package crash
