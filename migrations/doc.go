// Package migrations holds the schema of Causeway's database as goose files and
// applies them.
//
// Invariants:
//   - Only Up changes a schema; serve and worker call Check and refuse any other
//     version than the newest.
//   - A released file is never edited; the next change is the next file.
//   - Each SQL file is one transaction, and so is each step of River, which can go
//     on where it stopped: nothing is ever half applied.
package migrations
