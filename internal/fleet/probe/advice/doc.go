// Package advice says in words what a check found and what its operator can do
// about it: a sentence for each protocol, stage and class, and short labels for
// pages. The words live here in four languages, one file each, so that pages,
// the API and the command line say the same.
//
// Invariants:
//   - Every protocol, stage and class has a sentence, also one that this version
//     does not know.
//   - What says nothing about an endpoint has one sentence each, which says that
//     nothing is held against its operator.
//   - Words are fixed: no placeholder, so nothing of an endpoint can get into
//     them.
//   - Every language has every key, and no key is without use.
package advice
