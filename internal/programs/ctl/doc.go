// Package ctl is the commands of causewayctl: the fund's public API at a shell,
// for operators, reviewers, treasurers and auditors.
//
// Invariants:
//   - It speaks to a fund through its public API alone, and sends each call no
//     more than that call needs: no token when applying, no receipt to reviewers'
//     routes, neither over plain http to another machine.
//   - What a person votes for or approves is the note's text. Its digest is
//     computed here; when the server's digest is another, nothing is sent.
//   - Addresses shown for approval come from the scripts of the note.
//   - A charter is signed by ssh-keygen, over the bytes that were shown and whose digest was
//     typed. This program holds no key and makes no signature.
//   - An approval is signed over a statement about the note that was shown, by ssh-keygen, and written
//     only if it holds under the person's own charter.
//   - The newest charter that a person verified is kept on their own disk. Only charter pin changes
//     it, and nothing that a server says does.
//   - Secrets are read from files or asked for, never taken from arguments. The
//     exceptions are worth nothing elsewhere: an idempotency key without its body,
//     a challenge's token on another machine than the server.
//   - No server is ever dialled; links and configurations are read and not run.
//   - Text from the server cannot steer the terminal.
//   - Nothing is sent twice by itself.
package ctl
