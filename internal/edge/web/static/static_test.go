package static_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/edge/web/static"
)

func load(t *testing.T) *static.Assets {
	t.Helper()
	a, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestFilesAreServedUnderTheirHash(t *testing.T) {
	t.Parallel()
	a := load(t)
	for name, kind := range map[string]string{
		"app.css": "text/css", "docs.css": "text/css", "app.js": "text/javascript", "htmx.min.js": "text/javascript", "hx-csp.min.js": "text/javascript",
		"icons.svg": "image/svg+xml", "icon.svg": "image/svg+xml",
	} {
		w := get(t, a.Handler(), http.MethodGet, a.URL(name))

		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, kind) {
			t.Errorf("%s: content type %q", name, got)
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: cache control %q", name, got)
		}
		sum := sha256.Sum256(w.Body.Bytes())
		if !strings.Contains(a.URL(name), hex.EncodeToString(sum[:])[:16]) {
			t.Errorf("%s: %s does not carry the hash of its bytes", name, a.URL(name))
		}
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	a := load(t)
	for _, path := range []string{"/static/", "/static/app.css", "/static/vendor/README.md", "/static/../static.go"} {
		if w := get(t, a.Handler(), http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := get(t, a.Handler(), http.MethodPost, a.URL("app.css")); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
	if w := get(t, a.Handler(), http.MethodHead, a.URL("app.css")); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: status %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestVendoredFilesAreThoseOfTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("vendor/*.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no vendored scripts: %v", err)
	}
	for _, name := range scripts {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if !strings.Contains(string(readme), hex.EncodeToString(sum[:])) {
			t.Errorf("%s: its SHA-256 is not in vendor/README.md", name)
		}
	}
}

// What operators load stays small, since it is loaded over Tor.
func TestOperatorsLoadLittle(t *testing.T) {
	t.Parallel()
	a := load(t)
	sum := 0
	for _, name := range []string{"app.css", "app.js", "icons.svg", "icon.svg"} {
		sum += get(t, a.Handler(), http.MethodGet, a.URL(name)).Body.Len()
	}
	if sum > 60_000 {
		t.Errorf("operators' pages load %d bytes uncompressed, want at most 60000", sum)
	}
}

func TestStylesUseNoForeignOrigin(t *testing.T) {
	t.Parallel()
	a := load(t)
	css := get(t, a.Handler(), http.MethodGet, a.URL("app.css")).Body.String()
	if m := regexp.MustCompile(`url\(|@import|https?:`).FindString(css); m != "" {
		t.Errorf("the stylesheet says %q", m)
	}
	if m := regexp.MustCompile(`(margin|padding|border|inset)-(left|right)|[^-](left|right):`).FindString(css); m != "" {
		t.Errorf("the stylesheet uses %q; right-to-left pages need logical properties", m)
	}
}
