// Package secretfile decides who may have a right to a file that holds a secret.
//
// Invariants:
//   - Nobody but the owner has any right to such a file, with one exception: a
//     credential that systemd hands to a service. It lies in a folder that only the
//     service may enter, and shows the mask of its access list as a right of the
//     group to read (mode 0440).
//   - Every program that reads a key or a state asks here, so that what one of them
//     takes from systemd the others take as well.
package secretfile
