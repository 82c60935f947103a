// Package keytest makes people who hold keys, and charters that list them, for tests and for the
// demo: ssh keys, security keys made of software, and passkeys of the three algorithms.
//
// Invariants:
//   - The same name gives the same keys, but for RSA, which the standard library does not make
//     from a seed.
//   - Its signatures are those that ssh-keygen and browsers make; its tests ask ssh-keygen.
//   - Whoever reads this package holds every private key of it. Nothing of it is linked into a
//     release.
package keytest
