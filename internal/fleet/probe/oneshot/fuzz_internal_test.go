package oneshot

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.0 200\n\nhi", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "\x05\x00", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 900),
		"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", MaxAnswer), "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\nhi",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body, err := read(strings.NewReader(s))
		if err != nil {
			if probe.ClassOf(err) == probe.ClassLocalResources {
				t.Errorf("%v is held to be our own trouble", err)
			}
			return
		}
		if len(body) > MaxAnswer || !strings.Contains(s, body) || !strings.HasPrefix(s, protocol) {
			t.Errorf("%q gives %q", s, body)
		}
	})
}

func FuzzRequests(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\n\n", "POST / HTTP/1.1\r\n\r\n", "GET //x HTTP/1.\n\n", strings.Repeat("a", maxRequest+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := readRequest(strings.NewReader(s))
		switch {
		case errors.Is(err, errRequest), errors.Is(err, io.EOF):
		case err != nil:
			t.Errorf("%v", err)
		case !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \n") || !strings.HasPrefix(s, "GET "+target+" "):
			t.Errorf("%q gives %q", s, target)
		}
	})
}
