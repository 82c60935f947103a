// Package shadowsocks speaks Shadowsocks with AEAD ciphers over TCP (SIP004 and
// SIP007 of shadowsocks.org) as a client.
//
// Invariants:
//   - A server has passed the stages handshake and auth only when its first bytes
//     decrypt under the password. A wrong password mostly shows as silence:
//     servers take care to look like nothing.
//   - Salt, target and the first data leave in one write, and each connection has
//     a salt of its own.
//   - A chunk has at most 16 KiB.
package shadowsocks
