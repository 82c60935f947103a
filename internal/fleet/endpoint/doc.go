// Package endpoint makes and keeps the servers that applications claim: their checks,
// proofs of control, uptime, and what they have in common.
//
// What describes an endpoint is sealed under its application's data key; this
// package opens it to make jobs for probers and pages for who may see it. It
// never dials and never looks up a name.
//
// Invariants:
//   - In clear there are only protocol, verdicts and keyed hashes: nothing that
//     says where an endpoint is.
//   - Any change of a configuration makes another endpoint, which has to be proven again;
//     one whose configuration stays keeps its row.
//   - A slot is checked once per place and attempt, whoever asks; trouble of our
//     own is never held against an endpoint.
//   - Nobody's word counts without its signature, its lease and its place in the
//     prober's chain; a prober that gets canaries wrong decides nothing.
//   - A view opens the checks that it shows, and one more to say where the exit is.
//   - The number that a payment's gate uses is the number that the operator sees,
//     and can be computed again from the snapshot that is kept.
package endpoint
