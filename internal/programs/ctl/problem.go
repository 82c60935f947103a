package ctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

// explain turns what a call ended with into an error for a person: a refusal of
// the server with its own words, a lost connection with what is not known.
func (a *app) explain(err error) error {
	if err == nil {
		return nil
	}
	var refusal *client.Error
	if errors.As(err, &refusal) {
		return explainRefusal(refusal)
	}
	var ours *errs.Error
	var misused cli.UsageError
	if errors.As(err, &ours) || errors.As(err, &misused) {
		return err
	}
	var lost *url.Error
	if errors.As(err, &lost) {
		return a.explainLost(lost)
	}
	if errors.Is(err, context.Canceled) {
		return errs.New(errs.Unavailable, CodeInterrupted, "Stopped.") // an error: what was asked for is not done
	}
	return err
}

func explainRefusal(r *client.Error) error {
	e := &errs.Error{Kind: kindOf(r.Status), Code: errs.Code(r.Code()), Message: clean(refusalText(r))}
	if e.Code == "" {
		e.Code = link.CodeRefused
	}
	if r.Problem.Params != nil {
		e.Params = *r.Problem.Params
	}
	if yours, current := e.Params["your_version"], e.Params["current_version"]; yours != "" && current != "" {
		e.Message += clean(fmt.Sprintf(" You read version %s; it is now %s.", yours, current))
	}
	if r.Problem.Errors != nil {
		for _, f := range *r.Problem.Errors {
			e.Fields = append(
				e.Fields,
				errs.Field{Field: clean(f.Field), Code: errs.Code(f.Code), Message: clean(f.Message)},
			)
		}
	}
	if r.Status >= http.StatusInternalServerError && r.Problem.Instance != nil {
		e.Message += " If this continues, tell the fund this request's ID: " + clean(*r.Problem.Instance)
	}
	return e
}

func refusalText(r *client.Error) string {
	switch {
	case r.Problem.Detail != nil:
		return *r.Problem.Detail
	case r.Problem.Title != "":
		return r.Problem.Title
	}
	return fmt.Sprintf(
		"The server answered %d %s. Is --server the address of a fund?",
		r.Status,
		http.StatusText(r.Status),
	)
}

func kindOf(status int) errs.Kind {
	switch status {
	case http.StatusBadRequest:
		return errs.Malformed
	case http.StatusUnauthorized:
		return errs.Unauthenticated
	case http.StatusForbidden:
		return errs.Forbidden
	case http.StatusNotFound:
		return errs.NotFound
	case http.StatusConflict:
		return errs.Conflict
	case http.StatusRequestEntityTooLarge:
		return errs.TooLarge
	case http.StatusUnprocessableEntity:
		return errs.Invalid
	case http.StatusPreconditionRequired:
		return errs.Precondition
	case http.StatusTooManyRequests:
		return errs.RateLimited
	}
	return errs.Unavailable
}

// explainLost says whether the call may have had an effect.
func (a *app) explainLost(lost *url.Error) error {
	var dial *net.OpError
	never := errors.As(lost, &dial) && dial.Op == "dial"
	// The cause goes in as words only: a call that was cancelled is an error
	// here, not an end.
	why := clean(lost.Err.Error())
	if never || lost.Op == "Get" {
		return errs.Newf(
			errs.Unavailable,
			CodeUnreachable,
			"No answer from %s (%s). Nothing was changed.",
			a.server,
			why,
		)
	}
	return errs.Newf(
		errs.Unavailable,
		CodeAnswerLost,
		"The call was sent to %s, but no answer came (%s): it may or may not have been done. Check before you try again.",
		a.server,
		why,
	)
}

func errNoFund() error {
	return errs.New(
		errs.Unavailable,
		CodeNotAFund,
		"The answer does not come from a Causeway fund. Is --server the address of a fund?",
	)
}

// checkFailed is the error of a check that ran and found something wrong; it
// ends the program with code 5.
func checkFailed(format string, args ...any) *errs.Error {
	return errs.Newf(errs.Conflict, cli.ErrChecksFailed.Code, format, args...)
}
