// Package oracle holds tests alone: PSBTs of ours are signed by code of others,
// in Node.js (internal/tools/oracle), and come back. `make deps` installs what
// they need; without it they fail.
//
// Invariants:
//   - Both outside libraries derive keys, hash and sign for themselves; from us
//     they have the PSBT and the seed.
package oracle
