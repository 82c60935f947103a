// Package charter is the canonical text of who may move a fund's money: the people with their
// roles and keys, the signers, how many have to agree on what amount, the limits, and the
// treasuries. Trustees sign it by ssh.
//
// It is a first part of signed authority. No signer, worker or page asks for a charter yet: a
// charter that everybody signed moves nothing and stops nothing today. Only causewayctl reads it.
//
// Invariants:
//   - Parse accepts only bytes that Encode would write again, byte for byte; ASCII, at most
//     64 KiB.
//   - A charter that would lock everybody out, or leave money to one person without saying so
//     (sole_operator), is refused before anybody signs, by a code of its own and with the line.
//   - A key stands once, over all people, kinds of keys and signers.
//   - Where it cannot be told whether a change loosens or tightens, Diff says that it loosens.
//
// When a charter is taken in (its expiry at most MaxLife later, the signatures, the hold) is not
// asked by Parse, which knows no time and no other charter. Follows asks the part that two texts
// can answer.
package charter
