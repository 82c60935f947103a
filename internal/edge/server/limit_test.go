package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// from sends a request of one address.
func (e *edge) from(t *testing.T, addr, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	req.RemoteAddr = addr
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	return rec
}

// drain calls until it is refused, and returns how often it was let through.
func (e *edge) drain(t *testing.T, addr, method, path string, headers ...string) int {
	t.Helper()
	for n := range 100_000 {
		if e.from(t, addr, method, path, headers...).Code == http.StatusTooManyRequests {
			return n
		}
	}
	t.Fatalf("%s %s has no limit", method, path)
	return 0
}

const (
	mallory = "203.0.113.9:4711"
	alice   = "198.51.100.1:4711"
	bearer  = "Authorization"
)

func TestClientsAreCountedApart(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	if got, want := e.drain(t, mallory, http.MethodGet, "/v1/fund"), 10*DefaultRates().ClientReading; got != want {
		t.Errorf("one client may call %d times at once, want %d", got, want)
	}
	rec := e.from(t, mallory, http.MethodGet, "/v1/fund")
	if p := problemOf(t, rec); *p.Code != "rate_limited_client" || rec.Header().Get("Retry-After") != "1" || !strings.Contains(*p.Detail, "Try again in a second.") {
		t.Errorf("got %s, Retry-After %q", rec.Body, rec.Header().Get("Retry-After"))
	}
	if got := e.from(t, alice, http.MethodGet, "/v1/fund").Code; got == http.StatusTooManyRequests {
		t.Error("another client is refused with it")
	}
	if got := e.from(t, mallory, http.MethodPost, "/v1/links").Code; got == http.StatusTooManyRequests {
		t.Error("who reads too much may not write")
	}
	e.clock.Advance(time.Second)
	if got, want := e.drain(t, mallory, http.MethodGet, "/v1/fund"), DefaultRates().ClientReading; got != want {
		t.Errorf("after a second %d calls, want %d", got, want)
	}
}

func TestEverybodyTogetherHasALimit(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) { c.Rates = Rates{Writing: 100, Reading: 10, ClientWriting: 50} })
	for i := range 200 {
		if got := e.from(t, "198.51.100."+strconv.Itoa(i%20)+":1", http.MethodPost, "/v1/links").Code; got == http.StatusTooManyRequests {
			t.Fatalf("call %d is refused", i)
		}
	}
	rec := e.from(t, alice, http.MethodPost, "/v1/links")
	if p := problemOf(t, rec); rec.Code != http.StatusTooManyRequests || *p.Code != "rate_limited_everybody" || rec.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	if got := e.from(t, mallory, http.MethodGet, "/v1/audit/checkpoints").Code; got == http.StatusTooManyRequests {
		t.Error("reading is refused with writing")
	}
	if got := e.drain(t, mallory, http.MethodGet, "/v1/audit/checkpoints"); got > 1 {
		t.Errorf("what is heavy counts for ten: %d more calls at 10 a second", got)
	}
}

// TestCredentialsHaveBucketsOfTheirOwn: who shows something valid is not refused
// for what others did, not even on the same network; and a credential that is no
// good is charged to who tried it.
func TestCredentialsHaveBucketsOfTheirOwn(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) { c.Rates = Rates{Guessing: 5} })
	for _, flood := range [][]string{
		{http.MethodGet, "/v1/whoami"},
		{http.MethodGet, "/v1/whoami", bearer, "Bearer wrong"},
		{http.MethodGet, "/v1/application", api.HeaderReceipt, strings.Repeat("Z", identity.ReceiptLen)},
	} {
		if got := e.drain(t, mallory, flood[0], flood[1], flood[2:]...); got > 600 {
			t.Errorf("%v was let through %d times", flood, got)
		}
	}
	good := map[string][]string{
		"token":   {"/v1/tokens", bearer, "Bearer treasurer"},
		"session": {"/v1/tokens", "Cookie", "causeway_session=reviewer"},
		"receipt": {"/v1/application", api.HeaderReceipt, strings.ToLower(knownReceipt)},
	}
	for name, call := range good {
		if got := e.from(t, alice, http.MethodGet, call[0], call[1:]...).Code; got == http.StatusTooManyRequests || got == http.StatusUnauthorized {
			t.Errorf("%s of another client: %d", name, got)
		}
		// Seen to be valid, it passes on the network of the flood as well.
		if got := e.from(t, mallory, http.MethodGet, call[0], call[1:]...).Code; got == http.StatusTooManyRequests || got == http.StatusUnauthorized {
			t.Errorf("%s behind the flood's address: %d", name, got)
		}
	}
	rec := e.from(t, mallory, http.MethodGet, "/v1/whoami", bearer, "Bearer wrong too")
	if p := problemOf(t, rec); *p.Code != "rate_limited_client" {
		t.Errorf("a wrong token: %d %s", rec.Code, rec.Body)
	}
	if got := e.drain(t, alice, http.MethodGet, "/v1/tokens", bearer, "Bearer treasurer"); got < 990 || got > 1000 {
		t.Errorf("a token may be used %d times at once", got)
	}
	if p := problemOf(t, e.from(t, alice, http.MethodGet, "/v1/tokens", bearer, "Bearer treasurer")); *p.Code != "rate_limited_caller" {
		t.Errorf("its own limit is %s", *p.Code)
	}
	if got := e.from(t, alice, http.MethodGet, "/v1/tokens", bearer, "Bearer auditor").Code; got == http.StatusTooManyRequests {
		t.Error("another token is refused with it")
	}
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		text.WriteString(f.String())
	}
	for _, want := range []string{`name:"causeway_http_refused_total"`, `value:"client"`, `value:"guessing"`, `name:"causeway_limit_clients"`, `name:"causeway_limit_callers"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestReadsOfBadCredentialsAreBounded counts how often one client that guesses
// makes the server look something up.
func TestReadsOfBadCredentialsAreBounded(t *testing.T) {
	t.Parallel()
	looks := 0
	e := newEdge(t, func(c *Config) {
		c.Rates = Rates{Guessing: 20, ClientGuessing: 5}
		c.Auth = countingAuth{looks: &looks}
	})
	for i := range 1000 {
		e.from(t, mallory, http.MethodGet, "/v1/whoami", bearer, "Bearer guess "+strconv.Itoa(i))
	}
	if want := 50 + 40; looks != want {
		t.Errorf("1000 guesses were looked up %d times, want %d: the client's burst, and what is left for such clients", looks, want)
	}
}

type countingAuth struct {
	fakeAuth
	looks *int
}

func (a countingAuth) AuthenticateToken(ctx context.Context, token string) (identity.Actor, error) {
	*a.looks++
	return a.fakeAuth.AuthenticateToken(ctx, token)
}

// TestARevokedCredentialLosesItsBucket: it counts as a guess from then on.
func TestARevokedCredentialLosesItsBucket(t *testing.T) {
	t.Parallel()
	auth := &revocableAuth{}
	e := newEdge(t, func(c *Config) { c.Auth, c.Rates = auth, Rates{Guessing: 5} })
	if got := e.from(t, alice, http.MethodGet, "/v1/tokens", bearer, "Bearer treasurer").Code; got == http.StatusUnauthorized {
		t.Fatalf("got %d", got)
	}
	auth.revoked = true
	if got := e.drain(t, alice, http.MethodGet, "/v1/tokens", bearer, "Bearer treasurer"); got > 10*DefaultRates().ClientGuessing+10 {
		t.Errorf("a revoked token was looked up %d times", got)
	}
	auth.revoked, auth.down = false, true
	e.clock.Advance(time.Minute)
	for range 200 { // nobody can tell that it is bad
		if got := e.from(t, mallory, http.MethodGet, "/v1/tokens", bearer, "Bearer treasurer").Code; got != http.StatusServiceUnavailable {
			t.Fatalf("with the database down: %d", got)
		}
	}
}

type revocableAuth struct {
	fakeAuth
	revoked, down bool
}

func (a *revocableAuth) AuthenticateToken(ctx context.Context, token string) (identity.Actor, error) {
	if a.down {
		return identity.Actor{}, errs.New(errs.Unavailable, "database_down", "The database does not answer.")
	}
	if a.revoked {
		token = ""
	}
	return a.fakeAuth.AuthenticateToken(ctx, token)
}

// TestFreeRoutesAskNobodyWhoTheyAre: files and health cost no look-up and no bucket.
func TestFreeRoutesAskNobodyWhoTheyAre(t *testing.T) {
	t.Parallel()
	looks := 0
	e := newEdge(t, func(c *Config) {
		c.Auth = countingAuth{looks: &looks}
		c.MountPages = func(e *echo.Echo) {
			e.GET("/static/*", func(c echo.Context) error {
				if c.Param("*") != "app.css" {
					return echo.ErrNotFound
				}
				return c.String(http.StatusOK, "css")
			})
		}
		c.Pages = []Rule{{Method: http.MethodGet, Path: "/static/*", Permission: identity.PermPublic, Limit: LimitFree}}
		c.ErrorPage = func(echo.Context, ErrorView) error { return errors.New("a page was drawn") }
	})
	for _, path := range []string{"/static/app.css", "/livez", "/readyz", "/healthz"} {
		for range 2000 {
			if rec := e.from(t, mallory, http.MethodGet, path, bearer, "Bearer wrong"); rec.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, rec.Code)
			}
		}
	}
	if rec := e.from(t, mallory, http.MethodGet, "/static/none"); rec.Code != http.StatusNotFound || !strings.HasPrefix(rec.Body.String(), "Not Found.") {
		t.Errorf("a file that is not there: %d %s", rec.Code, rec.Body)
	}
	if looks != 0 {
		t.Errorf("%d look-ups", looks)
	}
}

// TestWhatIsNotThereIsCounted: an address without a route costs an error page.
func TestWhatIsNotThereIsCounted(t *testing.T) {
	t.Parallel()
	pages := 0
	e := newEdge(t, func(c *Config) {
		c.ErrorPage = func(c echo.Context, v ErrorView) error {
			pages++
			return c.String(v.Status, "page")
		}
	})
	if got, want := e.drain(t, mallory, http.MethodGet, "/nowhere", "Accept", "text/html"), 10*DefaultRates().ClientReading; got != want {
		t.Errorf("404 %d times at once, want %d", got, want)
	}
	pages = 0
	var last *httptest.ResponseRecorder
	for range 1000 {
		last = e.from(t, mallory, http.MethodGet, "/nowhere", "Accept", "text/html")
	}
	if pages > 2*refusalPagesPerSecond || last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") == "" || !strings.Contains(last.Body.String(), "Try again in") {
		t.Errorf("%d of 1000 refusals were drawn as pages; the last is %d %s", pages, last.Code, last.Body)
	}
	if got := strings.Count(e.logs.String(), `"level":"INFO","msg":"request"`); got > 10*DefaultRates().ClientReading {
		t.Errorf("a flood wrote %d lines", got)
	}
}

// TestReceiptsOfForms: the code is in the body, which is read only while the client
// may still guess.
func TestReceiptsOfForms(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) {
		c.Rates = Rates{Guessing: 5}
		c.MountPages = func(e *echo.Echo) {
			e.POST("/status", func(c echo.Context) error { return c.String(http.StatusOK, c.FormValue("code")) })
		}
		c.Pages = []Rule{{Method: http.MethodPost, Path: "/status", Permission: identity.PermPublic, Limit: LimitReceipt}}
	})
	post := func(addr, code string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/status", strings.NewReader("code="+code))
		req.RemoteAddr = addr
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		return rec
	}
	refused := 0
	for i := range 200 {
		if post(mallory, "WRONG"+strconv.Itoa(i)).Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 100 {
		t.Errorf("%d of 200 guesses were refused", refused)
	}
	for range 90 {
		if rec := post(alice, knownReceipt); rec.Code != http.StatusOK || rec.Body.String() != knownReceipt {
			t.Fatalf("the owner of a receipt: %d %s", rec.Code, rec.Body)
		}
	}
	long := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/status", strings.NewReader("code="+strings.Repeat("x", MaxBodyBytes)))
	long.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, long)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %d", rec.Code)
	}
}

// TestProbersHaveBucketsOfTheirOwn: the gate is passed with a verified signature;
// who never gets there pays for it.
func TestProbersHaveBucketsOfTheirOwn(t *testing.T) {
	t.Parallel()
	probers := proberAPI{}
	e := newEdge(t, func(c *Config) { c.API, c.Rates = probers, Rates{Guessing: 5} })
	lease := func(addr, who string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/prober/lease", strings.NewReader(`{"body":"`+who+`","signature":"AAAA"}`))
		req.RemoteAddr = addr
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		return rec.Code
	}
	refused := 0
	for range 200 {
		if lease(mallory, "AAAA") == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 130 {
		t.Errorf("%d of 200 forged requests were refused", refused)
	}
	for i := range 1000 {
		if got := lease(alice, "BBBB"); got == http.StatusTooManyRequests {
			t.Fatalf("a prober's request %d is refused", i)
		}
	}
	if got := lease(alice, "BBBB"); got != http.StatusTooManyRequests {
		t.Errorf("a prober has no limit: %d", got)
	}
	if got := lease(alice, "CCCC"); got == http.StatusTooManyRequests {
		t.Error("another prober on its network is refused with it")
	}
}

// proberAPI takes any body but AAAA for signed, by a prober of that name.
type proberAPI struct{ api.StrictServerInterface }

func (proberAPI) LeaseChecks(ctx context.Context, r api.LeaseChecksRequestObject) (api.LeaseChecksResponseObject, error) {
	if r.Body.Body[0] == 0 {
		return nil, errs.New(errs.Unauthenticated, "signature_wrong", "The message is not signed with the enrolled key.")
	}
	if err := api.ProberGate(ctx).Pass(uuid.NewSHA1(uuid.Nil, r.Body.Body)); err != nil {
		return nil, err
	}
	return nil, errs.New(errs.Unavailable, "let_through", "The handler ran.")
}

func TestEvery429SaysWhen(t *testing.T) {
	t.Parallel()
	var fail error
	e := newEdge(t, func(c *Config) { c.API = fakeAPI{fail: func() error { return fail }} })
	for want, params := range map[string]map[string]string{
		"60":  nil,
		"7":   {"retry_after_s": "7"},
		"600": {"until": e.clock.Now().Add(10 * time.Minute).Format(time.RFC3339)},
		"1":   {"until": e.clock.Now().Add(-time.Minute).Format(time.RFC3339)},
	} {
		limited := errs.New(errs.RateLimited, "too_soon", "Later.")
		limited.Params = params
		fail = limited
		if got := e.call(t, http.MethodGet, "/v1/fund", "").Header().Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %q, want %q", params, got, want)
		}
	}
}

func TestRatesAreChecked(t *testing.T) {
	t.Parallel()
	good := newEdge(t, nil).cfg
	good.Metrics = noRegistry{}
	for _, r := range []Rates{{Reading: -1}, {ClientGuessing: maxRate + 1}} {
		cfg := good
		cfg.Rates = r
		if _, err := New(cfg); !errs.Is(err, "limit_out_of_range") || !strings.Contains(err.Error(), "--limit-") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
