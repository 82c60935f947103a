// Package spv proves, and checks without a node, that a transaction is in a
// block and that work was done on top of it: the raw transaction, its Merkle
// branch and the headers from its block on, as section 8 of the Bitcoin paper
// and BIP37 have them.
//
// What it cannot say is that the block is on the best chain of today. It says
// what it would have cost to make the headers up (Work), and a caller that knows
// how hard the chain is sets the least work of a header (maxTarget).
//
// Invariants:
//   - Verify accepts one position for one transaction: a branch that names the
//     copy of a last hash (CVE-2012-2459), or a position that the branch is too
//     short for, is refused.
//   - 64 bytes are never both a transaction and an inner node of the tree: a
//     transaction of 64 bytes is refused, and so is a branch through a node that
//     reads as one (CVE-2017-12842).
//   - Every header meets its own target, no target is easier than the limit, and
//     each header names the one before it.
//   - Input is bounded: one transaction, 15 hashes, 2016 headers.
//   - Nothing here reads a clock, a file or the network.
package spv
