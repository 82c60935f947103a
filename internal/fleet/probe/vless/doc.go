// Package vless speaks VLESS over TCP as a client, with or without TLS
// (xtls.github.io, protocol version 0, no flow, no encryption of its own).
//
// Invariants:
//   - With TLS the certificate is checked.
//   - The stage auth is passed when the server's own header comes back, which a
//     server sends only to an id that it knows.
package vless
