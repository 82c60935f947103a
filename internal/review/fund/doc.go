// Package fund is the donor's programme: its treasury, its budget and the limits that every
// application, decision and transaction keeps to.
//
// Invariants:
//   - The defaults agree with each other: the largest batch at the highest feerate keeps
//     within the highest fee, with room for its void (a test of package payout holds it).
//   - The treasury is a descriptor with its checksum; nothing here holds a key.
package fund
