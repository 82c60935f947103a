package webauthn

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAuthenticatorData: What the authenticator signed is cut short, goes on after its end, or contradicts itself.
	CodeAuthenticatorData errs.Code = "webauthn_authenticator_data"
	// CodeChallenge: The passkey signed another text than this one.
	CodeChallenge errs.Code = "webauthn_challenge"
	// CodeClientData: The browser's part of the answer is not one JSON object that every program reads the same way.
	CodeClientData errs.Code = "webauthn_client_data"
	// CodeCredential: Another passkey answered than the one that is listed.
	CodeCredential errs.Code = "webauthn_credential"
	// CodeCrossOrigin: The passkey was used inside a page of another site.
	CodeCrossOrigin errs.Code = "webauthn_cross_origin"
	// CodeKey: The listed passkey has a public key that cannot be used.
	CodeKey errs.Code = "webauthn_key"
	// CodeOrigin: The passkey was used at another address than the one that is listed.
	CodeOrigin errs.Code = "webauthn_origin"
	// CodeRelyingParty: The passkey is one for another site.
	CodeRelyingParty errs.Code = "webauthn_relying_party"
	// CodeSignature: The passkey's signature does not hold.
	CodeSignature errs.Code = "webauthn_signature"
	// CodeTooLong: A part of the answer is longer than browsers make it.
	CodeTooLong errs.Code = "webauthn_too_long"
	// CodeType: The answer is not one to a question for a signature.
	CodeType errs.Code = "webauthn_type"
	// CodeUserAbsent: Nobody touched the authenticator.
	CodeUserAbsent errs.Code = "webauthn_user_absent"
	// CodeUserUnverified: The authenticator did not ask for a PIN, a fingerprint or a face.
	CodeUserUnverified errs.Code = "webauthn_user_unverified"
)
