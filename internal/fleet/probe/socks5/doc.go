// Package socks5 speaks SOCKS5 as a client: no credentials or user and password
// (RFC 1929), CONNECT and UDP ASSOCIATE (RFC 1928).
//
// Invariants:
//   - User and password go only to a server that asked for them, and are the
//     only thing offered where there are any: a server that would let anyone in
//     does not pass for one that knows the user.
//   - The address a server names for its UDP relay is never dialled. Datagrams go
//     to the address of the connection, on the port that the server named, and
//     through the guard.
//   - Every answer is read by its own length, at most 262 bytes.
package socks5
