// Command benchreport runs benchmarks and says what it left out.
//
// It passes on what `go test -bench` says, then prints every result once more as a
// table, and then each benchmark of the module that gave none, with the reason: not asked
// for, not built with these tags, or without a result. A benchmark that is quietly missing
// from a list of figures is how a promise gets lost.
//
// With -ratios it also writes the figures that are ratios of two measurements of one run, in
// the form that benchstat reads: `make bench-compare` holds them against baseline.txt, which
// `make bench-baseline` writes anew. Seconds and bytes are not compared: they are the machine's.
//
// It exits as go test did, and with 1 when a benchmark that was asked for gave no result.
package main
