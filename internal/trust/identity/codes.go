package identity

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeCeremonyUnknown: This sign-in was already answered or took too long.
	CodeCeremonyUnknown errs.Code = "ceremony_unknown"
	// CodeCredentialKnown: This passkey is enrolled already.
	CodeCredentialKnown errs.Code = "credential_known"
	// CodeCredentialUnknown: This passkey is not known here.
	CodeCredentialUnknown errs.Code = "credential_unknown"
	// CodeFormToken: This form is out of date.
	CodeFormToken errs.Code = "form_token"
	// CodeIdempotencyKeyMissing: Send an Idempotency-Key, so that trying again cannot apply twice.
	CodeIdempotencyKeyMissing errs.Code = "idempotency_key_missing"
	// CodeLinkExpired: This link has expired.
	CodeLinkExpired errs.Code = "link_expired"
	// CodeLinkUnknown: This link is not known here.
	CodeLinkUnknown errs.Code = "link_unknown"
	// CodeLinkUsed: This link has already been used.
	CodeLinkUsed errs.Code = "link_used"
	// CodeLoginLinksOff: Sign-in links work only in a demo.
	CodeLoginLinksOff errs.Code = "login_links_off"
	// CodeNotHeld: A token cannot have what its owner's roles lack.
	CodeNotHeld errs.Code = "not_held"
	// CodeNotPermitted: Your role does not allow this.
	CodeNotPermitted errs.Code = "not_permitted"
	// CodeOwnAccount: Nobody can change their own roles or disable their own account.
	CodeOwnAccount errs.Code = "own_account"
	// CodePasskeyRefused: The passkey was not accepted.
	CodePasskeyRefused errs.Code = "passkey_refused"
	// CodeReceiptMalformed: The receipt code has another form.
	CodeReceiptMalformed errs.Code = "receipt_malformed"
	// CodeRolesConflict: These roles exclude one another.
	CodeRolesConflict errs.Code = "roles_conflict"
	// CodeSessionExpired: Your session has ended.
	CodeSessionExpired errs.Code = "session_expired"
	// CodeSessionUnknown: There is no such session; it may have ended already.
	CodeSessionUnknown errs.Code = "session_unknown"
	// CodeSignInRequired: Sign in to go on.
	CodeSignInRequired errs.Code = "sign_in_required"
	// CodeStaffDisabled: This account is disabled.
	CodeStaffDisabled errs.Code = "staff_disabled"
	// CodeStaffEnabled: This account is not disabled.
	CodeStaffEnabled errs.Code = "staff_enabled"
	// CodeStaffNameTaken: Somebody on the staff has this name already.
	CodeStaffNameTaken errs.Code = "staff_name_taken"
	// CodeStaffNotFound: There is no such member of staff.
	CodeStaffNotFound errs.Code = "staff_not_found"
	// CodeTokenInvalid: This API token is unknown, expired or revoked.
	CodeTokenInvalid errs.Code = "token_invalid"
	// CodeTokenUnknown: There is no such API token.
	CodeTokenUnknown errs.Code = "token_unknown"
	// CodeUnknown: There is no such role.
	CodeUnknown errs.Code = "unknown"
)
