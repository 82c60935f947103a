// Package netplace says in which network and country an address is, where the
// fund has a file that knows, and which neighbourhood it belongs to. Reviewers
// use it to see that endpoints of several applications stand side by side.
//
// Invariants:
//   - Without a file nothing is known, and that is said, not guessed.
//   - A file is checked as a whole before it is used: one that is cut or damaged
//     is refused when it is opened, and never panics.
//   - No file is fetched and no name is looked up: an address stays here.
package netplace
