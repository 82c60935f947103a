// Package proc runs a foreign server (PostgreSQL, btcd, a signer) as a child
// that never outlives this process and never shares its privileges by accident.
//
// Invariants:
//   - A child gets its own process group, so a Ctrl-C at the terminal reaches
//     only this process, which then stops its children in its own order.
//   - On Linux the kernel signals the child when this process dies, SIGKILL
//     included; elsewhere a child may survive a SIGKILL of this process.
//   - A child started with a User has that user, that group and no further group.
//   - Nothing of the environment is inherited: a child sees only Spec.Env.
package proc
