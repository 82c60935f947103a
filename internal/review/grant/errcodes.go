package grant

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAboveLimit: The amount is more than the fund pays.
	CodeAboveLimit errs.Code = "above_limit"
	// CodeBadCursor: The cursor is not valid.
	CodeBadCursor errs.Code = "bad_cursor"
	// CodeBelowMinimum: The amount is less than the fund pays.
	CodeBelowMinimum errs.Code = "below_minimum"
	// CodeBudgetSpent: The fund's budget does not cover this grant.
	CodeBudgetSpent errs.Code = "budget_spent"
	// CodeClaimedByOther: Somebody else is working on this application.
	CodeClaimedByOther errs.Code = "claimed_by_other"
	// CodeDust: The amount is dust: nodes do not relay less.
	CodeDust errs.Code = "dust"
	// CodeEndpointUnproven: The fund pays only for servers whose control is proven, and this application has none that can be checked.
	CodeEndpointUnproven errs.Code = "endpoint_unproven"
	// CodeHighNeedsNote: Automatic checks are HIGH, so that a vote needs a note.
	CodeHighNeedsNote errs.Code = "high_needs_note"
	// CodeNameTaken: Another application has this name.
	CodeNameTaken errs.Code = "name_taken"
	// CodeNoNetwork: The fund's network is not known to this program.
	CodeNoNetwork errs.Code = "no_network"
	// CodeNoQuorum: There are not enough votes for this decision.
	CodeNoQuorum errs.Code = "no_quorum"
	// CodeReceiptUnknown: No application has this receipt code.
	CodeReceiptUnknown errs.Code = "receipt_unknown"
	// CodeStaleVersion: Somebody else changed this in the meantime.
	CodeStaleVersion errs.Code = "stale_version"
	// CodeTooManyOpen: There are as many open applications for this payee as the fund takes.
	CodeTooManyOpen errs.Code = "too_many_open"
	// CodeTooManyUnanswered: The last messages have not been answered yet.
	CodeTooManyUnanswered errs.Code = "too_many_unanswered"
	// CodeTreasuryShort: The treasury does not hold enough that is free for this grant.
	CodeTreasuryShort errs.Code = "treasury_short"
	// CodeUnknownAudience: A message is either for the operator or for the team.
	CodeUnknownAudience errs.Code = "unknown_audience"
	// CodeUnknownLanguage: Choose the language of your application, for example "en".
	CodeUnknownLanguage errs.Code = "unknown_language"
	// CodeUnknownOutcome: An outcome is either approve or decline.
	CodeUnknownOutcome errs.Code = "unknown_outcome"
	// CodeUnknownRegion: Choose the country that your users are in, or "other".
	CodeUnknownRegion errs.Code = "unknown_region"
	// CodeUnknownVerdict: A verdict is either approve or decline.
	CodeUnknownVerdict errs.Code = "unknown_verdict"
	// CodeWindowOver: The time in which this revision may be paid is over, and no signer would pay it.
	CodeWindowOver errs.Code = "window_over"
)
