// Package claim is what an operator says about a server: the fields of a form, or a
// link or configuration file as people have it. It reads and refuses them. Package endpoint
// keeps, checks and shows what can be checked. It knows neither applications nor a store.
//
// Invariants:
//   - What a link says holds over the fields beside it.
//   - A refusal names the endpoint and its field, and repeats no secret.
package claim
