// Command causeway-signer holds the treasury's key. It runs as its own user,
// listens on a Unix socket and signs what internal/signer/signer allows.
//
// Invariants:
//   - Secrets come from files or a terminal, never from flags or the environment.
//   - No core dump is ever written.
//   - run never creates a journal, keygen never overwrites a key, and init writes into a
//     key file only the descriptor of a shared key that has none.
//   - What a person decides on this host (halt) goes over a socket that only the
//     program's own user opens, and never over the worker's.
package main
