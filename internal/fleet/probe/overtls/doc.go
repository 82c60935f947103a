// Package overtls opens TLS connections for the protocols that run inside TLS.
//
// Invariants:
//   - The certificate is checked against the server name, by the clock of the
//     environment; there is no way to leave that out.
package overtls
