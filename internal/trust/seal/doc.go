// Package seal encrypts what operators write, so that a copy of the database,
// its backups or its logs says nothing about them.
//
// A key file outside the database holds key-encryption keys (KEKs) and a pepper.
// Each application has a data key of its own, stored only wrapped by a KEK;
// deleting the wrapped key purges all that was sealed under it.
//
// Invariants:
//   - Sealed bytes open only under the data key, and in the table, column, row
//     and version, that they were sealed for: moving them fails.
//   - A wrapped data key opens only for the owner it was made for.
//   - A KEK leaves the key file only once nothing is wrapped under it: DropOlderKeys asks
//     first, and editing the file replaces it in one step.
//   - A key file that others on the machine can read is refused.
//   - Keys do not print: their String, GoString and LogValue hide them.
//   - The length of sealed bytes tells the length of the text to 64 bytes only.
//
// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) seals and wraps, with random
// 192-bit nonces; HKDF-SHA256 (RFC 5869) derives keys from the pepper.
package seal
