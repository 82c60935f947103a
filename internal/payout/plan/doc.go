// Package plan says what a batch's transaction should be: what to build from the coins of
// now, what a replacement has to pay and may pay, and what upkeep to propose. It is pure:
// the caller brings the batch, its attempts, the holdings and the time.
//
// Invariants:
//   - Every attempt of a batch spends the batch's anchor and all that its first attempt
//     spends; a bump pays the same people, a void pays nobody.
//   - Whatever goes out can be taken back: every attempt leaves room below its highest fee
//     for a void.
//   - A batch leaves two coins that could carry another batch where the amounts allow, and
//     takes the fewest that pay while other batches wait for coins.
//   - What was approved is what is built: a plan outside the approved limits is refused.
package plan
