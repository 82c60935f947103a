// Package devnet is the private world that the demo runs in: PostgreSQL, btcd on
// simnet with a miner that has coins, a data centre that stands for Telegram, and
// proxies that lead to it, to apply with.
//
// Invariants:
//   - Everything listens on 127.0.0.0/8, and the proxies reach only 127.0.0.0/8,
//     so nothing in here can be used from or against another machine.
//   - Stop ends everything that Start started; when this process dies, so do its
//     children (Linux).
//   - The database and the chain live in Config.Dir and are resumed from there.
package devnet
