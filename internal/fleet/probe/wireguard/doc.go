// Package wireguard speaks WireGuard as a client: the handshake alone, of one
// datagram each way, and a tunnel in user space that needs no rights of the
// machine (wireguard.com/papers/wireguard.pdf, section 5).
//
// Invariants:
//   - Every datagram goes through one guarded socket to one checked address; the
//     address that a server answers from is never taken up.
//   - A handshake has passed only when the answer decrypts: the other side holds
//     the peer's key, and knows ours.
//   - A cookie counts as life only when it decrypts under the peer's key, and is
//     answered once, with the second code that it asks for.
//   - At most three datagrams are sent for a handshake; a tunnel is closed with
//     all of its goroutines.
package wireguard
