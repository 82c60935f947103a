// Package control proves that an applicant controls an endpoint, in the ways of
// endpoints.md 7.7 that hold: a credential that we derive and that the operator
// puts into the server, an answer on the endpoint's own address and port, and a
// TXT record beside the address that was tested.
//
// Invariants:
//   - A credential proves control only together with another of the same form
//     that the server refuses: whoever takes any password proves nothing.
//   - A DNS record proves the name and not the server behind it.
//   - Nothing here opens a socket by itself: dialling comes with probe.Env.
package control
