package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/review/grant"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
)

// ErrorView is an error as the server classified it.
type ErrorView struct {
	Status    int
	Code      string
	Message   string
	Params    map[string]string
	RequestID string
}

// ErrorPage renders the page of an error. It asks no service, so it works when
// the database is down.
func (s *Site) ErrorPage(c echo.Context, e ErrorView) error {
	v := &visit{Context: c, page: s.frame(c)}
	if s.justSignedIn(c, e.Code) {
		return v.see("/sign-in") // which leads whoever is signed in to their work
	}
	page := views.ErrorPage{Status: e.Status, Code: e.Code, RequestID: e.RequestID, BackURL: s.wayBack(c, e.Status)}
	if e.Message != "" && e.Status < http.StatusInternalServerError {
		page.Next = said(e.Code, e.Message, e.Params)
	}
	return v.show(e.Status, views.ErrorPageView(v.page, page))
}

func (s *Site) wayBack(c echo.Context, status int) string {
	if status == http.StatusUnauthorized {
		return "/sign-in"
	}
	if c.Request().Method == http.MethodGet {
		return "/"
	}
	return here(c.Request())
}

// fieldErrors returns the fields that err complains of; none when it is about
// something else.
func fieldErrors(err error) []views.FieldError {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != errs.Invalid {
		return nil
	}
	list := make([]views.FieldError, 0, len(e.Fields))
	for _, f := range e.Fields {
		list = append(
			list,
			views.FieldError{Field: f.Field, Code: string(f.Code), Message: f.Message, Params: f.Params},
		)
	}
	return list
}

// limitErrors are fieldErrors whose limits the use case names better than the
// catalogue does. People type feerates in sat/vB, and use cases take sat/kvB: the fields
// of a form are not named as theirs.
func limitErrors(err error) []views.FieldError {
	list := fieldErrors(err)
	for i := range list {
		list[i].Field = strings.TrimSuffix(list[i].Field, "_sat_kvb")
		if list[i].Code == "out_of_range" && list[i].Message != "" {
			list[i].Code = "limit"
		}
	}
	return list
}

// refusal returns the words of an error that a person can do something about,
// and the status it has; ok is false for what belongs on a page of its own.
func refusal(err error) (words views.Msg, status int, ok bool) {
	var e *errs.Error
	if !errors.As(err, &e) {
		return views.Msg{}, 0, false
	}
	status = map[errs.Kind]int{
		errs.Conflict: http.StatusConflict, errs.Forbidden: http.StatusForbidden, errs.Invalid: http.StatusUnprocessableEntity,
		errs.RateLimited: http.StatusTooManyRequests,
	}[e.Kind]
	return said(string(e.Code), e.Message, e.Params), status, status != 0
}

// said are the words of a refusal. Those about a batch also say what has become of
// its money, which no sentence that is the same for every state can.
func said(code, message string, params map[string]string) views.Msg {
	if params["batch_state"] != "" {
		return views.Msg{Text: message}
	}
	return views.Msg{Key: "error.said." + code, Params: params, Text: message}
}

// clash shows both versions of what changed while a form was open. ok is false
// for any other error.
func (v *visit) clash(err error, yours int64, reload string, changes ...views.Change) (ok bool, sent error) {
	var e *errs.Error
	if !errors.As(err, &e) || e.Code != grant.CodeStaleVersion {
		return false, nil
	}
	current, _ := strconv.ParseInt(
		e.Params["current_version"],
		10,
		64,
	) // the use case wrote it; 0 shows that it did not
	return true, v.show(http.StatusConflict, views.ErrorPageView(v.page, views.ErrorPage{
		Status: http.StatusConflict, Code: string(e.Code), BackURL: reload,
		Versions: &views.VersionClash{Yours: yours, Current: current, Changes: changes, ReloadURL: reload},
	}))
}
