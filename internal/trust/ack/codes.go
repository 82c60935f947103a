package ack

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadAck: The text is not an ack as a signer writes it.
	CodeBadAck errs.Code = "ack_malformed"
	// CodeOtherKey: The ack is signed by another key than the signer's.
	CodeOtherKey errs.Code = "ack_other_key"
)
