package socks5_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	server "github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/socks5"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// quiet is a log that nobody reads.
type quiet struct{}

func (quiet) Errorf(string, ...any) {}

// proxy runs a SOCKS5 server that another project wrote; user "" lets all in.
func proxy(t *testing.T, user, password string, opts ...server.Option) probe.Address {
	t.Helper()
	opts = append(opts, server.WithLogger(quiet{}))
	if user != "" {
		opts = append(opts, server.WithCredential(server.StaticCredentials{user: password}))
	}
	s := server.NewServer(opts...)
	return probetest.Serve(t, func(c net.Conn) { _ = s.ServeConn(c) })
}

// through checks spec as far as an echo behind it.
func through(t *testing.T, timeout time.Duration, spec link.SOCKS5, to probe.Address) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		return probetest.Through(ctx, env, socks5.New(spec, env), to)
	})
}

func TestAgainstAServer(t *testing.T) {
	t.Parallel()
	echo := probetest.Serve(t, probetest.Echo)
	byName := probe.Address{Port: echo.Port}
	byName.Host, _ = probe.ParseHost("echo.example.org")
	toLoopback := server.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	})
	for name, tc := range map[string]struct {
		addr           probe.Address
		user, password string
		to             probe.Address
		want           string
	}{
		"open":                     {proxy(t, "", ""), "", "", echo, "ok target"},
		"with a user":              {proxy(t, "u", "p"), "u", "p", echo, "ok target"},
		"to a name":                {proxy(t, "", "", toLoopback, server.WithResolver(nowhere{})), "", "", byName, "ok target"},
		"wrong password":           {proxy(t, "u", "p"), "u", "q", echo, "auth auth_rejected"},
		"no user given":            {proxy(t, "u", "p"), "", "", echo, "auth auth_required"},
		"open, but a user given":   {proxy(t, "", ""), "u", "p", echo, "auth auth_rejected"},
		"rules against the target": {proxy(t, "", "", server.WithRule(server.NewPermitNone())), "", "", echo, "relay relay_refused"},
		"closed target":            {proxy(t, "", ""), "", "", probetest.Closed(t), "relay target_unreachable"},
		"another kind of target":   {proxy(t, "", ""), "", "", probetest.Serve(t, probetest.AfterFirst(strings.Repeat("x", 64))), "target target_invalid"},
		"a target that hangs up":   {proxy(t, "", ""), "", "", probetest.Serve(t, probetest.HangUp), "target"},
		"closed":                   {probetest.Closed(t), "", "", echo, "tcp refused"},
		"unknown name":             {probe.Address{Host: host(t, "unknown.example"), Port: 1080}, "", "", echo, "dns dns_nxdomain"},
		"by name":                  {probe.Address{Host: host(t, "known.example"), Port: proxy(t, "", "").Port}, "", "", echo, "ok target"},
		"inside":                   {probe.Address{Host: host(t, "169.254.169.254"), Port: 1080}, "", "", echo, "guard address_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := through(t, probetest.Enough, link.SOCKS5{Addr: tc.addr, User: tc.user, Password: tc.password}, tc.to)
			if tc.want == "target" { // closed or reset, as the kernel pleases
				if out.FailedAt != probe.StageTarget || out.Class != probe.ClassEOF && out.Class != probe.ClassReset {
					t.Errorf("%+v", out)
				}
				return
			}
			probetest.Want(t, out, tc.want)
		})
	}
}

// nowhere is a resolver of a server that gives a documentation address.
type nowhere struct{}

func (nowhere) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, net.IPv4(192, 0, 2, 1), nil
}

func host(t *testing.T, s string) probe.Host {
	t.Helper()
	h, err := probe.ParseHost(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestBadServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		serve   func(net.Conn)
		user    string
		timeout time.Duration
		want    string
	}{
		"black hole":                {probetest.BlackHole, "", probetest.Patience, "handshake timeout"},
		"hangs up":                  {probetest.AfterFirst(""), "", probetest.Patience, "handshake timeout"},
		"web server":                {probetest.Web, "", probetest.Enough, "handshake protocol_mismatch"},
		"endless banner":            {probetest.Banner, "", probetest.Enough, "handshake protocol_mismatch"},
		"slow drip":                 {probetest.Drip("\x05\x00\x05\x00\x00\x03\xff" + strings.Repeat("a", 300)), "", 3 * probetest.Patience, "relay timeout"},
		"method of its own":         {probetest.Says("\x05\x01"), "", probetest.Enough, "auth protocol_mismatch"},
		"no method though asked":    {probetest.Says("\x05\x00"), "u", probetest.Enough, "auth protocol_mismatch"},
		"password, but not offered": {probetest.Says("\x05\x02"), "", probetest.Enough, "auth protocol_mismatch"},
		"odd answer to a password":  {probetest.Says("\x05\x02\x07\x00"), "u", probetest.Enough, "auth protocol_mismatch"},
		"silent on a password":      {probetest.Says("\x05\x02"), "u", probetest.Patience, "auth timeout"},
		"odd answer to a request":   {probetest.Says("\x05\x00\x04\x00\x00\x01"), "", probetest.Enough, "relay protocol_mismatch"},
		"odd address type":          {probetest.Says("\x05\x00\x05\x00\x00\x09aaaaaaaaaaaa"), "", probetest.Enough, "relay protocol_mismatch"},
		"unknown reply":             {probetest.Says("\x05\x00\x05\x63\x00\x01"), "", probetest.Enough, "relay relay_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := link.SOCKS5{Addr: probetest.Serve(t, tc.serve), User: tc.user, Password: "p"}
			probetest.Want(t, through(t, tc.timeout, spec, probetest.Closed(t)), tc.want)
		})
	}
}

func TestAPasswordGoesOnlyToWhomAsks(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	addr := probetest.Serve(t, func(c net.Conn) {
		b := make([]byte, 64)
		n, _ := io.ReadAtLeast(c, b, 3)
		if _, err := c.Write([]byte{5, 0}); err != nil {
			return
		}
		rest, _ := io.ReadAll(c)
		got.Store(string(b[:n]) + string(rest))
	})
	out := through(t, probetest.Enough, link.SOCKS5{Addr: addr, User: "alice", Password: "hunter22"}, probetest.Closed(t))
	probetest.Want(t, out, "auth protocol_mismatch")
	for got.Load() == nil {
		<-time.After(time.Millisecond)
	}
	if got.Load() != "\x05\x01\x02" {
		t.Errorf("the server got %q", got.Load())
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		return socks5.New(link.SOCKS5{Addr: proxy(t, "u", "p"), User: "u", Password: "p"}, env).Ping(ctx)
	})
	probetest.Want(t, out, "ok auth")
}

// udpEcho answers each datagram with itself.
func udpEcho(t *testing.T) (net.PacketConn, probe.Address) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return pc, probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	pc, to := udpEcho(t)
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if _, err := pc.WriteTo(b[:n], from); err != nil {
				return
			}
		}
	}()
	addr := proxy(t, "", "")
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		c, err := socks5.New(link.SOCKS5{Addr: addr}, env).DialUDP(ctx, to)
		if err != nil {
			return err
		}
		defer c.Close()
		return probetest.Ping(c)
	})
	probetest.Want(t, out, "ok relay")
}

// TestTheRelayAddressOfAServerIsNotDialled: a server names a victim as its
// relay; the datagram goes to the server's own address instead.
func TestTheRelayAddressOfAServerIsNotDialled(t *testing.T) {
	t.Parallel()
	victim, at := udpEcho(t)
	addr := probetest.Listen(t, "127.0.0.66:0", func(c net.Conn) {
		b := make([]byte, 64)
		for _, answer := range []string{"\x05\x00", "\x05\x00\x00\x01\x7f\x00\x00\x01" + string([]byte{byte(at.Port >> 8), byte(at.Port)})} {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
		probetest.BlackHole(c)
	})
	own, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.66", at.String()[len("127.0.0.1:"):]))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ctx, cancel := context.WithTimeout(t.Context(), probetest.Enough)
	defer cancel()
	env := probetest.Env(probetest.Dialer(t), probe.NewTrace(clock.Real{}))

	c, err := socks5.New(link.SOCKS5{Addr: addr}, env).DialUDP(ctx, probetest.Closed(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("payload")); err != nil {
		t.Fatal(err)
	}

	b := make([]byte, 64)
	if n, _, err := own.ReadFrom(b); err != nil || !strings.HasSuffix(string(b[:n]), "payload") {
		t.Errorf("the server's own port got %q, %v", b[:n], err)
	}
	if err := victim.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := victim.ReadFrom(b); err == nil {
		t.Errorf("the victim got %d bytes", n)
	}
}
