// Package model has what the HTTP API takes and answers, generated once from openapi.yaml. The
// server and package client have the same types under their own names; a program that calls the
// API needs package client alone.
//
// Invariants:
//   - Amounts are whole satoshi, feerates whole satoshi per 1,000 virtual bytes, shares thousandths.
//   - A string type that the document lists as open may gain values: show one that you do not know
//     as it is.
package model
