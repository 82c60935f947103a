// Package api answers the calls of the HTTP API: it turns requests into use
// cases of the domain and their results into the types of the OpenAPI document.
//
// Invariants:
//   - A handler decides nothing about money, states or permissions; it parses,
//     calls one use case and renders.
//   - Every error goes out as it came in, to the one error handler of package
//     server.
//   - An operator is told neither who checks a server, nor what lists and other
//     applications have in common with it.
//   - A snapshot of uptime and a prober's messages go through byte by byte.
//   - A receipt code is read from its header and never from an address.
package api
