package identity

import "github.com/causeway-fund/causeway/internal/errs"

// storeErrors are the errors that Store documents.
var storeErrors = map[errs.Code]struct {
	kind    errs.Kind
	message string
}{
	CodeStaffNotFound: {errs.NotFound, "There is no such member of staff."},
	CodeStaffNameTaken: {
		errs.Conflict,
		"Somebody on the staff has this name already. Choose another; nothing was saved.",
	},
	CodeStaffEnabled:      {errs.Conflict, "This account is not disabled. Nothing was changed."},
	CodeStaffDisabled:     {errs.Forbidden, "This account is disabled. Ask an admin of the fund."},
	CodeLinkUnknown:       {errs.NotFound, "This link is not known here. Check that it was copied whole."},
	CodeLinkUsed:          {errs.Conflict, "This link has already been used. Ask an admin for a new one."},
	CodeLinkExpired:       {errs.Conflict, "This link has expired. Ask an admin for a new one."},
	CodeCeremonyUnknown:   {errs.NotFound, "This sign-in was already answered or took too long. Try again."},
	CodeCredentialUnknown: {errs.NotFound, "This passkey is not known here."},
	CodeCredentialKnown:   {errs.Conflict, "This passkey is enrolled already. Sign in with it, or use another."},
	CodeSessionUnknown:    {errs.NotFound, "There is no such session; it may have ended already."},
	CodeTokenUnknown:      {errs.NotFound, "There is no such API token."},
}

// StoreError returns the error that a Store reports under code, one of those in
// the comments of Store; another code gives an Internal error.
func StoreError(code errs.Code) error {
	e, ok := storeErrors[code]
	if !ok {
		return errs.Newf(errs.Internal, errs.CodeInternal, "no store error %q", code)
	}
	return errs.New(e.kind, code, e.message)
}

func errSignIn() error {
	return errs.New(errs.Unauthenticated, CodeSignInRequired, "Sign in to go on. Nothing was changed.")
}

func errSessionExpired() error {
	return errs.New(
		errs.Unauthenticated,
		CodeSessionExpired,
		"Your session has ended. Sign in again; nothing was changed.",
	)
}

func errTokenInvalid(cause error) error {
	return errs.Wrap(
		cause,
		errs.Unauthenticated,
		CodeTokenInvalid,
		"This API token is unknown, expired or revoked. Nothing was changed.",
	)
}

func errPasskey(cause error) error {
	return errs.Wrap(
		cause,
		errs.Unauthenticated,
		CodePasskeyRefused,
		"The passkey was not accepted. Try again; nothing was changed.",
	)
}

func errLoginLinksOff() error {
	return errs.New(errs.Forbidden, CodeLoginLinksOff, "Sign-in links work only in a demo. Sign in with your passkey.")
}
