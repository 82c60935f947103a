package payout

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeApprovalsLost: This batch pays people whose approvals were lost when an older database was restored, so no signer can be asked for it again.
	CodeApprovalsLost errs.Code = "approvals_lost"
	// CodeAttemptChanged: Another attempt was added meanwhile.
	CodeAttemptChanged errs.Code = "attempt_changed"
	// CodeBreakerOpen: Signing is stopped because something unexpected happened to the treasury.
	CodeBreakerOpen errs.Code = "breaker_open"
	// CodeCoinGone: A coin cannot be spent now: it is spent, locked, reserved or not deep enough.
	CodeCoinGone errs.Code = "coin_gone"
	// CodePaidBeforeRestore: The address was paid by a batch whose approval was lost when an older database was restored.
	CodePaidBeforeRestore errs.Code = "paid_before_restore"
	// CodeRaisedTooOften: The fee of the batch was raised as often as is possible.
	CodeRaisedTooOften errs.Code = "raised_too_often"
	// CodeUnknownInvariant: The database names an invariant that this program does not know.
	CodeUnknownInvariant errs.Code = "unknown_invariant"
	// CodeLeaseLost: The database connection that holds the worker's lease is gone.
	CodeLeaseLost errs.Code = "lease_lost"
	// CodeBadAttempt: The transaction cannot be an attempt of the batch.
	CodeBadAttempt errs.Code = "bad_attempt"
	// CodeAlreadyVoiding: Taking this batch back was asked for already.
	CodeAlreadyVoiding errs.Code = "already_voiding"
	// CodeVoidLapsed: Nobody agreed to this within 24 hours, so the request has lapsed.
	CodeVoidLapsed errs.Code = "void_lapsed"
	// CodeSecondPerson: You asked for this, so another treasurer has to agree.
	CodeSecondPerson errs.Code = "second_person"
	// CodeAlreadyReset: You have agreed to this already; another person has to agree as well.
	CodeAlreadyReset errs.Code = "already_reset"
	// CodeNoRelayFeerate: The worker has not yet said from which feerate its node relays, so no transaction can be built.
	CodeNoRelayFeerate errs.Code = "no_relay_feerate"
)
