// Package errs is the one error taxonomy of Causeway: a kind that says what the
// caller may do next, a stable code, words for a person, and field errors.
//
// Invariants:
//   - What a person reads comes from an *Error's Message and Fields and nothing
//     else; the wrapped cause is for logs.
//   - A Code never changes once released: API problem types and message
//     catalogues are keyed by it.
//   - An error that is not an *Error is Internal.
package errs
