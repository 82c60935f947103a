// Package httpconnect asks an HTTP proxy for a tunnel with CONNECT (RFC 9110,
// section 9.3.6), with or without Basic credentials (RFC 7617).
//
// Invariants:
//   - An answer's head has at most 16 KiB, and no redirect is followed.
//   - Bytes of the target that come with the head are not lost.
//   - Nothing but base64 and a checked host is put into a request.
package httpconnect
