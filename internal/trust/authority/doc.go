// Package authority decides who may move the money of a fund: which charters bind, whether
// enough people said yes to a note, what the limits of day and month leave, and what is
// halted. It is pure: a State is told what happened (Add...), in the order in which it
// happened, and judges what is asked (Check...). Signers keep one by their journals; the
// worker keeps one by what it handed to them, so that it asks for nothing that they refuse.
//
// Every rule is asked of each charter that binds, and all have to allow. So what a new
// charter tightens holds at once, and what it loosens waits for the old one's hold, without a
// verdict on which is which.
//
// Invariants:
//   - Check changes nothing. Add does not judge: what a journal holds was judged before.
//   - More approvals never turn a yes into a no, except that one who knows a newer charter
//     than this State makes it ask for that charter.
//   - A key, a person or a role that a charter lacks counts for nothing under it, and a
//     person counts once however many keys they have.
//   - What begins by time (the end of a hold, a due date, a freed limit) goes by Times.Begins,
//     what ends (an expiry, a last day) by Times.Ends. A clock that lies either way can delay
//     a payment and cannot allow one.
//   - A decision and period counts in the limits once, when it is released first; to take a
//     batch back gives nothing back.
//   - A halt that was lifted never returns.
package authority
