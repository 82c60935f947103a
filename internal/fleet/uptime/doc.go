// Package uptime turns the attempts of a slot into a mark, marks into days, days
// into a number, and a number into the decision of a payment's gate; and it reads
// and writes the snapshot from which anyone can compute that number again.
//
// Invariants:
//   - What is not known is never held against an endpoint: it lowers the coverage
//     and never the uptime.
//   - A slot is down when a check failed and, where the policy confirms, another
//     failed as well; one that passed makes it up.
//   - Numbers are exact: integers alone, rounded to the operator's favour where a
//     decision hangs on them.
//   - A snapshot has one spelling, and says nothing that does not follow from its
//     days, breaks and rules.
package uptime
