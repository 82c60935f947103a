// Package datacentre stands for Telegram in the demo: a data centre with an RSA
// key of its own that answers req_pq_multi and req_DH_params as
// core.telegram.org/mtproto/auth_key has it, so that a check can prove that it
// reaches the holder of that key. It does no more: no authorization key ever
// exists.
//
// Invariants:
//   - The key is made once and kept in the demo's folder.
//   - What a client sends is read with bounds; what it should not send ends its
//     connection.
package datacentre
