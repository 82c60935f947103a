// Package wallet turns a treasury's output descriptor into scripts, addresses,
// PSBT fields and signatures, and reads the addresses that people ask to be
// paid at. It is pure: no clock, no network, no files, no randomness.
//
// Invariants:
//   - A Descriptor never holds a private key; a string that holds one is refused.
//   - What a PSBT says about a script is a hint: every script counted as ours
//     was derived again from the descriptor and compared byte for byte.
//   - An input's value comes from its previous transaction, whose txid was
//     checked, and never from a stated amount alone.
//   - No two keys of a multisig descriptor belong to one master key, so that k
//     signatures are k signers.
//   - A signature counts as somebody's only after it was verified.
//   - A payee's script is a standard one of the treasury's own network, and its
//     canonical address decodes to exactly that script.
//   - Signing the same bytes with the same key gives the same signature, and
//     no signature commits to less than all inputs and all outputs.
package wallet
