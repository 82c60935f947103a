// Package fee says what a transaction should pay, from what one btcd sees.
//
// Three votes are taken: how deep the mempool is, with what flows into it; what
// the blocks that we watched asked for; and btcd's own estimatefee, which may be
// frozen or zero. The mempool's counts while it can be believed, since it alone
// knows what a transaction competes with: it is the rate that costs the least when
// being late costs too, by how likely it is given what waits, what comes in and how
// blocks are found. The others bound it from above, and their mean stands in for
// it. All is over a floor that the node and its peers set: no constant stands in for it. It also says when a batch
// that waits pays more.
//
// Measured by BenchmarkBacktest: over six seeds 5.5 % are not mined within 3 blocks, at
// 1.36 times what was needed; 4.2 % within 6 at 1.35; 6.7 % within 36 at 1.43. On the
// recorded days 5.3 % at 1.64, 5.7 % at 1.61 and 3.3 % at 1.59. An oracle that knows how
// much will come in, but not when blocks will be found, misses 6 % there at 1.66, 1.54
// and 1.36, and over the seeds at 1.29, 1.21 and 1.26.
//
// Invariants:
//   - No rate is below the floor, none above the floor and the highest vote that
//     was used, and a longer target is never dearer than a shorter one.
//   - While another vote is used, no rate is above twice the highest of the others,
//     for more than an hour of what they say for an hour: who fills our mempool alone
//     cannot make us pay more.
//   - Fewer than two votes, votes of which no two are less than five times apart,
//     too few peers or a node that is behind make an estimate that is not trusted
//     and says why: then a treasurer decides.
//   - A vote that is not used stays in the estimate with the reason.
//   - What the node does not see of the blocks (a mempool that was lost, a worker
//     that was away) takes votes away and never makes them cheaper. Neither does a
//     miner who leaves room empty while somebody waits for it.
//   - What two blocks passed over for cheaper ones is not counted as competing, and
//     a mempool of which blocks pass over a quarter of their room is not used.
//   - Memory is bounded: at most two snapshots of MaxTxs transactions while they
//     are compared (about 100 bytes each) and one between, 84 sums of what flowed
//     in, and 144 summaries of blocks. Nothing is stored.
//   - Amounts are integers: satoshi, and satoshi per 1000 virtual bytes.
package fee
