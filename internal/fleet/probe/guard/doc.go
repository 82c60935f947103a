// Package guard makes the only connections that a check makes to an endpoint.
// What it is told to dial was typed by a stranger, so that without it a check
// would be a way into our own network.
//
// Invariants:
//   - A name is looked up once; every address it has must be one we may connect
//     to, or none is; what is dialled is the address that was checked.
//   - Each address is checked again in the socket's Control, after which nothing
//     can change it.
//   - Only global unicast addresses are dialled, less every range that the IANA
//     registries set apart, the translations of IPv4 into IPv6, cloud metadata
//     services, and the addresses that the configuration names. Allow lists are
//     for tests and the demo.
//   - Ports of services that are no proxies are denied until the applicant has
//     proven control; port 0 always.
//   - A connection ends with its context, and gives at most MaxRead bytes.
//   - Through an Exit the same rules hold: it is given checked addresses and never
//     a name. UDP, which it does not carry, says nothing about an endpoint.
package guard
