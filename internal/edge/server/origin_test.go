package server

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
)

func TestWhereRequestsComeFrom(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	o := &origins{
		trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		log:     slog.New(slog.NewTextHandler(&logs, nil)),
	}
	const nobody = "invalid Prefix"
	for name, tc := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"IPv4":                          {"203.0.113.9:1", nil, "203.0.113.9/32"},
		"IPv4 in IPv6":                  {"[::ffff:203.0.113.9]:1", nil, "203.0.113.9/32"},
		"IPv6 by /64":                   {"[2001:db8:1:2:3:4:5:6]:1", nil, "2001:db8:1:2::/64"},
		"link-local with a zone":        {"[fe80::1%eth0]:1", nil, "fe80::/64"},
		"other loopback":                {"127.0.0.2:1", nil, "127.0.0.2/32"},
		"said by nobody trusted":        {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9/32"},
		"said by the proxy":             {"127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1/32"},
		"said by the proxy, IPv6":       {"127.0.0.1:1", []string{"2001:db8::7"}, "2001:db8::/64"},
		"with ports":                    {"127.0.0.1:1", []string{"[2001:db8::7]:99"}, "2001:db8::/64"},
		"invented on the left":          {"127.0.0.1:1", []string{"192.0.2.1, 198.51.100.1"}, "198.51.100.1/32"},
		"two proxies":                   {"127.0.0.1:1", []string{"192.0.2.1, 198.51.100.1, 10.1.2.3"}, "198.51.100.1/32"},
		"two lines":                     {"[fd00::1]:1", []string{"198.51.100.1", "10.1.2.3"}, "198.51.100.1/32"},
		"the proxy says nothing":        {"127.0.0.1:1", nil, nobody},
		"only proxies":                  {"127.0.0.1:1", []string{"10.1.2.3,10.1.2.4"}, nobody},
		"not an address":                {"127.0.0.1:1", []string{"198.51.100.1, unknown"}, nobody},
		"empty":                         {"127.0.0.1:1", []string{""}, nobody},
		"not an address on the left":    {"127.0.0.1:1", []string{"<script>, 198.51.100.1"}, "198.51.100.1/32"},
		"a socket":                      {"@", []string{"198.51.100.1"}, nobody},
		"more proxies than are read":    {"127.0.0.1:1", []string{"198.51.100.1" + strings.Repeat(",10.1.0.1", maxForwarded)}, nobody},
		"as many proxies as are read":   {"127.0.0.1:1", []string{"198.51.100.1" + strings.Repeat(",10.1.0.1", maxForwarded-1)}, "198.51.100.1/32"},
		"a neighbour of a trusted host": {"127.0.0.2:1", []string{"198.51.100.1"}, "127.0.0.2/32"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = tc.peer
		r.Header[headerForwarded] = tc.forwarded
		if got := o.of(r); got.String() != tc.want || got.named() == (tc.want == nobody) {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	if text := logs.String(); strings.Count(text, "level=WARN") != 1 || strings.Contains(text, "203.0.113") || strings.Contains(text, "198.51") {
		t.Errorf("want one warning that names nobody:\n%s", text)
	}
}

func TestTrustedProxiesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"127.0.0.1": "127.0.0.1/32", "::1": "::1/128", "10.1.0.0/16": "10.1.0.0/16", "fd00::/8": "fd00::/8", "0.0.0.0/0": "0.0.0.0/0"} {
		if got, err := ParseTrustedProxy(text); err != nil || got.String() != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "localhost", "10.1.2.3/16", "10.1.2.3:80", "::ffff:10.1.0.0/112", "fe80::1%eth0", "10.1.0.0/33"} {
		if got, err := ParseTrustedProxy(text); !errs.Is(err, "trusted_proxy") {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

// TestOnionConnections speaks as Tor does, and as somebody who is no Tor.
func TestOnionConnections(t *testing.T) {
	t.Parallel()
	o := &origins{trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, log: slog.New(slog.DiscardHandler)}
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := OnionServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := o.of(r)
		_, _ = io.WriteString(w, from.kind()+" "+from.String())
	}))
	done := make(chan error, 1)
	go func() { done <- s.Serve(OnionListener(raw)) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done //nolint:errcheck // a failure shows in what follows
	})
	// tor(1): "the circuit's global identifier is in the last 32 bits of the address".
	const first, second = "fc00:dead:beef:4dad::1:1", "fc00:dead:beef:4dad::1:2"
	for name, tc := range map[string]struct{ line, want string }{
		"a circuit":            {"PROXY TCP6 " + first + " ::1 65535 42\r\n", "circuit " + first + "/128"},
		"another":              {"PROXY TCP6 " + second + " ::1 65535 42\r\n", "circuit " + second + "/128"},
		"no line":              {"", "network invalid Prefix"},
		"unknown":              {"PROXY UNKNOWN\r\n", "network invalid Prefix"},
		"an address":           {"PROXY TCP4 203.0.113.9 127.0.0.1 65535 42\r\n", "network invalid Prefix"},
		"an IPv6 address":      {"PROXY TCP6 2001:db8::1 ::1 65535 42\r\n", "network invalid Prefix"},
		"IPv4 that says IPv6":  {"PROXY TCP6 203.0.113.9 127.0.0.1 65535 42\r\n", ""},
		"no end":               {"PROXY TCP6 " + strings.Repeat("1", proxyMax), ""},
		"a bare line feed":     {"PROXY TCP6 " + first + " ::1 65535 42\n", ""},
		"too few fields":       {"PROXY TCP6 " + first + "\r\n", ""},
		"twice, as part of it": {"PROXY TCP6 " + first + " ::1 65535 42\r\nPROXY TCP6 " + second + " ::1 65535 42\r\n", ""},
	} {
		c, err := net.Dial("tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, tc.line+"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c) // a connection that is refused ends with an error
		_ = c.Close()
		_, body, _ := strings.Cut(string(got), "\r\n\r\n")
		if ok := strings.HasPrefix(string(got), "HTTP/1.1 200"); ok != (tc.want != "") || (ok && body != tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func FuzzProxyLine(f *testing.F) {
	for _, s := range []string{"PROXY TCP6 fc00:dead:beef:4dad::1:1 ::1 65535 42\r\nGET", "PROXY UNKNOWN\r\n", "GET / HTTP/1.1\r\n", "PROXY ", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := bufio.NewReader(strings.NewReader(s))
		from, err := readProxyLine(r)
		if from.named() && (err != nil || !from.circuit || !torCircuits.Contains(from.net.Addr()) || from.net.Bits() != 128) {
			t.Errorf("%q is %+v, %v", s, from, err)
		}
		rest, _ := io.ReadAll(r)
		if !strings.HasPrefix(s, proxyMark) && string(rest) != s {
			t.Errorf("%q lost bytes: %q", s, rest)
		}
		if err == nil && strings.HasPrefix(s, proxyMark) && len(s) > len(proxyMark) && len(s)-len(rest) > proxyMax {
			t.Errorf("a line of %d bytes was taken", len(s)-len(rest))
		}
	})
}

func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"198.51.100.1", "192.0.2.1, 10.1.2.3", "[2001:db8::7]:99", ", ,", "fe80::1%eth0", "unknown"} {
		f.Add(s)
	}
	o := &origins{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, s string) {
		from := o.forwarded([]string{s})
		if from.named() && (o.trusts(from.net.Addr()) || from.circuit || from.net != from.net.Masked() || from.net.Addr().Zone() != "") {
			t.Errorf("%q is %s", s, from)
		}
		if from.named() && from.net.Addr().Is4() {
			if text := from.net.Addr().String(); !strings.Contains(s, text) && !strings.Contains(strings.ToLower(s), ":") {
				t.Errorf("%q is %s, which it does not say", s, from)
			}
		}
	})
}
