// Package echo finds the address from which an endpoint's traffic comes out: a
// server of our own says what address it sees, a check asks it through the
// endpoint, and the service verifies that nobody on the way has changed the
// answer.
//
// Invariants:
//   - What the server says is the connection's other side. It believes no header.
//   - An answer is bound to its nonce by a code under the service's key, so that
//     neither the endpoint nor the vantage can make one up, or use one twice.
//   - A network is answered only so often, and a client takes one form of answer;
//     both sides have oneshot's limits.
//   - It shows where a request to this server came out, and no more: an endpoint
//     may send other traffic elsewhere.
package echo
