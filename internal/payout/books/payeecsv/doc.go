// Package payeecsv reads the list of payees that a treasurer prepared in a
// spreadsheet, and matches it with the instalments that may be paid.
//
// A list never says whom to pay: decisions do. A row picks an instalment that
// was decided, and has to name its address and its amount exactly; a list that
// was changed on its way picks nothing.
//
// The first line names the columns, in any order: reference, address, one of
// amount_sat and amount_btc, and, if wanted, label. Columns are parted by
// commas, semicolons or tabs. A record is one line.
//
// Invariants:
//   - Every line is accounted for once: a line such as sep=; for spreadsheets, the
//     header, a row, or an empty line at the end. A line that cannot be read is a row with an error.
//   - A line with more or fewer columns than the header is not interpreted at
//     all, so nothing moves into another column; a quote that does not end makes
//     no other line part of its own.
//   - Amounts are decimal digits read as integers. What a spreadsheet did to a
//     number (1.00E+05, 1,500,000, 0,015) is an error with its name, not a guess.
//   - Match gives an instalment to one row at most.
package payeecsv
