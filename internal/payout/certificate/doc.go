// Package certificate is the proof of one payment that the payee, an auditor or
// a journalist can keep in one file and check without the fund and without a
// node: what was decided, the output that paid it, and the block that holds it.
//
// A certificate is JSON. It carries the text of the decision note, so that its
// digest can be computed again, and an spv.Inclusion. Report says line by line
// what holds, and what no file can show: that the block is on the best chain of
// today.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte.
//   - Nothing that can be computed is believed: transaction, block, amount,
//     script and address are compared with what the note and the proof give.
//   - Build makes no certificate that Verify would refuse.
//   - What is only the fund's word (height, reference, digest of the batch, time
//     of issue) is named as such in every report.
//   - On mainnet, headers need the work of 2019 at least: a file of made-up
//     headers would cost more than most grants.
package certificate
