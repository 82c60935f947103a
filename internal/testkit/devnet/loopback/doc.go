// Package loopback accepts and makes connections on this machine, for the small
// servers of the demo.
//
// Invariants:
//   - A Server listens on, and Dial reaches, 127.0.0.0/8 and ::1 only; no name
//     server is asked.
//   - After Close no connection of a Server and no goroutine of it is left.
package loopback
