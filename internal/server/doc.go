// Package server is the edge: the Echo instance with its middleware, the one
// error handler, the table of who may call which route, health and metrics. It
// mounts the API and the dashboard.
//
// Invariants:
//   - No address, user agent or referrer of a client is read for anything that
//     is kept: not in logs, metrics, the database or errors.
//   - A route without a line in the policy table is not served, and New fails.
//   - A person reads of an error only what package errs holds for people; every
//     error is logged once, here.
//   - A request ends after 30 seconds, or after what its line in the policy table
//     says, and its caller is told so.
//   - JSON bodies are read strictly: no unknown or repeated name, nothing behind
//     the value, at most MaxBodyBytes.
package server
