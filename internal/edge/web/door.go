package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// passkeyAnswer is what the page's script sends.
type passkeyAnswer struct {
	Token      string          `json:"token,omitempty"`
	FormToken  string          `json:"csrf,omitempty"`
	Name       string          `json:"name,omitempty"`
	Credential json.RawMessage `json:"credential,omitempty"`
}

// firstPage is where a person's work is.
func firstPage(by identity.Actor) string {
	switch {
	case by.Can(identity.PermApplicationRead):
		return "/review"
	case by.Can(identity.PermBatchCompose):
		return "/batches"
	case by.Can(identity.PermStaffManage):
		return "/staff"
	case by.Can(identity.PermAuditRead):
		return "/audit"
	}
	return "/profile"
}

func (s *Site) getSignIn(v *visit) error {
	next := localPath(v.QueryParam("next"), "")
	if v.by.Kind == identity.KindStaff {
		return v.see(orElse(next, firstPage(v.by)))
	}
	done := "/sign-in/finish"
	if next != "" {
		done += "?" + url.Values{"next": {next}}.Encode()
	}
	return v.show(
		http.StatusOK,
		views.SignInPage(v.page, views.SignIn{ReturnTo: next, BeginURL: "/sign-in/begin", DoneURL: done}),
	)
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (s *Site) postSignInBegin(v *visit) error {
	challenge, err := s.cfg.Identity.BeginLogin(v.ctx())
	if err != nil {
		return err
	}
	return s.challenge(v, challenge)
}

// challenge sends the options to the script and keeps the ceremony's secret in a
// cookie that the script cannot read.
func (s *Site) challenge(v *visit, c identity.Challenge) error {
	s.setCookie(v, cookieCeremony, c.Ceremony, ceremonyLife, http.SameSiteStrictMode)
	return v.JSONBlob(http.StatusOK, c.Options)
}

func (s *Site) postSignInFinish(v *visit) error {
	answer, err := v.passkeyAnswer()
	if err != nil {
		return err
	}
	in, err := s.cfg.Identity.FinishLogin(
		v.ctx(),
		cookie(v, cookieCeremony),
		answer.Credential,
		cookie(v, s.cfg.CookieName),
	)
	if err != nil {
		return err
	}
	s.openSession(v, in)
	return v.JSON(http.StatusOK, map[string]string{"location": localPath(v.QueryParam("next"), firstPage(in.Actor))})
}

// passkeyAnswer reads the body. What the authenticator says is read by package
// identity, which knows its many optional names.
func (v *visit) passkeyAnswer() (passkeyAnswer, error) {
	var answer passkeyAnswer
	dec := json.NewDecoder(v.Request().Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&answer)
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return answer, err
	}
	return answer, errs.Wrap(
		err,
		errs.Malformed,
		errs.CodeMalformedJSON,
		"The passkey's answer cannot be read. Try again; nothing was changed.",
	)
}

// openSession gives the browser its new session. The cookie ends with the browser;
// the session's own limits hold at the server.
func (s *Site) openSession(v *visit, in identity.SignIn) {
	s.setCookie(v, cookieCeremony, "", 0, http.SameSiteStrictMode)
	v.SetCookie(&http.Cookie{ //nolint:gosec // Secure is off on http alone: loopback and onion sites
		Name:     s.cfg.CookieName,
		Value:    in.Token,
		Path:     "/",
		HttpOnly: true,
		Secure:   s.cfg.SecureCookies,
		SameSite: http.SameSiteLaxMode,
	})
}

// getEnrol shows the page behind an invite. The ceremony that it begins changes
// nothing of the link, which stays good until a passkey is stored.
func (s *Site) getEnrol(v *visit) error {
	token := v.Param("token")
	challenge, err := s.cfg.Identity.BeginEnrol(v.ctx(), token)
	if deadLink(err) {
		return v.show(statusOf(err), views.EnrolPage(v.page, views.Enrol{Invalid: true}))
	}
	if err != nil {
		return err
	}
	base := "/enrol/" + url.PathEscape(token)
	return v.show(http.StatusOK, views.EnrolPage(v.page, views.Enrol{
		Name: challenge.Name, BeginURL: base + "/begin", DoneURL: base + "/finish",
	}))
}

// deadLink reports whether err says that a one-time link is of no use.
func deadLink(err error) bool {
	return errs.Is(err, identity.CodeLinkUnknown) || errs.Is(err, identity.CodeLinkUsed) ||
		errs.Is(err, identity.CodeLinkExpired)
}

func statusOf(err error) int {
	if errs.KindOf(err) == errs.NotFound {
		return http.StatusNotFound
	}
	return http.StatusConflict
}

func (s *Site) postEnrolBegin(v *visit) error {
	challenge, err := s.cfg.Identity.BeginEnrol(v.ctx(), v.Param("token"))
	if err != nil {
		return err
	}
	return s.challenge(v, challenge)
}

func (s *Site) postEnrolFinish(v *visit) error {
	answer, err := v.passkeyAnswer()
	if err != nil {
		return err
	}
	label := orElse(answer.Name, v.page.T("enrol.unnamed"))
	in, err := s.cfg.Identity.FinishEnrol(
		v.ctx(),
		v.Param("token"),
		cookie(v, cookieCeremony),
		answer.Credential,
		label,
	)
	if err != nil {
		return err
	}
	s.openSession(v, in)
	return v.JSON(http.StatusOK, map[string]string{"location": firstPage(in.Actor)})
}

// getLink shows the page behind a demo's sign-in link. It does not look at the
// link: programs that fetch links ahead of people must not use one up.
func (s *Site) getLink(v *visit) error {
	return v.show(http.StatusOK, views.LoginLinkPage(v.page, views.LoginLink{
		PostURL: "/link/" + url.PathEscape(v.Param("token")), Invalid: !s.cfg.Demo,
	}))
}

func (s *Site) postLink(v *visit) error {
	in, err := s.cfg.Identity.UseLoginLink(v.ctx(), v.Param("token"), cookie(v, s.cfg.CookieName))
	if deadLink(err) {
		return v.show(statusOf(err), views.LoginLinkPage(v.page, views.LoginLink{Invalid: true}))
	}
	if err != nil {
		return err
	}
	s.openSession(v, in)
	return v.see(firstPage(in.Actor))
}

// doubleClick is how soon after a sign-in by link a used link leads on.
const doubleClick = 30 * time.Second

// justSignedIn reports whether this is the second click on a link's button: its page was
// made without a session, so that its form lacks the token of the one that the first click
// has opened in this browser. Nobody else is led on, and nothing is changed.
func (s *Site) justSignedIn(c echo.Context, code string) bool {
	session, ok := c.Get(keySession).(identity.Session)
	return ok && code == "form_token" && c.Path() == "/link/:token" && session.Method == identity.MethodLink &&
		s.cfg.Clock.Now().Sub(session.CreatedAt) < doubleClick
}

// postSignOut is for everybody: who has no session any more is signed out too.
func (s *Site) postSignOut(v *visit) error {
	if v.by.Kind == identity.KindStaff {
		if err := s.cfg.Identity.Logout(v.ctx(), v.by); err != nil {
			return err
		}
		if session, ok := v.Get(keySession).(identity.Session); ok {
			s.live.leave(session.ID)
		}
	}
	s.setCookie(v, s.cfg.CookieName, "", 0, http.SameSiteLaxMode)
	return v.see("/")
}
