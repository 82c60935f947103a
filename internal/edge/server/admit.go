package server

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Where an echo.Context holds who calls, for the handlers of pages.
const (
	KeyActor   = "actor"   // identity.Actor; the zero Actor is nobody
	KeySession = "session" // identity.Session; absent without one
)

const keyAdmission = "admission"

// admission is what admit found out, for authorize to judge.
type admission struct {
	rule  *Rule
	actor identity.Actor
	err   error // of the session or token that was shown
}

// admit counts the request before anything is done for it, in this order: what a
// caller shows is looked up, which is one indexed read, and one that is valid has a
// bucket of its own; else the client's bucket pays, and that of everybody.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rule := s.rules[routeKey{c.Request().Method, c.Path()}]
		if rule != nil && rule.Limit == LimitFree {
			return next(c)
		}
		from := s.origins.of(c.Request())
		if rule == nil {
			if err := s.refused(reading, s.limits.stranger(from, reading, 1)); err != nil {
				return err
			}
			return next(c)
		}
		a := admission{rule: rule}
		var valid bool
		var err error
		if a.actor, valid, a.err, err = s.identify(c, rule, from); err != nil {
			return err
		}
		switch rule.Limit {
		case LimitReceipt:
			err = s.countReceipt(c, rule, from)
		case LimitProber:
			return s.countProber(c, from, a, next)
		case LimitOrdinary, LimitHeavy, LimitWriting, LimitEntering, LimitFree:
			if !valid {
				err = s.refused(
					rule.Limit.class(),
					s.limits.stranger(from, rule.Limit.class(), rule.Limit.strangerCost()),
				)
			}
		}
		if err != nil {
			return err
		}
		c.Set(keyAdmission, a)
		return next(c)
	}
}

// identify looks a session or token up. refused is about how often; of what was
// shown and is no good says bad.
func (s *Server) identify(
	c echo.Context,
	rule *Rule,
	from origin,
) (actor identity.Actor, valid bool, bad, refused error) {
	cred, look := s.shown(c)
	if look == nil {
		return actor, false, nil, nil
	}
	bad, refused = s.verify(from, cred, rule.Limit.callerCost(), func() (err error) {
		actor, err = look(c.Request().Context())
		return err
	})
	return actor, bad == nil && refused == nil, bad, refused
}

// shown returns the bearer of an API token, else a session cookie, and what looks
// it up; nil when nothing is shown.
func (s *Server) shown(c echo.Context) (credential, func(context.Context) (identity.Actor, error)) {
	if authorization := c.Request().Header.Get(echo.HeaderAuthorization); authorization != "" {
		scheme, token, _ := strings.Cut(authorization, " ")
		token = strings.TrimSpace(token)
		return credential{"token", token}, func(ctx context.Context) (identity.Actor, error) {
			if !strings.EqualFold(scheme, "bearer") {
				return identity.Actor{}, errs.New(
					errs.Unauthenticated,
					identity.CodeTokenInvalid,
					"Authorization must be a bearer token.",
				)
			}
			return s.cfg.Auth.AuthenticateToken(ctx, token)
		}
	}
	cookies := c.Request().CookiesNamed(s.cfg.CookieName)
	if len(cookies) == 0 || cookies[0].Value == "" {
		return credential{}, nil
	}
	return credential{"session", cookies[0].Value}, func(ctx context.Context) (identity.Actor, error) {
		actor, session, err := s.cfg.Auth.Authenticate(ctx, cookies[0].Value)
		if err != nil {
			return identity.Actor{}, err
		}
		c.Set(KeySession, session)
		return actor, nil
	}
}

// verify looks a credential up, unless there were too many requests under it, or
// too many that were no good from where it comes. bad is look's error.
func (s *Server) verify(from origin, cred credential, cost int64, look func() error) (bad, refused error) {
	seen, short := s.limits.caller(cred, cost)
	if short != nil {
		return nil, s.refused(guessing, short)
	}
	var owed bool
	if !seen {
		if owed, short = s.limits.guess(from); short != nil {
			return nil, s.refused(guessing, short)
		}
	}
	bad = look()
	switch {
	case seen && noGood(bad):
		s.limits.forget(cred)
		_, _ = s.limits.guess(from)
	case owed && !noGood(bad):
		s.limits.spare(from)
	}
	if bad == nil && !seen {
		return nil, s.refused(guessing, s.limits.welcome(cred, cost))
	}
	return bad, nil
}

// noGood reports whether err is the fault of what was shown, and not that nobody can
// tell or that things have moved on.
func noGood(err error) bool {
	if err == nil {
		return false
	}
	switch status := viewOf(err).Status; status {
	case http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return status >= http.StatusBadRequest && status < http.StatusInternalServerError
	}
}

// countReceipt counts a request that shows a receipt code. A code that is not known
// is for the handler to refuse, in its own words.
func (s *Server) countReceipt(c echo.Context, rule *Rule, from origin) error {
	var code string
	var unreadable error
	if isAPI(c) {
		code = c.Request().Header.Get(api.HeaderReceipt)
	} else {
		// Who has guessed too often is refused before the form is read.
		if short := s.limits.mayGuess(from); short != nil {
			return s.refused(guessing, short)
		}
		if unreadable = s.tooLong(c); unreadable == nil {
			if _, err := c.FormParams(); err != nil {
				unreadable = formError(err)
			}
		}
		code = c.Request().PostFormValue(FieldReceipt)
	}
	receipt, malformed := identity.ParseReceipt(code)
	bad, refused := s.verify(from, credential{"receipt", receipt.Code()}, rule.Limit.callerCost(), func() error {
		if err := cmp.Or(unreadable, malformed); err != nil {
			return err
		}
		return s.cfg.Receipts.KnowsReceipt(c.Request().Context(), receipt)
	})
	switch {
	case refused != nil:
		return refused
	case unreadable != nil:
		return unreadable
	case noGood(bad):
		return nil
	}
	return bad
}

// countProber counts a request that a prober signed, which is known when the
// handler has read and verified it.
func (s *Server) countProber(c echo.Context, from origin, a admission, next echo.HandlerFunc) error {
	owed, short := s.limits.guess(from)
	if short != nil {
		return s.refused(guessing, short)
	}
	pay := func(good bool) {
		if owed && good {
			s.limits.spare(from)
		}
		owed = false
	}
	c.Set(keyAdmission, a)
	ctx := api.WithProberGate(c.Request().Context(), func(prober uuid.UUID) error {
		pay(true)
		cred := credential{"prober", prober.String()}
		seen, short := s.limits.caller(cred, a.rule.Limit.callerCost())
		if !seen {
			short = s.limits.welcome(cred, a.rule.Limit.callerCost())
		}
		return s.refused(guessing, short)
	})
	c.SetRequest(c.Request().WithContext(ctx))
	err := next(c)
	pay(!noGood(err))
	return err
}

// refused is the error of a refusal, and counts it; nil for none.
func (s *Server) refused(c class, r *refusal) error {
	if r == nil {
		return nil
	}
	s.metrics.refused.WithLabelValues(r.by, classNames[c]).Inc()
	return r.err()
}
