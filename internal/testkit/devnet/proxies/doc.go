// Package proxies runs the servers that the demo's operators have: SOCKS5, HTTP
// CONNECT, and Telegram's own proxy.
//
// Invariants:
//   - They reach only this machine; MTProto reaches only the data centre that it
//     was given.
//   - Who may use one stands in its file of accounts, which is read at each
//     connection, so that an operator of the demo changes it with an editor. A
//     SOCKS5 or HTTP proxy without that file asks for nothing.
package proxies
