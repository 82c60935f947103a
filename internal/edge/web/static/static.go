package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"sort"
	"strings"

	"github.com/causeway-fund/causeway/internal/edge/packed"
)

// Prefix is the path under which Handler serves; URLs returned by
// Assets.URL start with it.
const Prefix = "/static/"

// hashLen is how many hexadecimal digits of SHA-256 a URL carries.
const hashLen = 16

// cacheYear lets a browser keep a file for a year without asking again (RFC
// 9111, RFC 8246).
const cacheYear = "public, max-age=31536000, immutable"

//go:embed css js vendor docs.css icons.svg icon.svg
var files embed.FS

// Assets maps the plain name of each file, such as "app.css", to its URL and
// bytes. It is read-only after Load.
type Assets struct {
	urls   map[string]string
	byPath map[string]asset
}

type asset struct {
	body        packed.Body
	contentType string
}

// Load reads the embedded files and computes their URLs.
func Load() (*Assets, error) {
	css, err := joined("css", ".css")
	if err != nil {
		return nil, err
	}
	js, err := joined("js", ".js")
	if err != nil {
		return nil, err
	}

	a := &Assets{urls: map[string]string{}, byPath: map[string]asset{}}
	if err := errors.Join(a.add("app.css", css), a.add("app.js", js)); err != nil {
		return nil, err
	}
	for _, name := range []string{"vendor/htmx.min.js", "vendor/hx-csp.min.js", "docs.css", "icons.svg", "icon.svg"} {
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read embedded %s: %w", name, err)
		}
		if err := a.add(path.Base(name), body); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// URL returns the address of a file by its plain name, or "" for a name that
// does not exist.
func (a *Assets) URL(name string) string { return a.urls[name] }

// Handler serves the files below Prefix; everything else is 404.
func (a *Assets) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		f, ok := a.byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Cache-Control", cacheYear)
		h.Set("X-Content-Type-Options", "nosniff")
		if err := f.body.Serve(w, r); err != nil {
			return // the browser went away; there is nobody to tell
		}
	})
}

func (a *Assets) add(name string, body []byte) error {
	served, err := packed.New(body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:hashLen] + ext
	a.urls[name] = url
	a.byPath[url] = asset{body: served, contentType: mime.TypeByExtension(ext)}
	return nil
}

func joined(dir, ext string) ([]byte, error) {
	names, err := fs.Glob(files, dir+"/*"+ext)
	if err != nil {
		return nil, fmt.Errorf("list embedded %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, errors.New("no embedded files under " + dir)
	}
	sort.Strings(names)

	var b bytes.Buffer
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read embedded %s: %w", name, err)
		}
		b.Write(body)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}
