// Package api carries the contract of the HTTP API: the OpenAPI document from
// which the server's routes and types and the Go client are generated.
//
// Invariants:
//   - openapi.yaml is the source; generated code is never edited.
//   - What is released under /v1 only grows: no field, code or route changes its
//     meaning.
package api
