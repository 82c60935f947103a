// Package approval is what a person signs to let money move, and who signed it: a
// statement names the digest of one note, what the person says to it and in which role,
// and an envelope carries the statement with one signature, by an ssh key or a passkey.
//
// There is one statement for every kind of key and note. A passkey signs its SHA-256 as
// the challenge of an assertion; ssh-keygen signs its bytes.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte.
//   - A statement names the network and the fund, so an approval is worthless elsewhere.
//   - The key decides the person: a signature by the key of somebody else than the
//     statement names is refused, and so is one that does not hold.
//   - Verify uses a key as a charter has it, and never what an envelope says of it.
//   - What a charter lacks, a key, a person or a role, counts for nothing under it.
package approval
