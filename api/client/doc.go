// Package client calls the HTTP API of a Causeway fund. The calls are generated
// from the OpenAPI document; New adds credentials and turns every refusal into
// an *Error.
//
// Invariants:
//   - It needs nothing of Causeway but this folder.
//   - A receipt code is sent only to the routes of an application's status, and
//     an API token never to another host: redirects are not followed.
//   - Nothing is tried again by itself. A call with an Idempotency-Key may be
//     repeated with the same key and body; that never applies or pays twice.
package client
