package plan

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAtLimit: The feerate of the batch is the most that was approved.
	CodeAtLimit errs.Code = "at_limit"
	// CodeBadChild: A child spends one coin.
	CodeBadChild errs.Code = "bad_child"
	// CodeCoinsLocked: The treasury has enough only with coins that are locked.
	CodeCoinsLocked errs.Code = "coins_locked"
	// CodeCoinsWait: The treasury has enough, but coins of it wait for blocks.
	CodeCoinsWait errs.Code = "coins_wait"
	// CodeFeeAboveSignerCap: The fee is above the signer's own cap.
	CodeFeeAboveSignerCap errs.Code = "fee_above_signer_cap"
	// CodeFeeLimit: The fee of the batch cannot be raised further: what is left must be free for taking the batch back.
	CodeFeeLimit errs.Code = "fee_limit"
	// CodeOutsideWindow: A decision may not be paid now.
	CodeOutsideWindow errs.Code = "outside_window"
	// CodePinned: Others have built on this transaction, so replacing it would cost more than the batch may pay.
	CodePinned errs.Code = "pinned"
	// CodePolicyRefused: What the signer would get is not what was approved.
	CodePolicyRefused errs.Code = "policy_refused"
	// CodeTooLargeForSigner: The transaction has more inputs or outputs than the signer allows.
	CodeTooLargeForSigner errs.Code = "too_large_for_signer"
	// CodeFeeBelowSignerFloor: The fee is below what the signer signs from.
	CodeFeeBelowSignerFloor errs.Code = "fee_below_signer_floor"
)
