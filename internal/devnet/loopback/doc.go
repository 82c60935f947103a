// Package loopback accepts and makes connections on this machine, for the small
// servers of the demo.
//
// Invariants:
//   - A Server listens on 127.0.0.1; Dial reaches 127.0.0.0/8 and ::1 only, and asks
//     no name server.
//   - After Close no connection of a Server and no goroutine of it is left.
package loopback
