// Package client calls the HTTP API of a Causeway fund. The calls are generated
// from the OpenAPI document; New adds credentials and turns every refusal into
// an *Error.
//
// Invariants:
//   - It needs nothing of Causeway but this folder.
//   - A receipt code is sent only to /v1/application and below, and an API token
//     never to another host: redirects are not followed.
//   - When no answer comes, a call with an Idempotency-Key is sent again with the
//     same key and body, twice at most; that never applies or pays twice. Nothing
//     else is tried again by itself.
package client
