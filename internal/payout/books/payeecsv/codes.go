package payeecsv

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadPayeeList: The list of payees cannot be read.
	CodeBadPayeeList errs.Code = "bad_payee_list"
	// CodeColumns: The line has another number of columns than the first line.
	CodeColumns errs.Code = "columns"
	// CodeControlCharacter: The line has a character that cannot be seen, such as a tab or a line break in a cell.
	CodeControlCharacter errs.Code = "control_character"
	// CodeDecimalComma: Write the amount with a point before the decimals, not with a comma.
	CodeDecimalComma errs.Code = "decimal_comma"
	// CodeDuplicate: Two lines say the same.
	CodeDuplicate errs.Code = "duplicate"
	// CodeEmptyLine: The line is empty.
	CodeEmptyLine errs.Code = "empty_line"
	// CodeLineTooLong: The line is too long.
	CodeLineTooLong errs.Code = "line_too_long"
	// CodeNamedTwice: An earlier line has this instalment already.
	CodeNamedTwice errs.Code = "named_twice"
	// CodeNotUTF8: The line is not in UTF-8.
	CodeNotUTF8 errs.Code = "not_utf8"
	// CodeOtherAddress: The list names another address than the decision.
	CodeOtherAddress errs.Code = "other_address"
	// CodeOtherAmount: The list names another amount than the decision.
	CodeOtherAmount errs.Code = "other_amount"
	// CodeQuote: The quotes of the line do not match.
	CodeQuote errs.Code = "quote"
	// CodeRowHasErrors: The line has errors of its own.
	CodeRowHasErrors errs.Code = "row_has_errors"
	// CodeScientific: A spreadsheet has shortened this number, and digits may be lost.
	CodeScientific errs.Code = "scientific"
	// CodeSpreadsheetError: The spreadsheet shows an error or a column that is too narrow instead of the amount.
	CodeSpreadsheetError errs.Code = "spreadsheet_error"
	// CodeThousandsSeparators: The amount has marks between its digits.
	CodeThousandsSeparators errs.Code = "thousands_separators"
	// CodeTooManyDecimals: Bitcoin has eight decimals.
	CodeTooManyDecimals errs.Code = "too_many_decimals"
	// CodeUnknownReference: No grant has this reference.
	CodeUnknownReference errs.Code = "unknown_reference"
)
