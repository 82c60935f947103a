// Package dctest is Telegram for tests: a data centre that gotd/td answers for
// with a key of its own, forgers that have no key, and proxies of each kind of
// secret, dressed up as TLS with a real TLS server behind. It computes nothing
// with the code that it tests.
//
// Invariants:
//   - It listens on 127.0.0.1 only, until its test ends.
//   - What a data centre answers is made by gotd/td, not by package telegram.
package dctest
