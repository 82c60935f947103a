package identity

import "github.com/causeway-fund/causeway/internal/errs"

// storeErrors are the errors that Store documents.
var storeErrors = map[string]struct {
	kind    errs.Kind
	message string
}{
	"staff_not_found":    {errs.NotFound, "There is no such member of staff."},
	"staff_name_taken":   {errs.Conflict, "Somebody on the staff has this name already. Choose another; nothing was saved."},
	"staff_enabled":      {errs.Conflict, "This account is not disabled. Nothing was changed."},
	"staff_disabled":     {errs.Forbidden, "This account is disabled. Ask an admin of the fund."},
	"link_unknown":       {errs.NotFound, "This link is not known here. Check that it was copied whole."},
	"link_used":          {errs.Conflict, "This link has already been used. Ask an admin for a new one."},
	"link_expired":       {errs.Conflict, "This link has expired. Ask an admin for a new one."},
	"ceremony_unknown":   {errs.NotFound, "This sign-in was already answered or took too long. Try again."},
	"credential_unknown": {errs.NotFound, "This passkey is not known here."},
	"credential_known":   {errs.Conflict, "This passkey is enrolled already. Sign in with it, or use another."},
	"session_unknown":    {errs.NotFound, "There is no such session; it may have ended already."},
	"token_unknown":      {errs.NotFound, "There is no such API token."},
}

// StoreError returns the error that a Store reports under code, one of those in
// the comments of Store; another code gives an Internal error.
func StoreError(code string) error {
	e, ok := storeErrors[code]
	if !ok {
		return errs.Newf(errs.Internal, "internal", "no store error %q", code)
	}
	return errs.New(e.kind, code, e.message)
}

func errSignIn() error {
	return errs.New(errs.Unauthenticated, "sign_in_required", "Sign in to go on. Nothing was changed.")
}

func errSessionExpired() error {
	return errs.New(errs.Unauthenticated, "session_expired", "Your session has ended. Sign in again; nothing was changed.")
}

func errTokenInvalid(cause error) error {
	return errs.Wrap(cause, errs.Unauthenticated, "token_invalid", "This API token is unknown, expired or revoked. Nothing was changed.")
}

func errPasskey(cause error) error {
	return errs.Wrap(cause, errs.Unauthenticated, "passkey_refused", "The passkey was not accepted. Try again; nothing was changed.")
}

func errLoginLinksOff() error {
	return errs.New(errs.Forbidden, "login_links_off", "Sign-in links work only in a demo. Sign in with your passkey.")
}
