package wallet

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadChecksum: The descriptor lacks its checksum, or the checksum does not match.
	CodeBadChecksum errs.Code = "bad_checksum"
	// CodeBadDerivation: The account's public key cannot be derived.
	CodeBadDerivation errs.Code = "bad_derivation"
	// CodeBadPrevTx: A previous transaction could not be written.
	CodeBadPrevTx errs.Code = "bad_prev_tx"
	// CodeBadPSBT: This is not a PSBT that can be used.
	CodeBadPSBT errs.Code = "bad_psbt"
	// CodeBadSeed: The seed cannot be used: it must be 16 to 64 random bytes.
	CodeBadSeed errs.Code = "bad_seed"
	// CodeBadSighash: An input asks for a signature that would not cover the whole transaction.
	CodeBadSighash errs.Code = "bad_sighash"
	// CodeBadSignature: The signature on an input is not valid.
	CodeBadSignature errs.Code = "bad_signature"
	// CodeDuplicateKey: Two keys of the descriptor are the same.
	CodeDuplicateKey errs.Code = "duplicate_key"
	// CodeForeignInput: An input is not an output of this treasury.
	CodeForeignInput errs.Code = "foreign_input"
	// CodeMissingPrevTx: An input lacks its previous transaction.
	CodeMissingPrevTx errs.Code = "missing_prev_tx"
	// CodeMixedCase: This address mixes capital and small letters.
	CodeMixedCase errs.Code = "mixed_case"
	// CodeNotAnAddress: This is not a Bitcoin address.
	CodeNotAnAddress errs.Code = "not_an_address"
	// CodePrevTxInside: An input has its previous transaction inside the PSBT; it belongs beside it.
	CodePrevTxInside errs.Code = "prev_tx_inside"
	// CodePrevTxMismatch: An input comes with another transaction than the one it spends.
	CodePrevTxMismatch errs.Code = "prev_tx_mismatch"
	// CodePrevTxTwice: A previous transaction appears twice.
	CodePrevTxTwice errs.Code = "prev_tx_twice"
	// CodePrivateKeyInDescriptor: The descriptor holds a private key.
	CodePrivateKeyInDescriptor errs.Code = "private_key_in_descriptor"
	// CodeSeveralAddresses: These are several addresses.
	CodeSeveralAddresses errs.Code = "several_addresses"
	// CodeSigningFailed: An input could not be signed.
	CodeSigningFailed errs.Code = "signing_failed"
	// CodeTreasuryScript: This address belongs to the treasury itself.
	CodeTreasuryScript errs.Code = "treasury_script"
	// CodeUnexpectedPrevTx: A previous transaction is spent by no input.
	CodeUnexpectedPrevTx errs.Code = "unexpected_prev_tx"
	// CodeUnknownKind: There is no such kind of wallet or request.
	CodeUnknownKind errs.Code = "unknown_kind"
	// CodeUnknownScript: An input spends a script whose signatures cannot be checked here.
	CodeUnknownScript errs.Code = "unknown_script"
	// CodeUnknownWitnessVersion: This address is of a kind that Bitcoin does not have.
	CodeUnknownWitnessVersion errs.Code = "unknown_witness_version"
	// CodeUnspendable: No key can exist for this address: coins sent to it would be lost.
	CodeUnspendable errs.Code = "unspendable"
	// CodeUnsupportedLink: This payment link asks for something that is not supported here.
	CodeUnsupportedLink errs.Code = "unsupported_link"
	// CodeWrongKey: The key does not belong to this descriptor.
	CodeWrongKey errs.Code = "wrong_key"
	// CodeWrongNetwork: The address, key or program belongs to another Bitcoin network.
	CodeWrongNetwork errs.Code = "wrong_network"
)
