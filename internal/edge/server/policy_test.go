package server

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/internal/edge/web/static"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// TestDocumentAndRoutesAgree matches the routes of the API, their permissions
// and required headers with the document, both ways.
func TestDocumentAndRoutesAgree(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(spec.Document())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Errorf("the document is not valid OpenAPI 3.1: %v", err)
	}
	documented := map[string]string{"GET /v1/openapi.yaml": "public []"}
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			permission, _ := op.Extensions["x-permission"].(string)
			var needs []Header
			for _, p := range op.Parameters {
				if p.Value.In == "header" && p.Value.Required {
					needs = append(needs, Header(p.Value.Name))
				}
			}
			documented[method+" "+parameter.ReplaceAllString(path, ":$1")] = permission + " " + needed(needs)
		}
	}
	ruled := map[string]string{}
	for _, r := range newEdge(t, nil).Rules() {
		if strings.HasPrefix(r.Path, "/v1/") {
			ruled[r.Method+" "+r.Path] = string(r.Permission) + " " + needed(r.Needs)
		}
	}
	for key, want := range documented {
		if ruled[key] != want {
			t.Errorf("%s: the document says %q, the policy %q", key, want, ruled[key])
		}
	}
	for key := range ruled {
		if _, ok := documented[key]; !ok {
			t.Errorf("%s is served and not in the document", key)
		}
	}
}

func needed(headers []Header) string {
	return fmt.Sprint(slices.Sorted(slices.Values(headers)))
}

// TestPolicyIsEnforced calls every route of the API as nobody and in every role.
func TestPolicyIsEnforced(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) { c.Rates = Rates{ClientReading: 10_000, Reading: 10_000, Caller: 10_000} })
	allowed := identity.Policy()
	for _, r := range e.Rules() {
		if r.Permission == identity.PermPublic || r.Permission == identity.PermApplicationOwn {
			continue
		}
		path := strings.NewReplacer(":id", "not-an-id", ":number", "x").Replace(r.Path)
		if rec := e.call(t, r.Method, path, ""); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s %s as nobody: %d", r.Method, r.Path, rec.Code)
		}
		for _, role := range identity.Roles() {
			may := r.Permission == SignedIn || slices.Contains(allowed[r.Permission], role)
			rec := e.call(t, r.Method, path, "", "Authorization", "Bearer "+string(role))
			if refused := rec.Code == http.StatusForbidden; refused == may {
				t.Errorf("%s %s as %s: %d, allowed %v", r.Method, r.Path, role, rec.Code, may)
			}
		}
	}
}

func TestEveryRouteHasOneRule(t *testing.T) {
	t.Parallel()
	page := func(e *echo.Echo) {
		e.GET("/review", func(c echo.Context) error { return c.String(http.StatusOK, "queue") })
	}
	rule := Rule{Method: http.MethodGet, Path: "/review", Permission: identity.PermApplicationRead}
	for name, tc := range map[string]struct {
		mount func(*echo.Echo)
		rules []Rule
		want  string
	}{
		"no rule":            {mount: page, rules: []Rule{}, want: "has no rule"},
		"no route":           {mount: func(*echo.Echo) {}, rules: []Rule{rule}, want: "has no route"},
		"two rules":          {mount: page, rules: []Rule{rule, rule}, want: "two rules"},
		"unknown limit":      {mount: page, rules: []Rule{{Method: http.MethodGet, Path: "/review", Permission: identity.PermPublic, Limit: "rarely"}}, want: "cannot have the limit"},
		"free for some":      {mount: page, rules: []Rule{{Method: http.MethodGet, Path: "/review", Permission: identity.PermApplicationRead, Limit: LimitFree}}, want: "cannot have the limit"},
		"unknown permission": {mount: page, rules: []Rule{{Method: http.MethodGet, Path: "/review", Permission: "review.all"}}, want: "which no policy knows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := newEdge(t, func(c *Config) { c.MountPages, c.Pages = page, []Rule{rule} })
			cfg := good.cfg
			cfg.MountPages, cfg.Pages = tc.mount, tc.rules
			cfg.Metrics = noRegistry{}
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestPageSendsVisitorToSignIn(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) {
		c.MountPages = func(e *echo.Echo) {
			e.GET("/review", func(c echo.Context) error { return c.String(http.StatusOK, "queue") })
		}
		c.Pages = []Rule{{Method: http.MethodGet, Path: "/review", Permission: identity.PermApplicationRead}}
		c.SignInPath = "/sign-in"
	})
	rec := e.call(t, http.MethodGet, "/review?state=ready&next=//evil.example", "", "Accept", "text/html")
	if want := "/sign-in?next=%2Freview%3Fstate%3Dready%26next%3D%2F%2Fevil.example"; rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != want {
		t.Errorf("got %d %s", rec.Code, rec.Header().Get("Location"))
	}
	if rec := e.call(t, http.MethodGet, "/review", "", "Cookie", "causeway_session=reviewer"); rec.Code != http.StatusOK {
		t.Errorf("signed in: %d", rec.Code)
	}
	if rec := e.call(t, http.MethodGet, "/review", "", "Cookie", "causeway_session=treasurer"); rec.Code != http.StatusForbidden {
		t.Errorf("another role: %d", rec.Code)
	}
}

func TestDocumentationShowsEveryCall(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) { c.Look.Styles = []string{"/static/app.css"} })
	rec := e.call(t, http.MethodGet, "/docs/api", "")
	page := rec.Body.String()
	if _, err := html.Parse(strings.NewReader(page)); err != nil || rec.Code != http.StatusOK {
		t.Fatalf("status %d, %v", rec.Code, err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(spec.Document())
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if strings.Count(page, `id="`+op.OperationID+`"`) != 1 {
				t.Errorf("%s is not there once", op.OperationID)
			}
		}
	}
	for name := range doc.Components.Schemas {
		if strings.Count(page, `id="schema-`+name+`"`) != 1 {
			t.Errorf("schema %s is not there once", name)
		}
	}
	for _, bad := range []string{"style=", "<script", "onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q, which its policy blocks", bad)
		}
	}
	if strings.Count(page, "<h1") != 1 {
		t.Error("want one h1")
	}
	if rec := e.call(t, http.MethodGet, "/v1/openapi.yaml", ""); rec.Body.String() != string(spec.Document()) {
		t.Error("the document served is not the document")
	}
}

func TestTheDocumentationIsLight(t *testing.T) {
	t.Parallel()
	const most = 100_000 // bytes of the first view, compressed: seconds over Tor
	assets, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, func(c *Config) {
		c.Look = Look{Styles: []string{assets.URL("app.css"), assets.URL("docs.css")}, Icons: assets.URL("icons.svg")}
	})
	size := 0
	page := e.call(t, http.MethodGet, "/docs/api", "", "Accept-Encoding", "gzip")
	size += page.Body.Len()
	for _, name := range []string{"app.css", "docs.css", "icons.svg"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, assets.URL(name), nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		assets.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d", name, w.Code)
		}
		size += w.Body.Len()
	}
	if page.Code != http.StatusOK || page.Header().Get("Content-Encoding") != "gzip" || size > most {
		t.Errorf("status %d, encoding %q, %d bytes in all, want at most %d", page.Code, page.Header().Get("Content-Encoding"), size, most)
	}
	zr, err := gzip.NewReader(page.Body)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := io.ReadAll(zr)
	if plain := e.call(t, http.MethodGet, "/docs/api", "").Body.String(); err != nil || string(packed) != plain {
		t.Errorf("compressed, the page is another one (%v)", err)
	}
}

// TestTheDocumentationLooksAsThePagesDo: it follows the choice that was made on the dashboard, and keeps one made here.
func TestTheDocumentationLooksAsThePagesDo(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	for name, c := range map[string]struct{ query, cookie, theme, kept string }{
		"nothing was chosen":             {"", "", "auto", ""},
		"dark was chosen on a page":      {"", "dark", "dark", ""},
		"light is chosen here":           {"?theme=light", "dark", "light", "light"},
		"the system is to decide":        {"?theme=auto", "dark", "auto", "auto"},
		"a theme that there is not":      {"?theme=%3Cx%3E", "", "auto", ""},
		"a theme that there is not kept": {"", "<x>", "auto", ""},
	} {
		var headers []string
		if c.cookie != "" {
			headers = []string{"Cookie", "causeway_theme=" + c.cookie}
		}
		rec := e.call(t, http.MethodGet, "/docs/api"+c.query, "", headers...)
		kept := ""
		for _, k := range rec.Result().Cookies() {
			kept = k.Value
		}
		if body := rec.Body.String(); rec.Code != http.StatusOK || !strings.Contains(body, `data-theme="`+c.theme+`"`) || kept != c.kept {
			t.Errorf("%s: status %d, kept %q: %.120s", name, rec.Code, kept, body)
		}
		if selected := `value="` + c.theme + `" selected`; c.theme != "auto" && !strings.Contains(rec.Body.String(), selected) {
			t.Errorf("%s: the form does not show what is chosen", name)
		}
	}
}

func TestTheDocumentationSaysWhoMayCall(t *testing.T) {
	t.Parallel()
	for permission, want := range map[identity.Permission]string{
		identity.PermPublic:         "Anyone, without credentials.",
		identity.PermApplicationOwn: "The operator, with the receipt code of the application.",
		SignedIn:                    "Any member of staff.",
		identity.PermBatchApprove:   "Staff with the role treasurer, signed in or with an API token of that scope.",
		identity.PermGrantRead:      "Staff with the role treasurer or auditor, signed in or with an API token of that scope.",
		identity.PermTokenManage:    "Any member of staff, signed in: no API token may.",
		identity.PermVantageManage:  "Staff with the role admin, signed in: no API token may.",
	} {
		got := callerOf(string(permission))
		if got.Words != want || got.NoToken != strings.Contains(want, "no API token") {
			t.Errorf("%s: %+v, want %q", permission, got, want)
		}
	}
}

func TestFormsOfASessionCarryItsToken(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config) {
		c.MountPages = func(e *echo.Echo) {
			e.POST("/review", func(c echo.Context) error { return c.String(http.StatusOK, c.FormValue("do")) })
			e.POST("/apply", func(c echo.Context) error { return c.String(http.StatusOK, c.FormValue("do")) })
		}
		c.Pages = []Rule{
			{Method: http.MethodPost, Path: "/review", Permission: identity.PermApplicationVote},
			{Method: http.MethodPost, Path: "/apply", Permission: identity.PermPublic},
		}
	})
	for name, tc := range map[string]struct {
		path, body, cookie, contentType string
		status                          int
	}{
		"with token":            {path: "/review", body: "do=vote&csrf=good", cookie: "causeway_session=reviewer", status: http.StatusOK},
		"by a script":           {path: "/review", body: `{}`, cookie: "causeway_session=reviewer", contentType: "application/json", status: http.StatusOK},
		"as plain text":         {path: "/review", body: "csrf=good", cookie: "causeway_session=reviewer", contentType: "text/plain", status: http.StatusForbidden},
		"without":               {path: "/review", body: "do=vote", cookie: "causeway_session=reviewer", status: http.StatusForbidden},
		"in the address":        {path: "/review?csrf=good", body: "do=vote", cookie: "causeway_session=reviewer", status: http.StatusForbidden},
		"wrong":                 {path: "/review", body: "do=vote&csrf=bad", cookie: "causeway_session=reviewer", status: http.StatusForbidden},
		"public, signed in":     {path: "/apply", body: "do=vote", cookie: "causeway_session=reviewer", status: http.StatusForbidden},
		"public, not signed in": {path: "/apply", body: "do=vote", status: http.StatusOK},
		"not a form":            {path: "/review", body: "do=%zz", cookie: "causeway_session=reviewer", status: http.StatusBadRequest},
	} {
		rec := e.call(t, http.MethodPost, tc.path, tc.body, "Content-Type", cmp.Or(tc.contentType, "application/x-www-form-urlencoded"), "Cookie", tc.cookie)
		if rec.Code != tc.status {
			t.Errorf("%s: got %d %s, want %d", name, rec.Code, rec.Body, tc.status)
		}
	}
}

// TestBodiesAreBoundedByTheirRule sends a byte more than each rule lets in.
func TestBodiesAreBoundedByTheirRule(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil)
	larger := 0
	for _, r := range e.Rules() {
		if r.MaxBody == 0 {
			continue
		}
		larger++
		path := strings.NewReplacer(":id", "0198c0de-0000-7000-8000-000000000001").Replace(r.Path)
		headers := []string{"Authorization", "Bearer treasurer", "If-Match", `"1"`, "Content-Type", cmp.Or(r.Takes, "application/json")}
		if rec := e.call(t, r.Method, path, strings.Repeat(" ", int(r.MaxBody)+1), headers...); rec.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d", r.Method, r.Path, rec.Code)
		}
		if rec := e.call(t, r.Method, path, strings.Repeat(" ", MaxBodyBytes+1), headers...); rec.Code == http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s takes no more than others", r.Method, r.Path)
		}
	}
	if larger == 0 {
		t.Error("no rule lets larger bodies in")
	}
}
