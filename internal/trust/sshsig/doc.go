// Package sshsig verifies what `ssh-keygen -Y sign -n causeway` makes: armored SSH
// signatures (PROTOCOL.sshsig of OpenSSH, version 1) by ssh-ed25519 keys and by security
// keys, sk-ssh-ed25519@openssh.com. What people sign it only verifies: their keys stay with
// ssh-keygen and its agent. It signs for programs, such as a signer's answers, in a namespace
// of their own.
//
// Invariants:
//   - One signature has one text: Parse takes only what ssh-keygen writes, and no byte more.
//   - The namespace is "causeway" unless the caller asks for another, and the hash SHA-512, so that a signature over a commit, a
//     file or a login is none over a note.
//   - A security key has to have been touched.
//   - Nothing is accepted that ssh-keygen refuses.
//   - Beside the errors of this module it stands on the standard library alone.
package sshsig
