// Package ack is what a signer says with each of its answers: which charter it has, what is
// halted, and where its journal stands, signed by a key of its own that the charter lists.
//
// An ack shows two things that nobody else can tell. Couriers can withhold a charter or a
// halt from a signer; the ack shows that it lacks it. And whoever puts an older copy of a
// signer's disk back gives it an older journal; its own ack of a later line, handed back by
// the worker, tells it so.
//
// Invariants:
//   - Open accepts only bytes that Encode would write again, byte for byte.
//   - The signature is an SSH signature in the namespace "causeway-ack", so that
//     `ssh-keygen -Y verify` judges it too, and an ack is never an approval.
package ack
