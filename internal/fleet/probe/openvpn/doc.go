// Package openvpn speaks OpenVPN as a client, over UDP and TCP, plain or under
// tls-auth or tls-crypt: the first exchange of packets alone, and a tunnel in
// user space that needs no rights of the machine. Data is carried by an AEAD
// cipher under keys of 2.6 (RFC 5705) or of 2.4 and 2.5; older servers are not
// spoken to. The source of the rules is OpenVPN's protocol as its servers speak
// it (openvpn.net/community-docs, "Security Overview", and openvpn(8)).
//
// Invariants:
//   - Everything goes through one guarded connection to one checked address; no
//     route, resolver or setting that a server pushes is followed.
//   - A check that goes no further than the first exchange never acknowledges the
//     answer, so that the server keeps no session for it.
//   - A server is believed only with a certificate as the profile asks for: of
//     its authority, and with its name and usage where it names them.
//   - A tunnel says goodbye: the server is told before the connection is closed,
//     whether by Close, by the check's deadline or by a call to stop.
//   - At most three copies of a first datagram are sent, and no more than a few of
//     the others.
package openvpn
