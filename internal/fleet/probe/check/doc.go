// Package check is one check of an endpoint of any protocol: it opens what a
// link.Spec describes and asks a Telegram data centre behind it for its proof.
//
// Invariants:
//   - A full check passes only with the proof of package telegram; nothing that
//     an endpoint could answer by itself is enough.
//   - A light check says that the endpoint answers, and no more: it is no
//     evidence for a payment.
//   - A protocol that is not spoken yet gives Unknown, never Down.
//   - What a check opened is closed when it returns.
package check
