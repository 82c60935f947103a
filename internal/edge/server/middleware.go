package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/errs"
)

const (
	keyRequestID = "request_id"

	// HeaderRequestID carries our own request id; one sent by a client is ignored.
	HeaderRequestID = "Request-Id"

	unmatched = "unmatched"
)

func requestID(c echo.Context) string {
	id, _ := c.Get(keyRequestID).(string)
	return id
}

// routeOf returns the route's template; never the address, which may hold ids.
func (s *Server) routeOf(c echo.Context) string {
	if s.rules[routeKey{c.Request().Method, c.Path()}] == nil {
		return unmatched
	}
	return c.Path()
}

// observe gives the request its id, and writes the access log and metrics.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.cfg.Clock.Now()
		id := rand.Text()
		c.Set(keyRequestID, id)
		c.Response().Header().Set(HeaderRequestID, id)
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()

		if err := next(c); err != nil {
			c.Error(err)
		}

		took := s.cfg.Clock.Now().Sub(start)
		status := c.Response().Status
		if errors.Is(c.Request().Context().Err(), context.Canceled) {
			status = statusClientGone
		}
		route, method := s.routeOf(c), methodLabel(c.Request().Method)
		s.metrics.observe(method, route, status, took)
		level := slog.LevelInfo
		if status == http.StatusTooManyRequests {
			level = slog.LevelDebug // a flood must not fill the disk; the metrics count it
		}
		s.cfg.Log.LogAttrs(c.Request().Context(), level, "request",
			slog.String("method", method), slog.String("route", route), slog.Int("status", status),
			slog.Int64("ms", took.Milliseconds()), slog.String("request_id", id))
		return nil
	}
}

// deadline ends what a request waits for when its time is up: the database gives up
// what it was doing for it, and its connection serves somebody else.
func (s *Server) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		limit := s.cfg.Timeout
		if rule := s.rules[routeKey{c.Request().Method, c.Path()}]; rule != nil && rule.Timeout > 0 {
			limit = rule.Timeout
		}
		whole := c.Request().Context()
		ctx, cancel := context.WithTimeout(whole, limit)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		// The error page and the log come after, with what was added to the request.
		c.SetRequest(c.Request().WithContext(lasting{whole, c.Request().Context()}))
		var known *errs.Error
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, &known) {
			return timedOut(err, limit)
		}
		return err
	}
}

// lasting ends with one context and has the values of another.
type lasting struct {
	context.Context                 //nolint:containedctx // a request travels with its context
	values          context.Context //nolint:containedctx // it is one itself
}

func (l lasting) Value(key any) any { return l.values.Value(key) }

func timedOut(err error, limit time.Duration) error {
	e := errs.Wrap(
		err,
		errs.Unavailable,
		CodeTimeout,
		fmt.Sprintf(
			"This took longer than %d seconds and was stopped. Check what was saved before you repeat it.",
			int(limit.Seconds()),
		),
	)
	e.Params = map[string]string{"limit_s": strconv.Itoa(int(limit.Seconds()))}
	return e
}

// methodLabel keeps invented methods out of logs and metrics.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet,
		http.MethodHead,
		http.MethodPost,
		http.MethodPut,
		http.MethodPatch,
		http.MethodDelete,
		http.MethodOptions:
		return method
	}
	return "OTHER"
}

func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if r == http.ErrAbortHandler { //nolint:errorlint // the documented sentinel, never wrapped
				panic(r)
			}
			s.cfg.Log.LogAttrs(c.Request().Context(), slog.LevelError, "panic",
				slog.String("request_id", requestID(c)), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", r)
		}()
		return next(c)
	}
}

// nonceBytes is the entropy of a CSP nonce.
const nonceBytes = 18

// securityHeaders sets what every answer carries. Pages get a nonce for the
// scripts and hx-* attributes that they render.
func (s *Server) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
		h.Set("Cache-Control", "no-store")
		if s.cfg.SecureCookies {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		if isAPI(c) {
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			return next(c)
		}
		var raw [nonceBytes]byte
		if _, err := rand.Read(raw[:]); err != nil {
			return fmt.Errorf("draw a nonce: %w", err)
		}
		nonce := base64.RawURLEncoding.EncodeToString(raw[:])
		h.Set("Content-Security-Policy", pageCSP(nonce))
		c.SetRequest(c.Request().WithContext(templ.WithNonce(c.Request().Context(), nonce)))
		return next(c)
	}
}

func pageCSP(nonce string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' 'nonce-" + nonce + "'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types htmx",
	}, "; ")
}

// refuseCrossOrigin stops forms of other sites. Programs send neither Origin
// nor Sec-Fetch-Site and pass; they carry a token that no browser adds.
func (s *Server) refuseCrossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	guard := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if err := guard.Check(c.Request()); err != nil {
			return errs.Wrap(
				err,
				errs.Forbidden,
				CodeCrossOrigin,
				"This form was sent from another site. Nothing was changed.",
			)
		}
		return next(c)
	}
}

// boundBody bounds what can be read of the body.
func (s *Server) boundBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, s.bodyLimit(c))
		return next(c)
	}
}

// limitBody refuses, unread, a body that says that it is longer. It comes after
// admit: a refusal is an answer too.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.tooLong(c); err != nil {
			return err
		}
		return next(c)
	}
}

func (s *Server) tooLong(c echo.Context) error {
	if limit := s.bodyLimit(c); c.Request().ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	return nil
}

func (s *Server) bodyLimit(c echo.Context) int64 {
	if rule := s.rules[routeKey{c.Request().Method, c.Path()}]; rule != nil && rule.MaxBody > 0 {
		return rule.MaxBody
	}
	return MaxBodyBytes
}
