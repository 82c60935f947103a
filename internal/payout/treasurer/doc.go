// Package treasurer is what people do with money that is owed: compose, approve, cancel and
// take back batches, raise a fee, keep the coins in order, bring signatures, reset
// breakers, and look at the treasury.
//
// Invariants:
//   - Nothing here reaches a node or a signer: it leaves orders in the store, which the
//     conductor carries out.
//   - One person's request to take a batch back changes nothing about it; two people's does.
//     Who reviewed an application does not release its payment.
//   - An order is tried as it would be built before it is stored, and refused with the
//     figure that is in its way.
//   - A composed batch that nobody approves for ForgottenAfter is cancelled.
//   - What the store calls inside a transaction has no context with which to call a store.
package treasurer
