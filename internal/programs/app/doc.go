// Package app puts the parts together: it reads settings, opens what they name,
// and runs serve, worker and the one-off commands of the program causeway.
//
// Invariants:
//   - serve opens no node and no signer; only the worker does.
//   - Secrets come from files. No setting holds one.
//   - A program that cannot start says so in one line that names the part and
//     what to do; one that has started keeps going and says so on /readyz.
package app
