package web

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadDate: Write days as 2026-11-22.
	CodeBadDate errs.Code = "bad_date"
	// CodeNotATime: Write a date and a time, such as 2026-11-22T18:30.
	CodeNotATime errs.Code = "not_a_time"
	// CodeNotAnASN: A network number is a whole number up to 4294967295.
	CodeNotAnASN errs.Code = "not_an_asn"
	// CodeNotBuilt: No transaction has been built for this batch yet.
	CodeNotBuilt errs.Code = "not_built"
	// CodeSessionRequired: Only pages of the dashboard can subscribe here.
	CodeSessionRequired errs.Code = "session_required"
	// CodeStopping: The server is stopping.
	CodeStopping errs.Code = "stopping"
	// CodeTooManyStreams: Too many pages are kept up to date at once.
	CodeTooManyStreams errs.Code = "too_many_streams"
	// CodeVersionMissing: The form does not say which version it is about.
	CodeVersionMissing errs.Code = "version_missing"
)
