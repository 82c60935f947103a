// Package server is the edge: the Echo instance with its middleware, the one
// error handler, the table of who may call which route, health and metrics. It
// mounts the API and the dashboard.
//
// Invariants:
//   - No address, user agent or referrer of a client is read for anything that
//     is kept: not in logs, metrics, the database or errors. Clients are counted in
//     memory under a keyed hash of their network; the key is drawn anew every hour.
//   - Every request is counted before anything is done for it, but for files and
//     health. Who shows something valid has a bucket of their own, and no flood of
//     strangers empties it; strangers have one a client and one together.
//   - A session, token, receipt or signature that is no good is charged to the client
//     that showed it. Tables of clients and callers are bounded.
//   - Who calls is said by a header only through a proxy that was named, and never on
//     the port of the onion service.
//   - Every 429 has Retry-After.
//   - A route without a line in the policy table is not served, and New fails.
//   - A person reads of an error only what package errs holds for people; every
//     error is logged once, here.
//   - A request ends after 30 seconds, or after what its line in the policy table
//     says, and its caller is told so.
//   - JSON bodies are read strictly: no unknown or repeated name, nothing behind
//     the value, at most MaxBodyBytes.
package server
