package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
)

// statusClientGone is what the access log says of a caller who hung up.
const statusClientGone = 499

type kindFacts struct {
	status int
	title  string
}

var kinds = map[errs.Kind]kindFacts{
	errs.Invalid:         {http.StatusUnprocessableEntity, "Some values break a rule"},
	errs.Malformed:       {http.StatusBadRequest, "The request cannot be read"},
	errs.Unauthenticated: {http.StatusUnauthorized, "Sign in first"},
	errs.Forbidden:       {http.StatusForbidden, "Not allowed"},
	errs.NotFound:        {http.StatusNotFound, "Not found"},
	errs.Conflict:        {http.StatusConflict, "Things have moved on"},
	errs.TooLarge:        {http.StatusRequestEntityTooLarge, "Too large"},
	errs.Precondition:    {http.StatusPreconditionRequired, "A header is missing"},
	errs.RateLimited:     {http.StatusTooManyRequests, "Too many requests"},
	errs.Unavailable:     {http.StatusServiceUnavailable, "A part is not available"},
	errs.Internal:        {http.StatusInternalServerError, "Something broke"},
}

// internalMessage is all that a person learns of an unclassified error.
const internalMessage = "Something failed on our side. Check whether your change was saved before you repeat it, and tell us the request id."

// ErrorView is an error as a page shows it.
type ErrorView struct {
	Status    int
	Title     string
	Code      string
	Message   string
	Fields    []errs.Field
	Params    map[string]string
	RequestID string
}

// viewOf classifies err. It never returns text of an error that is not meant
// for people.
func viewOf(err error) ErrorView {
	e := classify(err)
	facts, known := kinds[e.Kind]
	if !known {
		facts = kinds[errs.Internal]
	}
	view := ErrorView{
		Status:  facts.status,
		Title:   facts.title,
		Code:    string(e.Code),
		Message: e.Message,
		Fields:  e.Fields,
		Params:  e.Params,
	}
	var he *echo.HTTPError
	if errors.As(err, &he) && he.Code >= http.StatusBadRequest && he.Code < http.StatusInternalServerError {
		view.Status = he.Code
		view.Title = http.StatusText(he.Code)
	}
	return view
}

// classify returns the *errs.Error in err's chain, or makes the one that fits.
func classify(err error) *errs.Error {
	var classified *errs.Error
	var tooLarge *http.MaxBytesError
	var he *echo.HTTPError
	switch {
	case errors.As(err, &classified):
		return classified
	case errors.As(err, &tooLarge):
		return errs.Newf(
			errs.TooLarge,
			CodeBodyTooLarge,
			"The request is larger than %d bytes. Nothing was saved.",
			tooLarge.Limit,
		)
	case errors.As(err, &he):
		return httpError(he)
	case errors.Is(err, context.DeadlineExceeded):
		return errs.Wrap(
			err,
			errs.Unavailable,
			CodeTimeout,
			"This took too long and was stopped. Check what was saved before you repeat it.",
		)
	}
	return errs.Wrap(err, errs.Internal, errs.CodeInternal, internalMessage)
}

// parameterName finds the parameter in the messages of the generated code.
var parameterName = regexp.MustCompile(`(?:parameter|argument|value for) ([A-Za-z_-]+)`)

func httpError(he *echo.HTTPError) *errs.Error {
	switch he.Code {
	case http.StatusNotFound:
		return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	case http.StatusMethodNotAllowed:
		return errs.New(errs.Malformed, CodeMethodNotAllowed, "This address does not accept that method.")
	case http.StatusUnsupportedMediaType:
		return errs.New(
			errs.Malformed,
			CodeUnsupportedMediaType,
			"Send the body as application/json in UTF-8. Nothing was saved.",
		)
	case http.StatusRequestEntityTooLarge:
		return errs.New(errs.TooLarge, CodeBodyTooLarge, "The request is too large. Nothing was saved.")
	case http.StatusBadRequest:
		e := errs.Wrap(
			he,
			errs.Malformed,
			CodeMalformedParameter,
			"A parameter of the request cannot be read. Nothing was saved.",
		)
		message, _ := he.Message.(string)
		if m := parameterName.FindStringSubmatch(message); m != nil {
			e.Message = "The parameter " + m[1] + " is missing or cannot be read. Nothing was saved."
			e.Params = map[string]string{"parameter": m[1]}
		}
		return e
	}
	return errs.Wrap(he, errs.Internal, errs.CodeInternal, internalMessage)
}

// handleError is THE error handler: it logs err once and answers with a problem
// or a page.
func (s *Server) handleError(err error, c echo.Context) {
	view := viewOf(err)
	view.RequestID = requestID(c)
	s.logError(c, err, view)
	if c.Response().Committed {
		return
	}
	if view.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="causeway"`)
	}
	if retry := s.retryAfter(view); retry != "" {
		c.Response().Header().Set(echo.HeaderRetryAfter, retry)
	}
	var sendErr error
	switch {
	case wantsProblem(c):
		sendErr = sendProblem(c, view)
	case s.cfg.ErrorPage != nil && s.worthAPage(c, view):
		if err := s.cfg.ErrorPage(c, view); err != nil && !c.Response().Committed {
			sendErr = sendPlain(c, view)
		}
	default:
		sendErr = sendPlain(c, view)
	}
	if sendErr != nil {
		s.cfg.Log.LogAttrs(
			c.Request().Context(),
			slog.LevelDebug,
			"error not delivered",
			slog.String("request_id", view.RequestID),
		)
	}
}

// retryAfterUnknown is told where nobody knows how long it will take.
const retryAfterUnknown = "60"

// retryAfter returns the seconds after which the call may be repeated: of every
// 429, and of any other error that knows.
func (s *Server) retryAfter(view ErrorView) string {
	if seconds := view.Params["retry_after_s"]; seconds != "" || view.Status != http.StatusTooManyRequests {
		return seconds
	}
	until, err := time.Parse(time.RFC3339, view.Params["until"])
	if err != nil {
		return retryAfterUnknown
	}
	return strconv.Itoa(max(1, int((until.Sub(s.cfg.Clock.Now())+time.Second-1)/time.Second)))
}

// worthAPage reports whether an error is drawn as a page or said in one line. To
// draw one costs as much as the page that was asked for: what is free to ask for
// gets a line, and so does the mass of a flood.
func (s *Server) worthAPage(c echo.Context, view ErrorView) bool {
	if rule := s.rules[routeKey{c.Request().Method, c.Path()}]; rule != nil && rule.Limit == LimitFree {
		return false
	}
	if view.Status != http.StatusTooManyRequests {
		return true
	}
	return s.limits.drawRefusal()
}

func (s *Server) logError(c echo.Context, err error, view ErrorView) {
	attrs := []slog.Attr{slog.String("request_id", view.RequestID), slog.String("code", view.Code)}
	level := slog.LevelDebug
	if view.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.cfg.Log.LogAttrs(c.Request().Context(), level, "request failed", attrs...)
}

// wantsProblem reports whether the caller is a program.
func wantsProblem(c echo.Context) bool {
	if isAPI(c) {
		return true
	}
	accept := c.Request().Header.Get(echo.HeaderAccept)
	return strings.Contains(accept, "json") && !strings.Contains(accept, echo.MIMETextHTML)
}

func isAPI(c echo.Context) bool {
	path := c.Request().URL.Path
	return path == "/v1" || strings.HasPrefix(path, "/v1/")
}

// sendProblem writes RFC 9457. Status 404 and 401 bodies carry nothing that
// tells one object from another.
func sendProblem(c echo.Context, view ErrorView) error {
	problem := api.Problem{
		Type:     "/problems/" + view.Code,
		Title:    view.Title,
		Status:   int32(view.Status), //nolint:gosec // an HTTP status
		Code:     &view.Code,
		Detail:   &view.Message,
		Instance: &view.RequestID,
	}
	if len(view.Params) > 0 {
		problem.Params = &view.Params
	}
	if len(view.Fields) > 0 {
		fields := make([]api.FieldError, 0, len(view.Fields))
		for _, f := range view.Fields {
			field := api.FieldError{Field: f.Field, Code: string(f.Code), Message: f.Message}
			if len(f.Params) > 0 {
				field.Params = &f.Params
			}
			fields = append(fields, field)
		}
		problem.Errors = &fields
	}
	body, err := json.Marshal(problem)
	if err != nil {
		return err
	}
	return c.Blob(view.Status, "application/problem+json", body)
}

func sendPlain(c echo.Context, view ErrorView) error {
	return c.String(view.Status, view.Title+". "+view.Message+"\nRequest id: "+view.RequestID+"\n")
}
