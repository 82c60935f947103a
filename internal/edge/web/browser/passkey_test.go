package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// testPasskey enrols a passkey from an invite, signs out, and signs in with it.
func testPasskey(t *testing.T, h *house) {
	_, token, err := h.Services.Identity.Invite(t.Context(), identity.System("demo"), "Tove", []identity.Role{identity.RoleReviewer})
	if err != nil {
		t.Fatal(err)
	}
	b := h.tab(t)
	b.authenticator()
	b.visit("/enrol/" + token)
	b.lookClosely("enrol")
	b.fill("#passkey-name", "blue key")
	b.press(`button[data-passkey="create"]`)
	b.says("h1", "review.title")

	b.do(chromedp.Click(chromedp.CSS("details.menu summary")))
	b.look("menu")
	b.press(`form[action="/sign-out"] button`)
	b.visit("/review")
	becomes(b, "where the queue leads who signed out", `location.pathname`, "/sign-in")
	b.visit("/sign-in")
	b.lookClosely("sign in")
	b.press(`button[data-passkey="get"]`)
	b.says("h1", "review.title")
	b.visit("/profile")
	b.read("main", "Tove")

	// The link has done its work.
	again := h.tab(t)
	again.visit("/enrol/" + token)
	becomes(again, "what a used invite offers to enrol with", `document.querySelector('main') === null ? -1 : document.querySelectorAll('button[data-passkey]').length`, 0)
	again.heard()
}

// authenticator gives the tab a security key that says yes to everything.
func (b *tab) authenticator() {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"))
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	_, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}
