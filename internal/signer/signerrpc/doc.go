// Package signerrpc is the wire between the worker and causeway-signer: one
// JSON line asks, one JSON line answers, over a Unix socket, then the connection
// closes. Beside the standard library it needs only the form of a proof (spv),
// so that neither side drags the other's dependencies in.
//
// Invariants:
//   - A line longer than MaxLine, an unknown field, another version or anything
//     after the line is refused before it is interpreted.
//   - Every failure that leaves open whether the signer signed is Unavailable
//     (signer_down): the caller keeps its state and sends the same request again,
//     which the signer answers with the same bytes.
//   - signer_refused means that the signer holds a rule against the request; the
//     rule's code is in Params["rule"] and no signature has left the signer.
package signerrpc
