package txbuild

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeCoinsTooSmall: The treasury has enough, in coins too small to be spent in one transaction.
	CodeCoinsTooSmall errs.Code = "coins_too_small"
	// CodeInsufficientFunds: The treasury does not hold enough for these payments and their fee.
	CodeInsufficientFunds errs.Code = "insufficient_funds"
	// CodePlanMismatch: The transaction is not the one that was approved.
	CodePlanMismatch errs.Code = "plan_mismatch"
	// CodePrevTxsTooLarge: The previous transactions of these coins are larger together than a signer accepts.
	CodePrevTxsTooLarge errs.Code = "prev_txs_too_large"
	// CodePSBTChanged: This transaction is not the one that was exported.
	CodePSBTChanged errs.Code = "psbt_changed"
)
