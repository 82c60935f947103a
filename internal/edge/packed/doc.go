// Package packed serves a fixed answer, compressed once, to whoever takes it so.
//
// Invariants:
//   - Only bytes that are the same for every caller come here: an answer that mixes
//     a secret with what a stranger chose must never be compressed (BREACH).
//   - Whoever does not name gzip gets the plain bytes.
package packed
