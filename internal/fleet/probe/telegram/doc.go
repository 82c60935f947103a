// Package telegram proves that a Telegram data centre answers through an
// endpoint: it sends req_pq_multi and req_DH_params
// (core.telegram.org/mtproto/auth_key), whose answer only the holder of
// Telegram's RSA key can make. No account and no API id is used.
//
// Invariants:
//   - The proof stops at server_DH_params_ok: no authorization key ever exists.
//   - It counts only when the answer decrypts with our own new nonce and its hash
//     is right. A server that merely answers resPQ proves nothing, and Ping says
//     no more than that.
//   - Keys and addresses of data centres are configuration.
//   - What an answer can make us compute is bounded: the number to factor has at
//     most 63 bits, and the search for its factors at most maxSteps steps.
package telegram
