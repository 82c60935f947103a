// Package btcdnode runs a private btcd on simnet for the demo and for tests.
//
// Invariants:
//   - Always simnet: btcd deletes a regtest chain at every start, so nothing
//     there survives a restart.
//   - It listens on 127.0.0.1 only, dials nobody unless told to, and talks RPC
//     over TLS with a certificate of its own.
//   - The RPC password is in files of mode 0600, never in an argument list.
//   - It relays by the network's rules, not by simnet's looser ones
//     (--rejectnonstd, --limitfreerelay=0).
//   - When this process dies, btcd stops (Linux).
package btcdnode
