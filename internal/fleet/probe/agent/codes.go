package agent

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAPIAnswerMalformed: The service's answer is not of the form that this version reads.
	CodeAPIAnswerMalformed errs.Code = "api_answer_malformed"
	// CodeAPIDown: The service does not answer.
	CodeAPIDown errs.Code = "api_down"
	// CodeAPIRequest: The request cannot be written.
	CodeAPIRequest errs.Code = "api_request"
	// CodeAPIStatus: The service answered with an unexpected status.
	CodeAPIStatus errs.Code = "api_status"
	// CodeAPIURLMalformed: The service's URL has the form https://host or https://host:port.
	CodeAPIURLMalformed errs.Code = "api_url_malformed"
	// CodeAPIURLWithoutTLS: The service's URL begins with https://; only a service on this machine is spoken to without TLS.
	CodeAPIURLWithoutTLS errs.Code = "api_url_without_tls"
	// CodeChainBroken: The service knows another chain of reports than this prober's state file: one of the two was restored from a copy.
	CodeChainBroken errs.Code = "chain_broken"
	// CodeLeaseForeign: The lease is for another prober.
	CodeLeaseForeign errs.Code = "lease_foreign"
	// CodeLeaseNotNow: The lease is repeated, or a clock is wrong by minutes.
	CodeLeaseNotNow errs.Code = "lease_not_now"
	// CodeLeaseOver: The lease is over.
	CodeLeaseOver errs.Code = "lease_over"
	// CodeLeaseRepeated: The lease is no newer than the one before.
	CodeLeaseRepeated errs.Code = "lease_repeated"
	// CodeLeaseTooLarge: The lease holds more jobs than were asked for.
	CodeLeaseTooLarge errs.Code = "lease_too_large"
	// CodeProberNotEnrolled: The prober has no state file yet.
	CodeProberNotEnrolled errs.Code = "prober_not_enrolled"
	// CodeProberRunning: Another prober works with this state file.
	CodeProberRunning errs.Code = "prober_running"
	// CodeProberStateMalformed: The prober's state file is not one of this version.
	CodeProberStateMalformed errs.Code = "prober_state_malformed"
	// CodeProberStateUnreadable: The prober's state file cannot be read.
	CodeProberStateUnreadable errs.Code = "prober_state_unreadable"
	// CodeProberStateUnwritable: The prober's state cannot be written, so that it must not report.
	CodeProberStateUnwritable errs.Code = "prober_state_unwritable"
	// CodeWelcomeMalformed: The service's answer cannot be read.
	CodeWelcomeMalformed errs.Code = "welcome_malformed"
)
