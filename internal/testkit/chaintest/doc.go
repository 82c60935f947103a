// Package chaintest gives a test a real btcd of its own on simnet.
//
// A node starts in about half a second and mines a hundred blocks in 20 ms.
// Segregated witness and taproot are active from block 300 on, which New mines
// unless it is told otherwise.
//
// Invariants:
//   - No two tests share a node; every node dies with its test and with the test
//     process.
//   - A missing btcd fails the test; it never skips it.
package chaintest
