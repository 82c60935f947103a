package server

import (
	"errors"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// FieldFormToken is the field of every form that carries the session's token.
const FieldFormToken = "csrf"

// authorize checks in this order: what the caller may do, the form's token, the
// headers that the route cannot do without, the kind of body.
func (s *Server) authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		a, admitted := c.Get(keyAdmission).(admission)
		if !admitted {
			return s.refuseUnruled(c, next)
		}
		rule, actor := a.rule, a.actor
		if a.err != nil && (rule.Permission != identity.PermPublic || errs.KindOf(a.err) != errs.Unauthenticated) {
			return s.signInOr(c, a.err)
		}
		if err := permit(c, actor, rule.Permission); err != nil {
			return s.signInOr(c, err)
		}
		if err := s.checkForm(c); err != nil {
			return err
		}
		for _, h := range rule.Needs {
			if c.Request().Header.Get(string(h)) == "" {
				return missingHeader(h)
			}
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

// refuseUnruled lets free routes through, and the router's own 404 and 405, which
// answer for addresses without a route; bindPolicy leaves no route without a rule.
func (s *Server) refuseUnruled(c echo.Context, next echo.HandlerFunc) error {
	key := routeKey{c.Request().Method, c.Path()}
	if s.routed[key] && s.rules[key] == nil {
		return echo.ErrNotFound
	}
	return next(c)
}

// checkForm holds a form of the dashboard against the token of its session,
// beside the check of where it was sent from.
func (s *Server) checkForm(c echo.Context) error {
	session, signedIn := c.Get(KeySession).(identity.Session)
	method := c.Request().Method
	if !signedIn || isAPI(c) || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if mediaType, _, err := mime.ParseMediaType(
		c.Request().Header.Get(echo.HeaderContentType),
	); err == nil &&
		mediaType == echo.MIMEApplicationJSON {
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
	return errs.Wrap(
		echo.NewHTTPError(http.StatusUnsupportedMediaType),
		errs.Malformed,
		CodeUnsupportedMediaType,
		"Send the body as "+takes+". Nothing was saved.",
	)
}

func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return errs.Wrap(err, errs.Malformed, errs.CodeMalformedForm, "The form cannot be read. Nothing was saved.")
}

func permit(c echo.Context, actor identity.Actor, p identity.Permission) error {
	if p == SignedIn {
		if actor.Kind == identity.KindStaff {
			return nil
		}
		return errs.New(errs.Unauthenticated, identity.CodeSignInRequired, "Sign in to go on. Nothing was changed.")
	}
	if p == identity.PermApplicationOwn {
		// The service looks the receipt up; here it only has to be there.
		if c.Request().Header.Get(api.HeaderReceipt) != "" {
			return nil
		}
		return errs.New(
			errs.Unauthenticated,
			CodeReceiptRequired,
			"Send the receipt code in the header "+api.HeaderReceipt+".",
		)
	}
	return actor.Require(p)
}

// signInOr sends a page's visitor to the sign-in page and gives a program err.
func (s *Server) signInOr(c echo.Context, err error) error {
	if s.cfg.SignInPath == "" || errs.KindOf(err) != errs.Unauthenticated || wantsProblem(c) ||
		c.Request().Method != http.MethodGet {
		return err
	}
	back := url.Values{"next": {c.Request().URL.RequestURI()}}
	return c.Redirect(http.StatusSeeOther, s.cfg.SignInPath+"?"+back.Encode())
}

func missingHeader(h Header) error {
	err := errs.New(errs.Precondition, CodeHeaderRequired, "The header "+string(h)+" is missing. Nothing was changed.")
	err.Params = map[string]string{"header": string(h)}
	return err
}
