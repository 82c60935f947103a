// Package txbuild makes a payout transaction: coins and payees in, an unsigned
// PSBT out, and the checks of that PSBT and of its signed form. It is pure: the
// same request gives the same bytes, whatever the order of its coins and payees.
//
// Every coin of a treasury costs the same weight to spend, since a treasury has
// one descriptor; that is why the fewest coins are also the least weight. Coins
// received at one address form a group, which is spent as a whole. Several searches
// each propose groups. Of what they propose, first comes what leaves room for fee
// bumps, then what leaves coins to other batches, and of those what wastes least:
// what its inputs cost now beyond their cost in the long run, the cost of change
// now and later, and whatever goes to the miner beyond the rate.
//
// Invariants:
//   - Inputs equal outputs plus fee, to the satoshi.
//   - Every payee is paid exactly once, with exactly the amount asked for; the
//     treasury pays the fee.
//   - No output is dust. Beside payments no more than one is change; without them
//     all outputs are change, of equal amounts.
//   - The fee keeps within its caps, and the weight within MaxWeight, both
//     counted with the longest signatures.
//   - Every required coin is spent.
//   - A payment spends at most eight inputs beyond the fewest that would do, and
//     those only below nine tenths of the long-run rate or to keep an address
//     together.
//   - The transactions that made the coins have no more than MaxPrevTxBytes together,
//     each counted once; what Pack returns, Unpack reads.
//   - Coins of one deposit address are spent all or none, but for those that cost
//     more than they bring, for parts of nine, and where that would cost too many
//     inputs, the room to bump, or coins that others need.
//   - A coin that is worth less than its fee at the present rate is never added.
//   - The txid is final before anybody signs: version 2, native segwit inputs
//     only, each with sequence 0xfffffffd (BIP 125).
package txbuild
