// Package egress lets checks go out through a SOCKS5 proxy of the operator's
// choice, such as Tor's: probes from the fund's own address would tell a censor
// what is funded.
//
// Invariants:
//   - The exit is given addresses, never names. Names are looked up through it as
//     well, over TCP, by a resolver of the configuration: a look-up from here
//     would tell as much as a probe. Tor's own look-ups are not used, since the
//     address that was checked must be the one that is dialled.
//   - With isolation, each connection has a user and a password of its own, drawn
//     at random: Tor then takes another circuit, and no two connections can be
//     told to be of one prober.
//   - An exit that is down, refuses us, or fails for reasons of its own gives
//     control_failed, which is never held against an endpoint.
//   - The exit is of the configuration, not of an applicant: the guard does not
//     check its address, and nothing here dials any other.
package egress
