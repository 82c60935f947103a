package authority

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeCharterBehind: Somebody approved by a newer charter than the one known here.
	CodeCharterBehind errs.Code = "charter_behind"
	// CodeCharterFork: There are two charters of one version.
	CodeCharterFork errs.Code = "charter_fork"
	// CodeCharterGap: The charter is not the next one: a version before it is missing here.
	CodeCharterGap errs.Code = "charter_gap"
	// CodeCharterOld: The charter is older than the first one known here.
	CodeCharterOld errs.Code = "charter_old"
	// CodeCharterUnsigned: Too few trustees signed the charter.
	CodeCharterUnsigned errs.Code = "charter_unsigned"
	// CodeCharterLongLived: The charter would be valid for more than 400 days.
	CodeCharterLongLived errs.Code = "charter_long_lived"
	// CodeCharterExpired: A charter that binds has expired, so that nothing is decided or paid.
	CodeCharterExpired errs.Code = "charter_expired"
	// CodeNoCharter: There is no charter yet.
	CodeNoCharter errs.Code = "charter_missing"
	// CodeOtherFund: The note is of another fund or network.
	CodeOtherFund errs.Code = "note_other_fund"

	// CodeReviewersLacking: Too few reviewers approved the decision.
	CodeReviewersLacking errs.Code = "reviewers_lacking"
	// CodeTerminalLacking: Too few reviewers approved the decision from a terminal.
	CodeTerminalLacking errs.Code = "terminal_lacking"
	// CodeReviewersRevoked: Without the people who were revoked, too few reviewers approved the decision.
	CodeReviewersRevoked errs.Code = "reviewers_revoked"
	// CodeTreasurersLacking: Too few treasurers approved the batch.
	CodeTreasurersLacking errs.Code = "treasurers_lacking"
	// CodeStewardsLacking: Too few treasurers and trustees approved what concerns the treasury's own coins.
	CodeStewardsLacking errs.Code = "stewards_lacking"

	// CodeDecisionUnknown: The batch pays a decision that was not accepted here.
	CodeDecisionUnknown errs.Code = "decision_not_accepted"
	// CodeDecisionReplaced: Another decision has taken the place of this one.
	CodeDecisionReplaced errs.Code = "decision_replaced"
	// CodeReplacesReleased: The decision would replace a payment that was released already.
	CodeReplacesReleased errs.Code = "decision_replaces_released"
	// CodePeriodUnknown: The decision has no such period.
	CodePeriodUnknown errs.Code = "period_unknown"
	// CodePeriodEarly: The period is not due yet.
	CodePeriodEarly errs.Code = "period_early"
	// CodePeriodOver: The period was to be paid before.
	CodePeriodOver errs.Code = "period_over"
	// CodePaidBefore: A history that the trustees signed says that the period was paid.
	CodePaidBefore errs.Code = "period_paid_before"

	// CodeLimitDecision: All periods of the decision together are above the charter's limit.
	CodeLimitDecision errs.Code = "limit_decision"
	// CodeLimitDay: The payments are above what the charter allows in 24 hours.
	CodeLimitDay errs.Code = "limit_day"
	// CodeLimitMonth: The payments are above what the charter allows in 30 days.
	CodeLimitMonth errs.Code = "limit_month"
	// CodeLimitPasskeyOnly: Payments that nobody approved by ssh are above what the charter allows in 24 hours.
	CodeLimitPasskeyOnly errs.Code = "limit_passkey_only"
	// CodeLimitFees: The fees are above what the charter allows in 24 hours.
	CodeLimitFees errs.Code = "limit_fees"

	// CodeApprovalOver: The time in which the approval could be used is over.
	CodeApprovalOver errs.Code = "approval_over"
	// CodeApprovalLong: The approval could be used for more than seven days.
	CodeApprovalLong errs.Code = "approval_long"

	// CodeHalted: Somebody halted this, or all.
	CodeHalted errs.Code = "halted"
	// CodeHaltUnsigned: Nobody in a charter that binds signed the halt.
	CodeHaltUnsigned errs.Code = "halt_unsigned"
	// CodeHaltBarred: The trustees barred this person from halting for some time.
	CodeHaltBarred errs.Code = "halt_barred"
	// CodeHaltLifted: The halt was lifted, and a lifted halt never returns.
	CodeHaltLifted errs.Code = "halt_lifted"
	// CodeTrusteesLacking: Too few trustees signed.
	CodeTrusteesLacking errs.Code = "trustees_lacking"
)
