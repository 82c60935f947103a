package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// fakeAPI answers every call that a test lets through; fail is what the
// handlers return.
type fakeAPI struct {
	api.StrictServerInterface
	fail func() error
}

func (f fakeAPI) GetFund(context.Context, api.GetFundRequestObject) (api.GetFundResponseObject, error) {
	return nil, f.fail()
}

func (f fakeAPI) SubmitApplication(context.Context, api.SubmitApplicationRequestObject) (api.SubmitApplicationResponseObject, error) {
	return nil, f.fail()
}

func (f fakeAPI) GetApplication(context.Context, api.GetApplicationRequestObject) (api.GetApplicationResponseObject, error) {
	return nil, f.fail()
}

// fakeAuth knows a token for each role: its name.
type fakeAuth struct{}

func (fakeAuth) AuthenticateToken(_ context.Context, token string) (identity.Actor, error) {
	for _, r := range identity.Roles() {
		if token == string(r) {
			return identity.Actor{Kind: identity.KindStaff, StaffID: uuid.New(), Name: "Ann", Roles: []identity.Role{r}, SessionID: uuid.New()}, nil
		}
	}
	return identity.Actor{}, errs.New(errs.Unauthenticated, "token_invalid", "This token is not known.")
}

func (a fakeAuth) Authenticate(ctx context.Context, token string) (identity.Actor, identity.Session, error) {
	actor, err := a.AuthenticateToken(ctx, token)
	return actor, identity.Session{ID: actor.SessionID}, err
}

func (fakeAuth) CheckFormToken(_ identity.Session, token string) error {
	if token != "good" {
		return errs.New(errs.Forbidden, "form_token", "This form is out of date.")
	}
	return nil
}

// knownReceipt is the only one that fakeReceipts knows.
const knownReceipt = "0123456789ABCDEFGHJKMNPQRS"

type fakeReceipts struct{}

func (fakeReceipts) KnowsReceipt(_ context.Context, r identity.Receipt) error {
	if r.Code() == knownReceipt {
		return nil
	}
	return errs.New(errs.NotFound, "receipt_unknown", "No application has this receipt code.")
}

type edge struct {
	*Server
	logs     *bytes.Buffer
	registry *prometheus.Registry
	clock    *clock.Fake
}

func newEdge(t *testing.T, change func(*Config)) *edge {
	t.Helper()
	e := &edge{
		logs: &bytes.Buffer{}, registry: prometheus.NewRegistry(),
		clock: clock.NewFake(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)),
	}
	cfg := Config{
		API:  fakeAPI{fail: func() error { return errs.New(errs.Unavailable, "let_through", "The handler ran.") }},
		Auth: fakeAuth{}, Receipts: fakeReceipts{},
		Clock:   e.clock,
		Log:     slog.New(slog.NewJSONHandler(e.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: e.registry,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.Server = s
	return e
}

// call sends a request; headers are name, value pairs.
func (e *edge) call(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	return rec
}

func problemOf(t *testing.T, rec *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	if got := rec.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("status %d, content type %q, body %s", rec.Code, got, rec.Body)
	}
	var p api.Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if int(p.Status) != rec.Code || p.Type != "/problems/"+*p.Code || *p.Instance != rec.Header().Get(HeaderRequestID) {
		t.Errorf("problem does not agree with itself: %s", rec.Body)
	}
	return p
}

const submitHeaders = "Idempotency-Key"

func TestEdgeRefusals(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 16)
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"nothing there":         {method: "GET", path: "/v1/nothing", status: 404, code: "not_found"},
		"wrong method":          {method: "PUT", path: "/v1/fund", status: 405, code: "method_not_allowed"},
		"bad id":                {method: "GET", path: "/v1/applications/xyz", headers: []string{"Authorization", "Bearer reviewer"}, status: 400, code: "malformed_parameter"},
		"bad limit":             {method: "GET", path: "/v1/applications?limit=x", headers: []string{"Authorization", "Bearer reviewer"}, status: 400, code: "malformed_parameter"},
		"no idempotency key":    {method: "POST", path: "/v1/applications", body: "{}", headers: []string{"Content-Type", "application/json"}, status: 428, code: "header_required"},
		"not JSON":              {method: "POST", path: "/v1/applications", body: "a=b", headers: []string{submitHeaders, key, "Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type"},
		"no content type":       {method: "POST", path: "/v1/applications", body: "{}", headers: []string{submitHeaders, key}, status: 415, code: "unsupported_media_type"},
		"other charset":         {method: "POST", path: "/v1/applications", body: "{}", headers: []string{submitHeaders, key, "Content-Type", "application/json; charset=utf-16"}, status: 415, code: "unsupported_media_type"},
		"broken JSON":           {method: "POST", path: "/v1/applications", body: "{", headers: []string{submitHeaders, key, "Content-Type", "application/json"}, status: 400, code: "malformed_json"},
		"reaches handler":       {method: "POST", path: "/v1/applications", body: "{}", headers: []string{submitHeaders, key, "Content-Type", "application/json; charset=UTF-8"}, status: 503, code: "let_through"},
		"too large":             {method: "POST", path: "/v1/applications", body: strings.Repeat(" ", MaxBodyBytes+1), headers: []string{submitHeaders, key, "Content-Type", "application/json"}, status: 413, code: "body_too_large"},
		"nobody":                {method: "GET", path: "/v1/applications", status: 401, code: "sign_in_required"},
		"no receipt":            {method: "GET", path: "/v1/application", status: 401, code: "receipt_required"},
		"wrong scheme":          {method: "GET", path: "/v1/whoami", headers: []string{"Authorization", "Basic eDp5"}, status: 401, code: "token_invalid"},
		"unknown token":         {method: "GET", path: "/v1/whoami", headers: []string{"Authorization", "Bearer nope"}, status: 401, code: "token_invalid"},
		"other site":            {method: "POST", path: "/v1/tokens", body: "{}", headers: []string{"Sec-Fetch-Site", "cross-site", "Cookie", "causeway_session=reviewer"}, status: 403, code: "cross_origin"},
		"stale cookie, public":  {method: "GET", path: "/v1/fund", headers: []string{"Cookie", "causeway_session=gone"}, status: 503, code: "let_through"},
		"stale cookie, private": {method: "GET", path: "/v1/tokens", headers: []string{"Cookie", "causeway_session=gone"}, status: 401, code: "token_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := newEdge(t, nil).call(t, tc.method, tc.path, tc.body, tc.headers...)
			p := problemOf(t, rec)
			if rec.Code != tc.status || *p.Code != tc.code {
				t.Errorf("got %d %s (%s), want %d %s", rec.Code, *p.Code, *p.Detail, tc.status, tc.code)
			}
		})
	}
}

func TestBodyOfUnknownLengthIsBounded(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/applications", strings.NewReader(strings.Repeat(" ", MaxBodyBytes+1)))
	req.ContentLength = -1
	req.Header.Set(submitHeaders, strings.Repeat("k", 16))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	if p := problemOf(t, rec); rec.Code != http.StatusRequestEntityTooLarge || *p.Code != "body_too_large" {
		t.Errorf("got %d %s", rec.Code, *p.Code)
	}
}

func TestUnclassifiedErrorsSayNothing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"plain error": func() error { return errors.New("password=hunter2 at 10.0.0.7") },
		"panic":       func() error { panic("password=hunter2 at 10.0.0.7") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, func(c *Config) { c.API = fakeAPI{fail: fail} })
			rec := e.call(t, http.MethodGet, "/v1/fund", "")
			if p := problemOf(t, rec); rec.Code != http.StatusInternalServerError || *p.Code != "internal" || strings.Contains(rec.Body.String(), "hunter2") {
				t.Errorf("got %d %s", rec.Code, rec.Body)
			}
			if logs := e.logs.String(); strings.Count(logs, "hunter2") != 1 || !strings.Contains(logs, rec.Header().Get(HeaderRequestID)) {
				t.Errorf("want the cause once, with the request id; logs:\n%s", logs)
			}
		})
	}
}

func TestErrorTextDependsOnWhoAsks(t *testing.T) {
	t.Parallel()
	page := func(c echo.Context, v ErrorView) error {
		return c.HTML(v.Status, "<h1>"+v.Code+" "+v.RequestID+"</h1>")
	}
	e := newEdge(t, func(c *Config) { c.ErrorPage = page })
	if rec := e.call(t, http.MethodGet, "/nowhere", "", "Accept", "text/html,application/json"); !strings.HasPrefix(rec.Body.String(), "<h1>not_found ") || rec.Code != http.StatusNotFound {
		t.Errorf("browser got %d %s", rec.Code, rec.Body)
	}
	problemOf(t, e.call(t, http.MethodGet, "/nowhere", "", "Accept", "application/json"))

	broken := newEdge(t, func(c *Config) {
		c.ErrorPage = func(echo.Context, ErrorView) error { return errors.New("template is broken") }
	})
	if rec := broken.call(t, http.MethodGet, "/nowhere", ""); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "Request id: ") {
		t.Errorf("with a broken page got %d %s", rec.Code, rec.Body)
	}
}

func TestNothingOfTheClientIsKept(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	id := uuid.NewString()
	for _, path := range []string{"/v1/fund?q=secret-query", "/v1/applications/" + id, "/secret-path", "/v1/application"} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.RemoteAddr = "203.0.113.9:4711"
		for h, v := range map[string]string{
			"User-Agent": "secret-agent", "Referer": "https://secret-site.example/", "X-Forwarded-For": "198.51.100.77",
			"Causeway-Receipt": "SECRET-RECEIPT", "Request-Id": "secret-id", "X-Request-Id": "secret-id", "Authorization": "Bearer secret-token", "Cookie": "causeway_session=secret-cookie",
		} {
			req.Header.Set(h, v)
		}
		e.ServeHTTP(httptest.NewRecorder(), req)
	}

	kept := e.logs.String()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		kept += f.String()
	}
	for _, secret := range []string{"203.0.113.9", "198.51.100.77", "secret", "SECRET", id} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q is kept:\n%s", secret, kept)
		}
	}
	if !strings.Contains(kept, `"route":"/v1/applications/:id"`) || !strings.Contains(kept, `"route":"unmatched"`) {
		t.Errorf("access log lacks route templates:\n%s", kept)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) { c.SecureCookies = true })
	for path, csp := range map[string]string{"/v1/fund": "default-src 'none'; frame-ancestors 'none'", "/docs/api": "trusted-types htmx", "/nowhere": "script-src 'self' 'nonce-"} {
		h := e.call(t, http.MethodGet, path, "").Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=63072000",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := h.Get("Content-Security-Policy"); !strings.Contains(got, csp) || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", path, got)
		}
	}
	first, second := e.call(t, http.MethodGet, "/docs/api", ""), e.call(t, http.MethodGet, "/docs/api", "")
	if first.Header().Get("Content-Security-Policy") == second.Header().Get("Content-Security-Policy") {
		t.Error("a nonce was used twice")
	}
}
