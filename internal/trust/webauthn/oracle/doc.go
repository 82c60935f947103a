// Package oracle holds tests alone: answers of passkeys, most of them damaged, are judged by
// package webauthn and by @simplewebauthn/server under Node.js (internal/tools/oracle). `make deps`
// installs what the tests need.
//
// Invariants:
//   - Nothing is accepted that the other refuses, but for extensions, which webauthn does not read.
//   - Where webauthn alone refuses, a rule of it that is stricter says so, by name.
package oracle
