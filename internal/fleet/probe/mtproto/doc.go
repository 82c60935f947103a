// Package mtproto carries messages to a Telegram data centre: the obfuscated
// transport (core.telegram.org/mtproto/mtproto-transports), and Telegram's own
// proxies over it, plain, padded (dd) or dressed up as TLS (ee).
//
// Invariants:
//   - A server name enters a ClientHello only as a DNS name that package link has
//     checked.
//   - A proxy dressed up as TLS has passed the stage auth only when its answer
//     carries the digest that the secret alone can make; the site behind which it
//     hides cannot pass for it.
//   - Frames and records are read by their own length, at most 64 KiB and one TLS
//     record.
//   - The header of a connection and its first message leave in one write:
//     apart, a relay's delays add up.
package mtproto
