// Package model plays random histories of everything that payouts depend on, in
// small integers: a chain with reorgs and stale branches, a node that forgets
// transactions and blocks, a network that may mine any transaction that was ever
// released, a database that is dumped and restored, a signer whose journal never
// rolls back, people, and workers that are killed or stall between any two steps.
// It makes nothing happen in the world and is imported by its tests alone.
//
// What the rest of the program does with transactions, SQL and sockets is done
// here with bit masks: a chain is the number of its tip, a database is one value, a
// dump is a copy of it, a commit is an assignment. One history of 140 commands
// takes some 60 microseconds, so 100,000 of them fit into every run of CI. A history
// is a list of commands of four bytes each, and every list is a legal one: the same
// interpreter serves a plain loop over seeds for volume, rapid's state machine, and
// the fuzzer, and what is found is made small by leaving commands out.
//
// The rules are written twice. Worker, follower, recovery and journal follow the
// payout and signer packages step by step (journal.go states the signer's rules,
// recover.go what a database does that has lost rows). The checks of check.go know
// the true chain and count in another way. A Fault leaves one rule out; the tests
// show that the harness then finds the double payment, or the loss, that the rule
// prevents.
//
// The same requests also go, as real transactions, notes and proofs, to the real
// signer, which has to give the same verdict each time.
//
// Depths: what safety rests on is that a transaction is called dead only deeper
// than any reorg reaches. Histories therefore run with the least such depth, 11
// against reorgs of 10, where an error of one block shows; a share runs with 100.
//
// After every command these are held against the state.
//
// Invariants:
//   - No chain, no branch of it and no chain that could still come to be holds two
//     transactions that pay one payment.
//   - Two released transactions that pay one payment need a common coin, or the
//     older one is dead deeper than a reorg reaches.
//   - A signer is asked only for what was stored, a node is told only bytes that
//     were stored.
//   - Coins in = coins out + payments + fees + thefts, in the chain and, at each
//     block that the follower walks, in the ledger.
//   - A database that has read the journal calls nothing payable that may be paid.
//   - States change only along the edges of the tables in payout and grant.
//   - When accidents stop and blocks come, every payment is paid, or waits for a
//     transaction whose deposit its sender has spent elsewhere.
package model
