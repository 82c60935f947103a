// Package screen judges what the program itself knows of an application: its
// servers, its payout address, its amount, its statement, and what it shares with
// others.
//
// It is pure. A store gathers Facts, Judge makes findings of them, and every
// threshold is in thresholds.go.
//
// Invariants:
//   - A finding is made from facts, and its reason has their figures. None is a
//     constant, and what was not looked at has no finding that says PASS.
//   - No finding declines anything. High asks who approves for a note.
//   - A fingerprint says nothing of the text without the key; two of them say how
//     alike the two texts are, and nothing else. Those of two funds say nothing.
package screen
