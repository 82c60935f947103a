// Package webauthn verifies what a passkey answers (an assertion of W3C Web Authentication,
// level 3, section 7.2) over a challenge that is the digest of a text. It makes no challenge and
// enrols nobody: the raw public keys stand in a charter.
//
// Invariants:
//   - The challenge, the credential and the origin are compared whole; the authenticator saw a
//     person (UP) who proved to be the one (UV).
//   - Client data is one JSON object that no two readers take for different things: valid UTF-8,
//     each member once, nothing behind it.
//   - Authenticator data has 37 bytes, or more where its flags say so. What stands behind them is
//     signed and not read.
//   - Counters are not looked at: keys that are synced between devices give 0.
//   - Nothing is accepted that @simplewebauthn/server refuses, but for extensions, which are not read.
//   - Beside the errors of this module it stands on the standard library alone, without CBOR.
//
// A signature of ES256 has a twin that holds too, so a signature identifies nothing.
package webauthn
