// Command causeway-signer holds the treasury's key. It runs as its own user,
// listens on a Unix socket and signs what internal/signer/signer allows.
//
// Invariants:
//   - Secrets come from files or a terminal, never from flags or the environment.
//   - No core dump is ever written.
//   - run never creates a journal and init never overwrites a key; it only adds the
//     descriptor to a shared key that has none.
package main
