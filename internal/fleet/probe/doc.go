// Package probe says what a check of an endpoint is: the protocols that can be
// checked, the stages a check goes through, the classes of what can go wrong,
// the record of one attempt, and the runner that makes one under one deadline.
// Its folders hold the rest: guard dials, link reads what people paste, and
// each protocol has a folder of its own.
//
// Invariants:
//   - Protocols, stages, classes and modes are closed sets; a record with any
//     other value is refused.
//   - Trouble of our own (file descriptors, our network, a cancelled check, an
//     error that nothing explains) is never held against an endpoint: its
//     verdict is Unknown.
//   - An attempt has one deadline from its first look-up to its last byte.
//   - A record's detail is short, printable, and free of the endpoint's secrets.
//   - A host is an IP address in its one spelling, or a full DNS name; nothing
//     that a resolver or a socket could read in another way.
package probe
