// Package faucet is the miner's wallet of a private simnet: it owns the
// coinbases of one key and pays from those that have matured.
//
// Invariants:
//   - Simnet only; an address of any other network is never made.
//   - Its coins are P2PKH, so it can pay from block 101 on, while segregated
//     witness is active on simnet only from block 300 on.
//   - It keeps nothing but the key: what is unspent is read from the node.
package faucet
