// Package identity says who is asking and what they may do: staff with roles,
// passkeys, sessions, one-time links and API tokens; operators with receipt
// codes; and the one table of permissions.
//
// Invariants:
//   - Of every secret handed out (link, session, API token, receipt) only a hash
//     is stored; the secret is shown once.
//   - A link opens one session, however many requests race for it.
//   - Roles are read from the store on each request, so a change or a disabled
//     account takes effect at once, for sessions and tokens alike.
//   - A permission that is not in the policy table is denied. A token can do no
//     more than its owner can at that moment.
//   - Nobody administers and also votes or approves: admin excludes reviewer and
//     treasurer, and no one changes their own roles.
//   - No network address, user agent or referrer is taken in, so none can leak.
//
// That a person's two roles never meet on one payment (treasurer not among the
// reviewers of a decision) is for packages grant and payout, which see votes.
package identity
