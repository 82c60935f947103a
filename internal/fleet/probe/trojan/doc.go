// Package trojan speaks Trojan over TLS as a client (trojan-gfw.github.io,
// protocol).
//
// Invariants:
//   - The password travels as its SHA-224 inside TLS, to a server whose
//     certificate was checked.
//   - A server says nothing about the password: it hands whom it does not know to
//     a web site. Only a target that proves itself shows that the password is
//     right.
package trojan
