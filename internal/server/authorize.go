package server

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/causeway-fund/causeway/internal/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/identity"
)

// Where an echo.Context holds who calls, for the handlers of pages.
const (
	KeyActor   = "actor"   // identity.Actor; the zero Actor is nobody
	KeySession = "session" // identity.Session; absent without one
)

// FieldFormToken is the field of every form that carries the session's token.
const FieldFormToken = "csrf"

// burstShare is the part of a minute's calls that may come at once.
const burstShare = 10

type boundRule struct {
	Rule
	bucket *rate.Limiter
}

func newBoundRule(r Rule) *boundRule {
	if r.PerMinute == 0 {
		r.PerMinute = defaultPerMinute
	}
	return &boundRule{Rule: r, bucket: rate.NewLimiter(rate.Limit(float64(r.PerMinute)/60), max(r.PerMinute/burstShare, 1))}
}

// authorize finds the route's rule, then checks in this order: rate, who calls,
// what they may do, the headers that the route cannot do without, the kind of
// body.
func (s *Server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rule := s.rules[routeKey{c.Request().Method, c.Path()}]
		if rule == nil {
			return s.refuseUnruled(c, next)
		}
		if !rule.bucket.AllowN(s.cfg.Clock.Now(), 1) {
			return rateLimited(rule.bucket)
		}
		actor, err := s.actor(c)
		if err != nil && (rule.Permission != identity.PermPublic || errs.KindOf(err) != errs.Unauthenticated) {
			return s.signInOr(c, err)
		}
		if err := permit(c, actor, rule.Permission); err != nil {
			return s.signInOr(c, err)
		}
		if err := s.checkForm(c); err != nil {
			return err
		}
		if rule.Needs != NoHeader && c.Request().Header.Get(string(rule.Needs)) == "" {
			return missingHeader(rule.Needs)
		}
		if err := checkMedia(c, rule.Takes); err != nil {
			return err
		}
		c.Set(KeyActor, actor)
		ctx := api.WithActor(c.Request().Context(), actor)
		if rule.Permission == identity.PermApplicationOwn {
			ctx = api.WithReceipt(ctx, c.Request().Header.Get(api.HeaderReceipt))
		}
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// refuseUnruled lets the router's own 404 and 405 through, which answer for
// addresses without a route; bindPolicy leaves no route without a rule.
func (s *Server) refuseUnruled(c echo.Context, next echo.HandlerFunc) error {
	for _, route := range s.echo.Routes() {
		if route.Method == c.Request().Method && route.Path == c.Path() {
			return echo.ErrNotFound
		}
	}
	return next(c)
}

// actor says who calls: the bearer of an API token, else of a session cookie,
// else nobody.
func (s *Server) actor(c echo.Context) (identity.Actor, error) {
	ctx := c.Request().Context()
	if authorization := c.Request().Header.Get(echo.HeaderAuthorization); authorization != "" {
		scheme, token, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "bearer") {
			return identity.Actor{}, errs.New(errs.Unauthenticated, "token_invalid", "Authorization must be a bearer token.")
		}
		return s.cfg.Auth.AuthenticateToken(ctx, strings.TrimSpace(token))
	}
	cookies := c.Request().CookiesNamed(s.cfg.CookieName)
	if len(cookies) == 0 || cookies[0].Value == "" {
		return identity.Actor{}, nil
	}
	actor, session, err := s.cfg.Auth.Authenticate(ctx, cookies[0].Value)
	if err != nil {
		return identity.Actor{}, err
	}
	c.Set(KeySession, session)
	return actor, nil
}

// checkForm holds a form of the dashboard against the token of its session,
// beside the check of where it was sent from.
func (s *Server) checkForm(c echo.Context) error {
	session, signedIn := c.Get(KeySession).(identity.Session)
	method := c.Request().Method
	if !signedIn || isAPI(c) || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err == nil && mediaType == echo.MIMEApplicationJSON {
		return nil // no form of another site can send JSON without asking first
	}
	if _, err := c.FormParams(); err != nil {
		return formError(err)
	}
	token := c.Request().PostFormValue(FieldFormToken)
	return s.cfg.Auth.CheckFormToken(session, token)
}

// checkMedia refuses a body that is not of the media type takes. Those in JSON
// are strictBinder's.
func checkMedia(c echo.Context, takes string) error {
	if takes == "" {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err == nil && mediaType == takes && utf8Charset(params["charset"]) {
		return nil
	}
	return errs.Wrap(echo.NewHTTPError(http.StatusUnsupportedMediaType), errs.Malformed, "unsupported_media_type", "Send the body as "+takes+". Nothing was saved.")
}

func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return errs.Wrap(err, errs.Malformed, "malformed_form", "The form cannot be read. Nothing was saved.")
}

func permit(c echo.Context, actor identity.Actor, p identity.Permission) error {
	if p == SignedIn {
		if actor.Kind == identity.KindStaff {
			return nil
		}
		return errs.New(errs.Unauthenticated, "sign_in_required", "Sign in to go on. Nothing was changed.")
	}
	if p == identity.PermApplicationOwn {
		// The service looks the receipt up; here it only has to be there.
		if c.Request().Header.Get(api.HeaderReceipt) != "" {
			return nil
		}
		return errs.New(errs.Unauthenticated, "receipt_required", "Send the receipt code in the header "+api.HeaderReceipt+".")
	}
	return actor.Require(p)
}

// signInOr sends a page's visitor to the sign-in page and gives a program err.
func (s *Server) signInOr(c echo.Context, err error) error {
	if s.cfg.SignInPath == "" || errs.KindOf(err) != errs.Unauthenticated || wantsProblem(c) || c.Request().Method != http.MethodGet {
		return err
	}
	back := url.Values{"next": {c.Request().URL.RequestURI()}}
	return c.Redirect(http.StatusSeeOther, s.cfg.SignInPath+"?"+back.Encode())
}

func rateLimited(bucket *rate.Limiter) error {
	err := errs.New(errs.RateLimited, "rate_limited", "Too many requests at the moment, from everybody together. Nothing was changed; try again shortly.")
	err.Params = map[string]string{"retry_after_s": strconv.Itoa(max(1, int(1/float64(bucket.Limit()))))}
	return err
}

func missingHeader(h Header) error {
	err := errs.New(errs.Precondition, "header_required", "The header "+string(h)+" is missing. Nothing was changed.")
	err.Params = map[string]string{"header": string(h)}
	return err
}
