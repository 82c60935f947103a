// Package pgtest gives every test a PostgreSQL database of its own, with the
// real schema in it, in about 50 ms.
//
// The server is the one that TEST_DATABASE_URL names (a superuser's address) or
// else one that is started from installed binaries for this test process and
// dies with it, in memory where there is room. A missing PostgreSQL fails the
// test; it never skips it.
//
// Invariants:
//   - No two tests share a database, so every test may run in parallel.
//   - The schema is migrated once for each set of migrations and then copied; a
//     changed migration makes a new template.
//   - Nothing stays behind: databases go with their test, the server and its
//     folder go with the process, SIGKILL included.
package pgtest
