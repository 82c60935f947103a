package echo_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

const nonce = "000102030405060708090a0b0c0d0e0f"

func key() []byte { return []byte("an echo key of 24 bytes!") }

// direct is a tunnel through nothing.
type direct struct{ env probe.Env }

func (d direct) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	return d.env.Dialer.Dial(ctx, probe.TCP, to, d.env.Trace)
}

func (direct) Close() error { return nil }

// ask asks the server at addr, through nothing.
func ask(t *testing.T, timeout time.Duration, addr probe.Address, nonce string) (probe.Exit, probe.Outcome) {
	t.Helper()
	var e probe.Exit
	out := probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) (err error) {
		e, err = echo.Ask(ctx, direct{env}, addr, nonce)
		return err
	})
	return e, out
}

// serve runs a server and returns what it has seen.
func serve(t *testing.T, c clock.Clock) (probe.Address, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	s, err := echo.NewServer(echo.Config{Key: key(), Clock: c, Seen: func(nonce string, addr netip.Addr) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, nonce+" "+addr.String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return probe.AddressOf(netip.MustParseAddrPort(ln.Addr().String())), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

func TestTheServiceBelievesItsOwnServerOnly(t *testing.T) {
	t.Parallel()
	addr, seen := serve(t, clock.Real{})

	e, out := ask(t, probetest.Enough, addr, nonce)

	probetest.Want(t, out, "ok tcp")
	got, err := echo.Verify(key(), nonce, e)
	if err != nil || got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("%v, %v", got, err)
	}
	if s := seen(); len(s) != 1 || s[0] != nonce+" 127.0.0.1" {
		t.Errorf("seen %q", s)
	}
	for name, tc := range map[string]struct {
		nonce string
		key   []byte
		e     probe.Exit
	}{
		"another address": {nonce, key(), probe.Exit{Addr: "127.0.0.2", MAC: e.MAC}},
		"another check":   {strings.Repeat("0", 32), key(), e},
		"another key":     {nonce, []byte("another key of 24 bytes!"), e},
		"another code":    {nonce, key(), probe.Exit{Addr: e.Addr, MAC: strings.Repeat("0", 64)}},
		"no code":         {nonce, key(), probe.Exit{Addr: e.Addr}},
		"another form":    {nonce, key(), probe.Exit{Addr: "127.1", MAC: e.MAC}},
		"part of a nonce": {nonce[:30], key(), probe.Exit{Addr: nonce[30:] + e.Addr, MAC: e.MAC}},
	} {
		if _, err := echo.Verify(tc.key, tc.nonce, tc.e); err == nil {
			t.Errorf("%s is believed", name)
		}
	}
}

// TestNonceAndAddressDoNotRunIntoOneAnother: the end of a nonce could be the
// beginning of an address.
func TestNonceAndAddressDoNotRunIntoOneAnother(t *testing.T) {
	t.Parallel()
	line, err := echo.Answer(key(), nonce, netip.IPv6Loopback())
	if err != nil {
		t.Fatal(err)
	}
	mac := strings.TrimSuffix(strings.TrimPrefix(line, "::1 "), "\n")
	if a, err := echo.Verify(key(), nonce, probe.Exit{Addr: "::1", MAC: mac}); err != nil || a != netip.IPv6Loopback() {
		t.Errorf("%v, %v", a, err)
	}
	if a, err := echo.Verify(key(), nonce[:31], probe.Exit{Addr: "f::1", MAC: mac}); err == nil {
		t.Errorf("%v is believed", a)
	}
}

// TestAProxyThatEditsTheAnswerIsFound: what the endpoint puts in for its address
// reaches the service, and is refused there.
func TestAProxyThatEditsTheAnswerIsFound(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, clock.Real{})
	proxy := probetest.Serve(t, func(c net.Conn) {
		up, err := net.Dial("tcp", addr.String())
		if err != nil {
			return
		}
		defer up.Close()
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		_, _ = up.Write(b[:n])
		n, _ = up.Read(b)
		_, _ = c.Write([]byte(strings.Replace(string(b[:n]), "127.0.0.1", "127.0.0.9", 1)))
	})

	e, out := ask(t, probetest.Enough, proxy, nonce)

	probetest.Want(t, out, "ok tcp")
	if got, err := echo.Verify(key(), nonce, e); err == nil || e.Addr != "127.0.0.9" {
		t.Errorf("%+v is believed, as %v", e, got)
	}
}

func TestOtherServersAreNotTakenForTheEcho(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		serve   func(net.Conn)
		timeout time.Duration
		want    string
	}{
		"web":        {probetest.Web, probetest.Enough, "target target_invalid"},
		"banner":     {probetest.Banner, probetest.Enough, "target target_invalid"},
		"SSH":        {probetest.Says("SSH-2.0-OpenSSH_9.2p1\r\n"), probetest.Enough, "target target_invalid"},
		"black hole": {probetest.BlackHole, probetest.Patience, "target timeout"},
		"drip":       {probetest.Drip("HTTP/1.1 200 OK\r\nA: "), probetest.Patience, "target timeout"},
		"a line":     {probetest.AfterFirst("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"), probetest.Enough, "target target_invalid"},
		"a page":     {probetest.AfterFirst("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), probetest.Enough, "target target_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, out := ask(t, tc.timeout, probetest.Serve(t, tc.serve), nonce)
			probetest.Want(t, out, tc.want)
		})
	}
	_, out := ask(t, probetest.Enough, probetest.Closed(t), "not a nonce\r\nX: y")
	probetest.Want(t, out, "target local_resources")
}

func TestANetworkIsAnsweredOnlySoOften(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(time.Unix(1_800_000_000, 0))
	addr, seen := serve(t, c)
	got := probe.Outcome{}
	for range 130 {
		_, got = ask(t, probetest.Enough, addr, nonce)
	}
	probetest.Want(t, got, "target target_invalid")
	if n := len(seen()); n != 120 {
		t.Errorf("%d answers in a minute", n)
	}
	c.Advance(time.Minute)
	_, got = ask(t, probetest.Enough, addr, nonce)
	probetest.Want(t, got, "ok tcp")
}

func TestNoncesAndKeys(t *testing.T) {
	t.Parallel()
	a, err := echo.NewNonce(rand.Reader)
	b, berr := echo.NewNonce(rand.Reader)
	if err != nil || berr != nil || a == b || len(a) != 32 {
		t.Errorf("%q, %v, %q, %v", a, err, b, berr)
	}
	if _, err := echo.NewNonce(strings.NewReader("short")); err == nil {
		t.Error("a short nonce")
	}
	if _, err := echo.NewServer(echo.Config{Key: []byte("short"), Clock: clock.Real{}}); err == nil {
		t.Error("a short key is taken")
	}
}

func FuzzVerify(f *testing.F) {
	line, err := echo.Answer(key(), nonce, netip.MustParseAddr("2001:db8::1"))
	if err != nil {
		f.Fatal(err)
	}
	addr, mac, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	f.Add(nonce, addr, mac)
	f.Add("", "", "")
	f.Add(nonce, "::ffff:1.2.3.4", mac)
	f.Fuzz(func(t *testing.T, n, a, m string) {
		got, err := echo.Verify(key(), n, probe.Exit{Addr: a, MAC: m})
		if err != nil {
			return
		}
		if line, err := echo.Answer(key(), n, got); err != nil || line != a+" "+m+"\n" {
			t.Errorf("%q %q %q is believed", n, a, m)
		}
	})
}
