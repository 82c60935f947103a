package identity

import "github.com/causeway-fund/causeway/internal/errs"

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

func errDisabled() error {
	return errs.New(errs.Forbidden, "staff_disabled", "This account is disabled. Ask an admin of the fund.")
}

func errLinkUsed() error {
	return errs.New(errs.Conflict, "link_used", "This link has already been used. Ask an admin for a new one.")
}

func errLinkExpired() error {
	return errs.New(errs.Conflict, "link_expired", "This link has expired. Ask an admin for a new one.")
}

func errLinkUnknown(cause error) error {
	return errs.Wrap(cause, errs.NotFound, "link_unknown", "This link is not known here. Check that it was copied whole.")
}

func errLoginLinksOff() error {
	return errs.New(errs.Forbidden, "login_links_off", "Sign-in links work only in a demo. Sign in with your passkey.")
}
