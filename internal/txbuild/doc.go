// Package txbuild makes a payout transaction: coins and payees in, an unsigned
// PSBT out, and the checks of that PSBT and of its signed form. It is pure: the
// same request gives the same bytes, whatever the order of its coins and payees.
//
// Every coin of a treasury costs the same weight to spend, since a treasury has
// one descriptor; that is why the fewest coins are also the least weight.
//
// Invariants:
//   - Inputs equal outputs plus fee, to the satoshi.
//   - Every payee is paid exactly once, with exactly the amount asked for; the
//     treasury pays the fee.
//   - No output is dust. Beside payments no more than one is change; without them
//     all outputs are change of equal amounts, but for the last's remainder.
//   - The fee keeps within both caps, and the weight within MaxWeight, both
//     counted with the longest signatures.
//   - Every required coin is spent.
//   - The txid is final before anybody signs: version 2, native segwit inputs
//     only, each with sequence 0xfffffffd (BIP 125).
package txbuild
