// Package api carries the contract of the HTTP API: the OpenAPI document from
// which the server's routes and types and the Go client are generated.
//
// Invariants:
//   - spec/ is the source. openapi.yaml is bundled from it, and never edited, as
//     other generated code.
//   - What is released under /v1 only grows: no field, code or route changes its
//     meaning.
package api
