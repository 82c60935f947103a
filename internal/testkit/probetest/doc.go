// Package probetest is what tests of the protocols share: an environment whose
// guard allows loopback and nothing else, and the servers that nobody should
// run: silent, slow, endless, or of another protocol.
//
// Invariants:
//   - Only 127.0.0.0/8 is dialled, and listeners close with their test.
package probetest
