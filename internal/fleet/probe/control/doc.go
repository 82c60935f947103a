// Package control proves that an applicant controls an endpoint, in three ways: a
// credential that we derive and that the operator puts into the server; an answer
// on the endpoint's own address and port; a TXT record beside the address that
// was tested. A file on another port of the same address is no proof and not
// offered: through BIND of SOCKS5, strangers can serve one.
//
// Invariants:
//   - A credential proves control only together with another of the same form,
//     drawn at random, that the same address refuses: whoever takes any password
//     proves nothing.
//   - A challenge is answered on the very port that serves users, which nobody
//     can take who does not run the server. The question holds nothing of the
//     answer, so that a server that repeats what it is sent does not pass.
//   - A token is of one endpoint and one period.
//   - A DNS record proves the name and not the server behind it.
//   - Nothing here opens a socket by itself: dialling comes with probe.Env,
//     look-ups with Resolver, and a server is given its listener.
package control
