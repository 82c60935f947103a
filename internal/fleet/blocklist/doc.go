// Package blocklist says whether an address or a host name is on a list of what
// a state has blocked: the register of Russia as the zapret-info dump has it,
// and plain lists of networks. It reads them from a folder, keeps them in a
// form that answers in microseconds, and counts how much of a neighbourhood is
// listed. A hit informs a decision; it never says that an endpoint is down.
//
// Invariants:
//   - A Set never changes; a Holder swaps one for the next in one step.
//   - A row that cannot be read is counted and reported with file and line, and
//     costs nothing but itself: not its neighbours, and of its own entries only
//     those that cannot be read.
//   - A list that cannot be read as a whole leaves the one before in use.
//   - A hit names the entry, its list and the list's version, so that it can be
//     looked up again.
//   - No network wider than /8 (IPv4) or /16 (IPv6) and no wildcard above two
//     labels is taken from a list: such a row is a mistake and would hit all.
//   - Reports hold no text of a list: its rows name things that nobody should
//     have to read.
package blocklist
