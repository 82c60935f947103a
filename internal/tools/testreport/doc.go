// Command testreport runs "go test -json" in one or more modules and prints what
// a person needs: a line per package, the output of what failed, and the closing
// line "N passed, N failed".
//
//	testreport -in DIR[:PATTERN...] [-pure ...] [-met DIR:PATTERN=REGEX] [-noskip] [-promises FILE -module PATH] -- GO-TEST-FLAGS
//
// Invariants:
//   - It exits 0 only if every package built, every test passed, at least one
//     test ran and, with -noskip, none was skipped.
//   - With -promises, a promise fails the run unless each of its tests ran and passed.
//   - A module's go test that fails without naming a test counts as one failure.
package main
