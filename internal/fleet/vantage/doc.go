// Package vantage is what the service and its probers say to each other:
// enrolment, leases of jobs, and reports. Each message is signed over its exact
// bytes; a prober's reports form a chain by their hashes.
//
// Invariants:
//   - What is verified is the bytes that came, and what is read is those bytes.
//   - A message has one spelling, and a signature of one kind of message is worth
//     nothing under another. What is of another version or spelling, or beyond the
//     limits on size and count, is refused.
//   - A lease does not say which of its jobs are canaries.
//   - A report belongs to one lease of one prober and follows the report before
//     it: nothing can be left out, put in or said twice without a gap in the chain.
package vantage
