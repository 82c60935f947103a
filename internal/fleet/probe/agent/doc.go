// Package agent is a prober: it asks the service for leases of jobs, makes the
// checks, each at its time, and reports what came of them. It opens connections
// to the service and, through the guard, to endpoints and data centres, and no
// others; it has no database and no node.
//
// Invariants:
//   - Nothing is dialled for a lease that the service has not signed, that is for
//     another prober, that is not of now, or that is older than one seen before.
//   - A job is made once, no sooner than its time and not after its end.
//   - A report is on disk before it is sent, and the next one is signed only when
//     the service has answered to it: whatever dies in between, the same bytes are
//     sent again.
//   - Trouble of our own, a wrong clock included, makes an answer Unknown.
//   - A control proof sends the decoy only to an endpoint that took ours.
//   - What waits to be done and to be reported is bounded: without an answer from
//     the service, nothing more is asked for.
//   - Logs hold counts, never an endpoint's host or secrets.
package agent
