package treasurer

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBreakerReset: Two people have agreed to this already.
	CodeBreakerReset errs.Code = "breaker_reset"
	// CodeConflictOfDuty: You reviewed one of these applications, so somebody else has to pay it.
	CodeConflictOfDuty errs.Code = "conflict_of_duty"
	// CodeNoChange: The batch has no change that a child could spend.
	CodeNoChange errs.Code = "no_change"
	// CodeNotLow: Joining and splitting coins waits until fees are low.
	CodeNotLow errs.Code = "not_low"
	// CodeNotTheSame: The payment went to another address or was another amount.
	CodeNotTheSame errs.Code = "not_the_same"
	// CodeNothingSigned: This file holds no signature that was not here before.
	CodeNothingSigned errs.Code = "nothing_signed"
	// CodeOtherAttempt: The transaction was replaced by a later one of its batch.
	CodeOtherAttempt errs.Code = "other_attempt"
	// CodeOtherBatch: The transaction is that of another batch.
	CodeOtherBatch errs.Code = "other_batch"
)
