// Package demo runs the whole of Causeway on one machine: a private PostgreSQL
// and btcd, the signer, the worker and the dashboard as processes of their own,
// a fund with staff, and sample applications. It also runs the journey: one
// payment from application to six confirmations, proven on the chain.
//
// Invariants:
//   - Everything is on loopback and under one folder; what was started is ended.
//   - A second start on the same folder goes on where the first one ended, with the
//     servers that its applications name at the same addresses and ports.
//   - Two demos with folders and dashboard ports of their own share one machine:
//     every other address and port is drawn.
//   - The journey's check of the chain shares no code with the worker: it asks
//     btcd for decoded blocks and derives the treasury's addresses itself.
package demo
