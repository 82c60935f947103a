// Package books writes the payments of a fund for those who keep its books: CSV
// for a spreadsheet, JSON for a program, journals for ledger, hledger and
// beancount, and labels for a wallet (BIP329).
//
// Invariants:
//   - Every payment that goes in comes out, in the order given; one that cannot
//     be booked yet is written as a comment that says so.
//   - Amounts are whole satoshi, or bitcoin with eight decimals: nothing is
//     rounded, and every booked transaction sums to zero.
//   - The fee shares of a transaction sum to its fee exactly.
//   - No cell of a CSV file starts a formula, and no text breaks out of its line
//     or its quotes.
//   - There is no contact data to leak: a payment has none.
package books
