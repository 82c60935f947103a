package api

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadEtag: If-Match holds something other than one ETag as it was sent.
	CodeBadEtag errs.Code = "bad_etag"
	// CodeBeforeFrom: The end is before the beginning.
	CodeBeforeFrom errs.Code = "before_from"
	// CodeChecksOff: This fund does not check servers.
	CodeChecksOff errs.Code = "checks_off"
	// CodeNoEstimate: The worker has no fee estimate yet.
	CodeNoEstimate errs.Code = "no_estimate"
	// CodeNotACoin: The coin is not written as it must be.
	CodeNotACoin errs.Code = "not_a_coin"
	// CodeNotADay: Write a day as 2026-11-22.
	CodeNotADay errs.Code = "not_a_day"
	// CodeNotWanted: A child spends the change of its parent: leave the coins out.
	CodeNotWanted errs.Code = "not_wanted"
	// CodeUnknownState: There is no such state.
	CodeUnknownState errs.Code = "unknown_state"
	// CodeUnknownUnit: There is no such unit.
	CodeUnknownUnit errs.Code = "unknown_unit"
	// CodeUnknownValue: The parameter has none of the values that exist.
	CodeUnknownValue errs.Code = "unknown_value"
	// CodeMaintenanceOver: This break was declared, and is long over.
	CodeMaintenanceOver errs.Code = "maintenance_over"
)
