package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Where the server puts who calls: the keys of its authorize step.
const (
	keyActor   = "actor"   // identity.Actor
	keySession = "session" // identity.Session
)

// visit is one request to a page.
type visit struct {
	echo.Context
	page views.Page
	by   identity.Actor
	fund fund.Fund
}

func (v *visit) ctx() context.Context { return v.Request().Context() }

// visit makes a handler of Echo out of one of a page: it reads the form and the
// fund and draws up the frame of the page.
func (s *Site) visit(section string, handle func(*visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method == http.MethodPost && !isJSON(c) {
			if err := readForm(c); err != nil {
				return err
			}
		}
		f, err := s.cfg.Grants.Fund(c.Request().Context())
		if err != nil {
			return err
		}
		s.fund.Store(&f)
		v := &visit{Context: c, page: s.frame(c), fund: f}
		v.by, _ = c.Get(keyActor).(identity.Actor)
		v.page.Section = section
		return handle(v)
	}
}

func isJSON(c echo.Context) bool {
	return strings.HasPrefix(c.Request().Header.Get(echo.HeaderContentType), echo.MIMEApplicationJSON)
}

func readForm(c echo.Context) error {
	_, err := c.FormParams()
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return errs.Wrap(err, errs.Malformed, errs.CodeMalformedForm, "The form cannot be read. Nothing was saved.")
}

// frame is what every page shows: language, theme, who is signed in. It reads
// nothing but the request, so it also serves when the database is down.
func (s *Site) frame(c echo.Context) views.Page {
	r := c.Request()
	p := views.Page{
		Text:   s.text.Pick(r.Header.Get("Accept-Language"), c.QueryParam("ui"), cookie(c, cookieLanguage)),
		Assets: s.assets,
		Now:    s.cfg.Clock.Now(),
		Nonce:  templ.GetNonce(r.Context()),
		Theme:  theme(cookie(c, cookieTheme)),
		Path:   here(r),
	}
	if f := s.fund.Load(); f != nil {
		p.Fund, p.Network = f.Name, f.Network
	}
	if session, ok := c.Get(keySession).(identity.Session); ok {
		p.CSRF = s.cfg.Identity.FormToken(session)
	}
	if by, ok := c.Get(keyActor).(identity.Actor); ok && by.Kind == identity.KindStaff {
		p.User = &views.User{
			Name:      by.Name,
			CanReview: by.Can(identity.PermApplicationRead),
			CanPay:    by.Can(identity.PermBatchCompose),
			CanAudit: by.Can(identity.PermAuditRead) &&
				by.Can(identity.PermBatchRead),
			CanAdmin: by.Can(identity.PermStaffManage),
			CanFleet: s.cfg.Endpoints != nil && by.Can(identity.PermEndpointRead),
			KeysOff:  cookie(c, cookieKeys) == "off",
		}
	}
	return p
}

// here is the address of this page, to come back to it; what a form was sent to
// is no address to come back to.
func here(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	switch path := r.URL.Path; {
	case path == "/apply":
		return path
	case path == "/status", strings.HasPrefix(path, "/status/server"):
		return "/status"
	}
	return "/"
}

// waitUnknown is told, in seconds, where nobody knows how long it will take.
const waitUnknown = "60"

// tellWhen says in seconds when something will be possible that err refuses.
func (v *visit) tellWhen(err error) {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != errs.RateLimited {
		return
	}
	if until, err := time.Parse(time.RFC3339, e.Params["until"]); err == nil {
		wait := max(1, int((until.Sub(v.page.Now)+time.Second-1)/time.Second))
		v.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(wait))
	}
}

// show sends a page.
func (v *visit) show(status int, page templ.Component) error {
	if h := v.Response().Header(); status == http.StatusTooManyRequests && h.Get(echo.HeaderRetryAfter) == "" {
		h.Set(echo.HeaderRetryAfter, waitUnknown)
	}
	var b bytes.Buffer
	if err := page.Render(v.ctx(), &b); err != nil {
		return err
	}
	return v.HTMLBlob(status, bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd")))
}

// see answers a form by sending the browser to a page.
func (v *visit) see(path string) error { return v.Redirect(http.StatusSeeOther, path) }

// posted returns a value of the form in the body.
func (v *visit) posted(name string) string { return v.Request().PostFormValue(name) }

// list returns all values of a repeated name of the form in the body.
func (v *visit) list(name string) []string {
	return v.Request().PostForm[name] //nolint:forbidigo // the field of a request, not the function of the global client
}

// id reads the address's id. What is no id is nothing that exists.
func (v *visit) id() (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return id, errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	}
	return id, nil
}

// localPath returns path if it leads into this site, else fallback.
func localPath(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") {
		return fallback
	}
	return path
}
