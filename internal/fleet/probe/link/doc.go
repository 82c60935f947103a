// Package link reads an endpoint as people have it: a link (tg://, t.me,
// socks5://, http://, ss://, trojan://, vless://), a WireGuard .conf or an
// OpenVPN .ovpn. It is pure: it looks nothing up, opens no file, runs nothing.
//
// Invariants:
//   - What is read is on an allow list; everything else is refused with its line
//     or parameter and the reason, all of it at once. Nothing is executed, and
//     no setting that would make a client run a program or read a file is kept.
//   - No refusal, public field or error holds a secret.
//   - Host names and TLS server names are DNS names (probe.ParseName), so that
//     none can smuggle bytes into a handshake.
//   - Two texts that mean the same endpoint give equal digests; the digest is
//     keyed, so that it cannot be used to guess a password.
package link
