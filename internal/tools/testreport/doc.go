// Command testreport runs "go test -json" in one or more modules and prints what
// a person needs: a line per package, the output of what failed, and the closing
// line "N passed, N failed".
//
//	testreport -in DIR[:PATTERN...] [-pure ...] [-met DIR:PATTERN=REGEX] [-alone ...] [-noskip]
//		[-promises FILE -module PATH] [-slowest] [-budget TIME] -- GO-TEST-FLAGS
//
// What is tested without the race detector and what is tested with it runs side by side.
//
// Invariants:
//   - It exits 0 only if every package built, every test passed, at least one
//     test ran and, with -noskip, none was skipped.
//   - With -promises, a promise fails the run unless each of its tests ran and passed.
//   - With -budget, a run that takes longer fails, counted from the first event of go test
//     to the last: time to build before the first package starts is not in it. It is a budget
//     of the whole; no test asserts how fast anything is.
//   - A module's go test that fails without naming a test counts as one failure.
package main
