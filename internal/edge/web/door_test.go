package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// address fills in a route's parameters with what exists nowhere.
func address(path string) string {
	return strings.NewReplacer(":id", "00000000-0000-0000-0000-000000000001", ":token", "nothing", "*", "none").Replace(path)
}

func TestNobodyGetsBehindTheDoor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	for _, route := range r.site.Routes() {
		path := address(route.Path)
		p := b.send(route.Method, path, "application/x-www-form-urlencoded", nil)
		switch {
		case route.Permission == identity.PermPublic:
			if p.status == http.StatusUnauthorized || p.status == http.StatusForbidden || p.status >= 500 {
				t.Errorf("%s %s is public and answers %d", route.Method, path, p.status)
			}
		case route.Method == http.MethodGet:
			if p.status != http.StatusSeeOther || p.header.Get("Location") != "/sign-in?next="+url.QueryEscape(path) {
				t.Errorf("%s %s: %d to %q", route.Method, path, p.status, p.header.Get("Location"))
			}
		default:
			p.wants(http.StatusUnauthorized, "Sign in to go on")
		}
	}
}

// TestRolesHoldOnEveryRoute: who may not is told so, who may gets something
// else, whatever rubbish stands in the address and the form.
func TestRolesHoldOnEveryRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rubbish := []url.Values{{}, {
		"version": {"x"}, "digest": {"zz"}, "verdict": {"maybe"}, "outcome": {"\x00"}, "text": {"\xff\xfe"}, "note": {strings.Repeat("a", 5000)}, "question": {strings.Repeat("a", 5000)}, "reason": {strings.Repeat("a", 5000)},
		"typed_number": {"B-"}, "instalment": {"'; DROP TABLE batch; --"}, "feerate_typed": {"1e9"}, "role": {"king"}, "name": {"\u202e"},
		"scope": {"all"}, "days": {"-1"}, "back": {"//x"}, "code": {"<script>alert(1)</script>"}, "step": {"99"}, "endpoint_host": {"<"}, "go": {"send"},
		"idempotency_key": {"short"}, "title": {"\x00"}, "keys_off": {"1"}, "theme": {"\""},
	}, {"version": {"9223372036854775807"}, "typed_number": {"1"}, "max_fee_sat": {"99999999999999999999"}, "go": {"send"}}}
	for _, role := range identity.Roles() {
		b := r.hire("A "+string(role), role)
		token := fields(b.get("/profile").form("/sign-out")).Get("csrf")
		for _, route := range r.site.Routes() {
			if route.Path == "/sign-out" || route.Path == "/link/:token" || route.Path == "/staff/events" { // the last one does not end
				continue
			}
			may := route.Permission == "signed_in" || identity.Actor{Kind: identity.KindStaff, Roles: []identity.Role{role}}.Can(route.Permission)
			for _, form := range rubbish {
				var p page
				if route.Method == http.MethodGet {
					p = b.get(address(route.Path) + "?" + form.Encode())
				} else {
					p = b.post(address(route.Path), merge(form, url.Values{"csrf": {token}}))
				}
				if forbidden := p.status == http.StatusForbidden; forbidden == may && route.Permission != "signed_in" || p.status >= 500 {
					t.Errorf("%s: %s %s answers %d:\n%s", role, route.Method, route.Path, p.status, p.text())
				}
				if strings.Contains(string(p.body), "<script>alert") {
					t.Errorf("%s %s sends back a script", route.Method, route.Path)
				}
			}
		}
	}
}

func TestFormsOfASessionNeedItsToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	path := "/review/" + r.idOf(r.apply(0)) + "/claim"

	ada.post(path, nil).wants(403, "This form is out of date")
	ada.post(path, url.Values{"csrf": {fields(bo.get("/profile").form("/sign-out")).Get("csrf")}}).wants(403, "This form is out of date")
}

func TestSignInLinkWorksOnceAndOnlyByTheButton(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	admin := identity.System("admin-cli")
	person, _, err := r.identity.Invite(t.Context(), admin, "Tove", []identity.Role{identity.RoleTreasurer})
	must(t, err)
	token, err := r.identity.LoginLink(t.Context(), admin, person.ID)
	must(t, err)
	b := r.browse()
	for range 3 {
		b.get("/link/"+token).wants(200, "It works once")
	}

	in := b.submit(b.get("/link/"+token), "/link/"+token, nil).wants(200, "Payouts", "Tove")

	if in.path != "/batches" {
		t.Errorf("a treasurer begins at %s", in.path)
	}
	// The second click of a double click leads this browser on, and no other, and not for long.
	if again := b.post("/link/"+token, nil).wants(200, "Payouts", "Tove"); again.path != "/batches" {
		t.Errorf("a second click leads to %s", again.path)
	}
	r.browse().post("/link/"+token, nil).wants(409, "was used before", "If your first click signed this browser in")
	r.clock.Advance(time.Minute)
	b.post("/link/"+token, nil).wants(403, "This form is out of date")
	r.browse().post("/link/unknown", nil).wants(404, "was used before")
	b.get("/sign-in?next=%2Ftreasury").wants(200, "Treasury")
	if p := b.submit(in, "/sign-out", nil); p.path != "/" || p.has("/sign-out") {
		t.Errorf("after signing out: %s", p.path)
	}
	b.get("/batches").wants(200, "Sign in with a passkey")
}

// script sends what the page's script sends.
func (b *browser) script(path string, body any) page {
	b.t.Helper()
	text, err := json.Marshal(body)
	must(b.t, err)
	html := b.header.Get("Accept")
	b.header.Set("Accept", "application/json")
	defer b.header.Set("Accept", html)
	return b.send(http.MethodPost, path, "application/json", text)
}

func TestPasskeyIsEnrolledAndSignsIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	person, link, err := r.identity.Invite(t.Context(), identity.System("admin-cli"), "Adil", []identity.Role{identity.RoleAdmin})
	must(t, err)
	rp := virtualwebauthn.RelyingParty{Name: "Test fund", ID: "localhost", Origin: publicURL}
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: person.ID[:]})
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	b := r.browse()
	b.get("/enrol/"+link).wants(200, "Welcome, Adil")

	begun := b.script("/enrol/"+link+"/begin", map[string]string{"token": link}).wants(200)
	creation, err := virtualwebauthn.ParseAttestationOptions(string(begun.body))
	must(t, err)
	answer := virtualwebauthn.CreateAttestationResponse(rp, device, key, *creation)
	done := b.script("/enrol/"+link+"/finish", map[string]any{"name": "Blue key", "credential": json.RawMessage(answer)}).wants(200)
	device.AddCredential(key)

	if got := strings.TrimSpace(string(done.body)); got != `{"location":"/staff"}` {
		t.Errorf("enrolled: %s", got)
	}
	b.get("/staff").wants(200, "Adil")
	r.browse().get("/enrol/"+link).wants(409, "was used before")

	other := r.browse()
	begun = other.script("/sign-in/begin", struct{}{}).wants(200)
	assertion, err := virtualwebauthn.ParseAssertionOptions(string(begun.body))
	must(t, err)
	proof := map[string]any{"credential": json.RawMessage(virtualwebauthn.CreateAssertionResponse(rp, device, key, *assertion))}
	done = other.script("/sign-in/finish?next=%2Faudit", proof).wants(200)
	if got := strings.TrimSpace(string(done.body)); got != `{"location":"/audit"}` {
		t.Errorf("signed in: %s", got)
	}
	other.get("/audit").wants(200, "staff.signed_in")
	if p := r.browse().script("/sign-in/finish", proof); p.status != http.StatusUnauthorized || !strings.Contains(string(p.body), "passkey_refused") {
		t.Errorf("an answer without its ceremony: %d %s", p.status, p.body)
	}
	for _, body := range []any{[]int{1}, map[string]any{"credential": 7}, map[string]string{"who": "me"}} {
		if p := other.script("/sign-in/finish", body); p.status < 400 || p.status >= 500 {
			t.Errorf("%v: %d", body, p.status)
		}
	}
	r.browse().get("/enrol/unknown").wants(404, "was used before")
}

func TestAdminInvitesAndLocksOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	adil := r.hire("Adil", identity.RoleAdmin)
	ada := r.hire("Ada", identity.RoleReviewer)

	invited := adil.submit(adil.get("/staff"), "/staff/invite", url.Values{"name": {"Sol"}, "role": {"reviewer"}}).wants(200, "Invite link for Sol", publicURL+"/enrol/")
	if strings.Contains(adil.get("/staff").text(), "/enrol/") {
		t.Error("the link is shown twice")
	}
	refused := adil.submit(invited, "/staff/invite", url.Values{"name": {"Both"}, "role": {"admin", "reviewer"}}).wants(422, "An admin cannot also review")
	if got := fields(refused.form("/staff/invite")); got.Get("name") != "Both" || len(got["role"]) != 2 {
		t.Errorf("the form forgot: %v", got)
	}
	adil.submit(invited, "/staff/invite", url.Values{"name": {"Sol"}, "role": {"reviewer"}}).wants(409, "has this name already")
	people, err := r.identity.ListStaff(t.Context(), identity.System("test"))
	must(t, err)
	for _, p := range people {
		base := "/staff/" + p.ID.String()
		switch p.Name {
		case "Ada":
			adil.submit(adil.get("/staff"), base+"/roles", url.Values{"role": {"auditor"}}).wants(200, "Auditor")
			ada.get("/audit").wants(200)
			ada.get("/review").wants(403)
			adil.submit(adil.get("/staff"), base+"/disable", nil).wants(200, "Locked out")
			ada.get("/audit").wants(200, "Sign in")
			adil.submit(adil.get("/staff"), base+"/enable", nil).wants(200, "Lock out")
			ada.get("/audit").wants(200, "Sign in") // the session from before stays ended
		case "Sol":
			adil.submit(adil.get("/staff"), base+"/invite", nil).wants(200, "Invite link for Sol")
		case "Adil":
			if adil.get("/staff").has(base + "/disable") {
				t.Error("an admin is offered to lock themselves out")
			}
		}
	}
}

func TestProfileShowsATokenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.hire("Ada", identity.RoleReviewer)
	profile := b.get("/profile").wants(200, "this one")

	b.submit(profile, "/profile/tokens", url.Values{"token_name": {"Night"}, "days": {"9999"}, "scope": {"application.read"}}).wants(422, "outside what is allowed")
	b.submit(profile, "/profile/tokens", url.Values{"token_name": {"Night"}, "scope": {"staff.manage"}}).wants(422, "Your roles do not give this")
	made := b.submit(profile, "/profile/tokens", url.Values{"token_name": {"Night"}, "scope": {"application.read"}}).wants(200, "Your new token", identity.TokenPrefix)
	after := b.get("/profile").wants(200, "Night")
	if strings.Contains(after.text(), identity.TokenPrefix) {
		t.Error("the token is shown twice")
	}
	tokens, err := r.identity.AuthenticateToken(t.Context(), secretOf(made))
	must(t, err)
	revoke := "/profile/tokens/" + tokens.TokenID.String() + "/revoke"
	if p := b.submit(after, revoke, nil).wants(200); strings.Contains(p.text(), "Night") {
		t.Error("a revoked token is listed")
	}
	if off := b.submit(after, "/profile/keys", url.Values{"keys_off": {"1"}}).wants(200); !strings.Contains(string(off.body), "keys-off") {
		t.Error("single keys stay on")
	}
}

func secretOf(p page) string {
	for _, word := range strings.Fields(strings.NewReplacer("<", " ", ">", " ").Replace(string(p.body))) {
		if strings.HasPrefix(word, identity.TokenPrefix) {
			return word
		}
	}
	p.t.Fatalf("no token in %s", p.text())
	return ""
}
