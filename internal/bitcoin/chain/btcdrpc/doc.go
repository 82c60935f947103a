// Package btcdrpc speaks JSON-RPC 1.0 to one btcd: over HTTPS, a connection a call as
// btcd closes each, and over a websocket, which stays open, what only reads.
//
// It exists beside btcd's own rpcclient because that one repeats a request
// whose reply was lost, sendrawtransaction included, and the caller then cannot
// tell its own success from somebody else's transaction.
//
// Invariants:
//   - A request is sent at most once; a lost reply is an error that is not an *Error.
//   - Nothing that could change something goes over a websocket: what was lost with one
//     may be asked again.
//   - The connection is TLS against the one certificate that was configured, and
//     no proxy setting of the environment is honoured.
//   - No error holds the password.
package btcdrpc
