package oneshot_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// serve runs a server that answers with the request's target.
func serve(t *testing.T) (addr probe.Address, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- oneshot.Serve(ctx, ln, func(target string, from netip.Addr) (oneshot.Status, string) {
			if from != netip.MustParseAddr("127.0.0.1") {
				t.Errorf("from %s", from)
			}
			if target == "/none" {
				return oneshot.NotFound, "not said"
			}
			return oneshot.OK, target
		})
	}()
	return probe.AddressOf(netip.MustParseAddrPort(ln.Addr().String())), func() error {
		cancel()
		return <-ended
	}
}

func dial(t *testing.T, addr probe.Address) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(probetest.Enough)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestARequestIsAnswered(t *testing.T) {
	t.Parallel()
	addr, stop := serve(t)
	body, err := oneshot.Get(dial(t, addr), addr, "/a?b=c")
	if err != nil || body != "/a?b=c" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := oneshot.Get(dial(t, addr), addr, "/none"); probe.ClassOf(err) != probe.ClassTargetInvalid {
		t.Errorf("404: %v", err)
	}
	c := dial(t, addr)
	if _, err := io.WriteString(c, "GET /none HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1 404 ")) || !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		t.Errorf("404: %q, %v", b, err)
	}
	if err := stop(); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// TestOthersUnderstandTheServer asks with the standard library's client.
func TestOthersUnderstandTheServer(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr.String()+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(b) != "/x" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v, %v", resp.StatusCode, b, resp.Header, err)
	}
}

// TestTheClientUnderstandsOthers asks the standard library's server.
func TestTheClientUnderstandsOthers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Header().Set("Content-Length", "5000")
			_, _ = io.WriteString(w, strings.Repeat("x", 5000))
		case "/parts":
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		case "/elsewhere":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "here")
		}
	}))
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := probe.ParseAddress(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := oneshot.Get(dial(t, addr), addr, "/"); err != nil || body != "here" {
		t.Errorf("%q, %v", body, err)
	}
	for _, target := range []string{"/long", "/parts", "/elsewhere"} {
		if body, err := oneshot.Get(dial(t, addr), addr, target); probe.ClassOf(err) != probe.ClassTargetInvalid {
			t.Errorf("%s: %q, %v", target, body, err)
		}
	}
}

func TestOtherRequestsAreRefused(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	for name, request := range map[string]string{
		"no GET":     "POST /a HTTP/1.1\r\n\r\n",
		"no path":    "GET http://other.example/ HTTP/1.1\r\n\r\n",
		"no version": "GET /a\r\n\r\n",
		"SOCKS":      "\x05\x01\x00\n\n",
		"endless":    "GET /" + strings.Repeat("a", 4000),
		"headers":    "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 1000),
	} {
		c := dial(t, addr)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(8 * time.Second)); err != nil { // sooner than the server gives up waiting
			t.Fatal(err)
		}
		b, err := io.ReadAll(c) // what the server did not read may end in a reset
		if probe.ClassOf(err) == probe.ClassTimeout || len(b) > 0 && !bytes.HasPrefix(b, []byte("HTTP/1.1 400 ")) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestAServerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	addr, stop := serve(t)
	c := dial(t, addr)
	if _, err := io.WriteString(c, "GET /"); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(c); err != nil && probe.ClassOf(err) != probe.ClassReset {
		t.Errorf("the connection is open: %v", err)
	}
	if c, err := net.Dial("tcp", addr.String()); err == nil {
		c.Close()
		t.Error("the listener is open")
	}
}
