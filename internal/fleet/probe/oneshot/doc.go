// Package oneshot speaks as much of HTTP/1.1 (RFC 9112) as one small request and
// one small answer on a connection of their own take. The echo server and the
// answer to a challenge need no more, stand on ports of their own, and take what
// strangers send.
//
// Invariants:
//   - A connection carries one request without a body, and one answer, after
//     which it is closed. Both have limits in bytes, and a server's connections
//     one in time and one in number.
//   - A server hands on the connection's other side and the request's target. It
//     reads no header.
//   - A client follows nothing: any status but 200 is an error.
package oneshot
