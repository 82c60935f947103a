package endpoint

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBackoffLength: A server that has been down for long is checked once every so many slots: a whole number of slots, and a day must be a whole number of those.
	CodeBackoffLength errs.Code = "backoff_length"
	// CodeCheckPending: A check of this server is already running.
	CodeCheckPending errs.Code = "check_pending"
	// CodeChecksExhausted: You have asked for as many checks as one hour allows.
	CodeChecksExhausted errs.Code = "checks_exhausted"
	// CodeChecksNotBegun: Checks of a new server begin within the first hour, at a moment that nobody can foresee.
	CodeChecksNotBegun errs.Code = "checks_not_begun"
	// CodeClockOff: The prober's clock differs from ours by more than 5 minutes.
	CodeClockOff errs.Code = "clock_off"
	// CodeEndpointOutdated: This version does not understand the configuration of the server.
	CodeEndpointOutdated errs.Code = "endpoint_outdated"
	// CodeEndpointRetired: This server is no longer part of your application.
	CodeEndpointRetired errs.Code = "endpoint_retired"
	// CodeJobUnknown: The report answers a job that its lease did not hold.
	CodeJobUnknown errs.Code = "job_unknown"
	// CodeMaintenanceExhausted: This is more maintenance than the fund excludes from the count.
	CodeMaintenanceExhausted errs.Code = "maintenance_exhausted"
	// CodeNotAName: A name has up to 32 lower-case letters, digits and dashes, for example "fi-1".
	CodeNotAName errs.Code = "not_a_name"
	// CodeNotAPlace: The place is either outside or inside.
	CodeNotAPlace errs.Code = "not_a_place"
	// CodeNotAfter: Maintenance ends at least a minute after it begins.
	CodeNotAfter errs.Code = "not_after"
	// CodeNotPermille: A share is a number of thousandths from 0 to 1000.
	CodeNotPermille errs.Code = "not_permille"
	// CodeRecheckTooSoon: You asked for a check of this server a moment ago.
	CodeRecheckTooSoon errs.Code = "recheck_too_soon"
	// CodeReportLate: The report comes too long after the end of its lease.
	CodeReportLate errs.Code = "report_late"
	// CodeReportTimes: The report's times lie outside its lease.
	CodeReportTimes errs.Code = "report_times"
	// CodeResultsGone: The single results of that day are no longer kept.
	CodeResultsGone errs.Code = "results_gone"
	// CodeResultsNone: This server was not checked for a slot of that day (UTC).
	CodeResultsNone errs.Code = "results_none"
	// CodeSlotLength: A slot is at least a minute long, and a day is a whole number of slots.
	CodeSlotLength errs.Code = "slot_length"
	// CodeTelegramUnknown: The service has no addresses of Telegram's data centres.
	CodeTelegramUnknown errs.Code = "telegram_unknown"
	// CodeTooFar: Declare maintenance at most 90 days ahead.
	CodeTooFar errs.Code = "too_far"
	// CodeTooSoon: Maintenance is declared before it begins; this is too soon.
	CodeTooSoon errs.Code = "too_soon"
	// CodeUnknownCountry: A country has two capital letters, for example "FI".
	CodeUnknownCountry errs.Code = "unknown_country"
	// CodeUnknownPlace: A place is either outside or inside.
	CodeUnknownPlace errs.Code = "unknown_place"
	// CodeUnknownWay: Control of this server cannot be proven in this way.
	CodeUnknownWay errs.Code = "unknown_way"
	// CodeVantageDisabled: This prober was disabled.
	CodeVantageDisabled errs.Code = "vantage_disabled"
	// CodeVantageNotFound: There is no such prober.
	CodeVantageNotFound errs.Code = "vantage_not_found"
	// CodeVantageUnknown: This prober is not enrolled here.
	CodeVantageUnknown errs.Code = "vantage_unknown"
)
