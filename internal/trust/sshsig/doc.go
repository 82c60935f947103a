// Package sshsig verifies what `ssh-keygen -Y sign -n causeway` makes: armored SSH
// signatures (PROTOCOL.sshsig of OpenSSH, version 1) by ssh-ed25519 keys and by security
// keys, sk-ssh-ed25519@openssh.com. It makes none: keys stay with ssh-keygen and its agent.
//
// Invariants:
//   - One signature has one text: Parse takes only what ssh-keygen writes, and no byte more.
//   - The namespace is "causeway" and the hash SHA-512, so that a signature over a commit, a
//     file or a login is none over a note.
//   - A security key has to have been touched.
//   - Nothing is accepted that ssh-keygen refuses.
//   - Beside the errors of this module it stands on the standard library alone.
package sshsig
