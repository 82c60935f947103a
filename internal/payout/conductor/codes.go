package conductor

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAttemptNotReleased: The batch has gone to the signer, but its newest attempt has not.
	CodeAttemptNotReleased errs.Code = "attempt_not_released"
	// CodeTxIDChanged: The signer's transaction has another txid.
	CodeTxIDChanged errs.Code = "txid_changed"
	// CodeWrongSigner: The signer holds the key of another treasury or network.
	CodeWrongSigner errs.Code = "wrong_signer"
)
