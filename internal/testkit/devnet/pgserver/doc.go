// Package pgserver runs a private PostgreSQL for the demo and for tests, from
// binaries that the machine already has.
//
// Invariants:
//   - PostgreSQL listens on 127.0.0.1 and on a Unix socket only, and both ask
//     for a password (SCRAM).
//   - Its log holds no client address, no query parameter and no row values.
//   - It never runs as root: started by root, it runs as an unprivileged user.
//   - Where its account may not enter the folder that was asked for, Place finds one
//     below /var/tmp that nobody else can have prepared, and leaves a link.
//   - Data survives a restart and a SIGKILL of either process; a folder made by
//     another major version is refused and left alone.
//   - When this process dies, PostgreSQL stops (Linux).
package pgserver
