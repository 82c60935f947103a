package httpconnect_test

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/httpconnect"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// proxy runs net/http as a proxy; it lets in who says auth.
func proxy(t *testing.T, auth string, denied int) probe.Address {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
		plain, _ := base64.StdEncoding.DecodeString(got)
		if r.Method != http.MethodConnect || string(plain) != auth {
			w.WriteHeader(denied)
			return
		}
		up, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer up.Close()
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"); err != nil {
			return
		}
		go func() { _, _ = io.Copy(up, rw) }()
		_, _ = io.Copy(c, up)
	}))
	t.Cleanup(s.Close)
	a, err := probe.ParseAddress(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// through checks spec as far as an echo behind it.
func through(t *testing.T, timeout time.Duration, spec link.HTTP, to probe.Address) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		return probetest.Through(ctx, env, httpconnect.New(spec, env), to)
	})
}

func TestAgainstAServer(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	for name, tc := range map[string]struct {
		addr           probe.Address
		user, password string
		to             probe.Address
		want           string
	}{
		"open":                {proxy(t, "", 407), "", "", echo, "ok target"},
		"with a user":         {proxy(t, "u:p:q", 407), "u", "p:q", echo, "ok target"},
		"wrong password":      {proxy(t, "u:p", 407), "u", "q", echo, "auth auth_rejected"},
		"wrong password, 401": {proxy(t, "u:p", 401), "u", "q", echo, "auth auth_rejected"},
		"no user given":       {proxy(t, "u:p", 407), "", "", echo, "auth auth_required"},
		"rules":               {proxy(t, "u:p", 403), "", "", echo, "relay relay_refused"},
		"closed target":       {proxy(t, "", 407), "", "", probetest.Closed(t), "relay target_unreachable"},
		"closed":              {probetest.Closed(t), "", "", echo, "tcp refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := through(t, probetest.Enough, link.HTTP{Addr: tc.addr, User: tc.user, Password: tc.password}, tc.to)
			probetest.Want(t, out, tc.want)
		})
	}
}

func TestBadServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		serve   func(net.Conn)
		timeout time.Duration
		want    string
	}{
		"black hole":      {probetest.BlackHole, probetest.Patience, "handshake timeout"},
		"endless banner":  {probetest.Banner, probetest.Enough, "handshake protocol_mismatch"},
		"endless head":    {probetest.AfterFirst("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 4000)), probetest.Enough, "handshake protocol_mismatch"},
		"endless line":    {probetest.AfterFirst("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 20_000)), probetest.Enough, "handshake protocol_mismatch"},
		"endless interim": {probetest.AfterFirst(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 4000)), probetest.Enough, "handshake protocol_mismatch"},
		"slow drip":       {probetest.Drip("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 1000)), probetest.Patience, "handshake timeout"},
		"SOCKS":           {probetest.Says("\x05\x00"), probetest.Enough, "handshake protocol_mismatch"},
		"no status":       {probetest.Says("HTTP/1.1 abc\r\n\r\n"), probetest.Enough, "handshake protocol_mismatch"},
		"HTTP/2":          {probetest.Says("HTTP/2 200\r\n\r\n"), probetest.Enough, "handshake protocol_mismatch"},
		"web server":      {probetest.Web, probetest.Enough, "relay relay_refused"},
		"redirect":        {probetest.AfterFirst("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), probetest.Enough, "relay relay_refused"},
		"cut":             {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX:"); _, _ = c.Read(make([]byte, 999)) }, probetest.Enough, "handshake eof"},
		"early data": {
			probetest.AfterFirst("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nare you there?"), probetest.Enough, "ok target",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := link.HTTP{Addr: probetest.Serve(t, tc.serve)}
			probetest.Want(t, through(t, tc.timeout, spec, probetest.Closed(t)), tc.want)
		})
	}
}
