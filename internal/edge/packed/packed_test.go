package packed_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/edge/packed"
)

func answer(t *testing.T, body packed.Body, method string, accept ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	for _, a := range accept {
		r.Header.Add("Accept-Encoding", a)
	}
	w := httptest.NewRecorder()
	if err := body.Serve(w, r); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheCallerChoosesTheForm(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte("the same for everybody\n"), 200)
	body, err := packed.New(plain)
	if err != nil {
		t.Fatal(err)
	}
	for accept, compressed := range map[string]bool{
		"": false, "gzip": true, "br, GZIP": true, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=0.5, br": true,
		"gzip;q=high": false, "gzip;level=9": false, "identity": false, "*": false, "xgzip": false,
	} {
		w := answer(t, body, http.MethodGet, accept)
		got := w.Body.Bytes()
		if (w.Header().Get("Content-Encoding") == "gzip") != compressed {
			t.Errorf("%q: encoding %q", accept, w.Header().Get("Content-Encoding"))
			continue
		}
		if compressed {
			zr, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if len(got)*4 > len(plain) {
				t.Errorf("%d bytes of %d", len(got), len(plain))
			}
			if got, err = io.ReadAll(zr); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, plain) || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %d bytes, Vary %q", accept, len(got), w.Header().Get("Vary"))
		}
	}
	if w := answer(t, body, http.MethodGet, "br", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("the second of two headers was not read")
	}
	head := answer(t, body, http.MethodHead, "gzip")
	if n := head.Header().Get("Content-Length"); head.Body.Len() != 0 || n != answer(t, body, http.MethodGet, "gzip").Header().Get("Content-Length") {
		t.Errorf("HEAD: %d bytes, length %s", head.Body.Len(), n)
	}
}

func TestWhatGzipMakesNoSmallerStaysPlain(t *testing.T) {
	t.Parallel()
	body, err := packed.New([]byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	w := answer(t, body, http.MethodGet, "gzip")
	if got := w.Body.String(); got != "short" || w.Header().Get("Content-Encoding")+strings.Join(w.Header().Values("Vary"), "") != "" {
		t.Errorf("%q, %v", got, w.Header())
	}
}
