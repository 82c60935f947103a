package vantage

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeMessageRefused: The message is not of the form that this version reads.
	CodeMessageRefused errs.Code = "message_refused"
	// CodeReportOutOfOrder: The report does not follow the last one that was taken.
	CodeReportOutOfOrder errs.Code = "report_out_of_order"
	// CodeReportRepeated: This report was taken already.
	CodeReportRepeated errs.Code = "report_repeated"
	// CodeSignatureWrong: The message is not signed with the enrolled key.
	CodeSignatureWrong errs.Code = "signature_wrong"
)
