package control_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

func tokens() (ours, another string) {
	at := time.Unix(1_800_000_000, 0)
	return control.Token(secret(), uuid.UUID{1}, at), control.Token(secret(), uuid.UUID{2}, at)
}

// challenge asks spec's server for token.
func challenge(t *testing.T, timeout time.Duration, spec link.Spec, token string) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		return control.Challenge(ctx, env, spec, token)
	})
}

// serveTCP runs what the operator runs.
func serveTCP(t *testing.T, token string) probe.Address {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, func(ctx context.Context) error { return control.Serve(ctx, ln, token) })
	return probe.AddressOf(netip.MustParseAddrPort(ln.Addr().String()))
}

// serveUDP is serveTCP over UDP.
func serveUDP(t *testing.T, token string) probe.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, func(ctx context.Context) error { return control.ServePacket(ctx, pc, token) })
	return probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}

// wait runs f until the test ends, and expects no error of it.
func wait(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTheOperatorAnswersOnTheEndpointsOwnPort(t *testing.T) {
	t.Parallel()
	token, another := tokens()
	tcp := func(a probe.Address) link.Spec { return link.SOCKS5{Addr: a} }
	udp := func(a probe.Address) link.Spec { return link.WireGuard{Addr: a} }
	for name, tc := range map[string]struct {
		spec    link.Spec
		timeout time.Duration
		want    string
	}{
		"TCP":                    {tcp(serveTCP(t, token)), probetest.Enough, "ok target"},
		"UDP":                    {udp(serveUDP(t, token)), probetest.Enough, "ok target"},
		"OpenVPN over UDP":       {link.OpenVPN{Addr: serveUDP(t, token)}, probetest.Enough, "ok target"},
		"OpenVPN over TCP":       {link.OpenVPN{Addr: serveTCP(t, token), TCP: true}, probetest.Enough, "ok target"},
		"another token":          {tcp(serveTCP(t, another)), probetest.Enough, "target target_invalid"},
		"another token, UDP":     {udp(serveUDP(t, another)), 2 * probetest.Patience, "target target_invalid"},
		"closed":                 {tcp(probetest.Closed(t)), probetest.Enough, "tcp refused"},
		"closed, UDP":            {udp(probetest.ClosedUDP(t)), probetest.Enough, "target refused"},
		"a server that is at it": {tcp(probetest.Serve(t, probetest.AfterFirst("\x05\xff"))), probetest.Enough, "target target_invalid"},
		"what it is sent, TCP":   {tcp(probetest.Serve(t, probetest.Echo)), probetest.Enough, "target target_invalid"},
		"what it is sent, UDP":   {udp(echoUDP(t)), 2 * probetest.Patience, "target target_invalid"},
		"black hole":             {tcp(probetest.Serve(t, probetest.BlackHole)), probetest.Patience, "target timeout"},
		"inside":                 {tcp(probe.AddressOf(netip.MustParseAddrPort("10.0.0.1:443"))), probetest.Enough, "guard address_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probetest.Want(t, challenge(t, tc.timeout, tc.spec, token), tc.want)
		})
	}
	probetest.Want(t, challenge(t, probetest.Enough, tcp(probetest.Closed(t)), "a\r\nb"), "parse local_resources")
}

// TestAnyWebServerCanAnswer: the body is enough, with or without its line's end.
func TestAnyWebServerCanAnswer(t *testing.T) {
	t.Parallel()
	token, _ := tokens()
	for _, end := range []string{"", "\n", "\r\n"} {
		body := "causeway-challenge " + token + end
		addr := probetest.Serve(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nServer: other\r\n\r\n"+body)
		})
		probetest.Want(t, challenge(t, probetest.Enough, link.SOCKS5{Addr: addr}, token), "ok target")
	}
}

func TestTheTokenIsGivenAtItsPathOnly(t *testing.T) {
	t.Parallel()
	token, _ := tokens()
	addr := serveTCP(t, token)
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if body, err := oneshot.Get(c, addr, "/"); probe.ClassOf(err) != probe.ClassTargetInvalid {
		t.Errorf("%q, %v", body, err)
	}
}

// echoUDP sends back what it gets.
func echoUDP(t *testing.T) probe.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(b[:n], from)
		}
	}()
	return probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}

// TestTheAnswererIsOfNoUseToOthers: what is no question has no answer, and an
// answer is no longer than its question.
func TestTheAnswererIsOfNoUseToOthers(t *testing.T) {
	t.Parallel()
	token, _ := tokens()
	addr := serveUDP(t, token)
	c, err := net.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(probetest.Enough)); err != nil {
		t.Fatal(err)
	}
	q := append([]byte("cwaych1?"), make([]byte, 32)...)
	for _, b := range [][]byte{{}, q[:39], append(bytes.Clone(q), 0), append([]byte("cwaych1!"), make([]byte, 32)...), q} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 2048)
	if n, err := c.Read(b); err != nil || n != len(q) || string(b[:8]) != "cwaych1!" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if err := c.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b); err == nil {
		t.Errorf("another answer, %q", b[:n])
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 0)
	ours, another := tokens()
	if ours != control.Token(secret(), uuid.UUID{1}, at.UTC()) || ours == another || ours == control.Token(secret(), uuid.UUID{1}, at.Add(10*time.Minute)) ||
		ours == control.Token([]byte("another secret"), uuid.UUID{1}, at) || len(ours) != 32 {
		t.Errorf("%q, %q", ours, another)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if control.Serve(t.Context(), ln, "no token") == nil || control.ServePacket(t.Context(), pc, "") == nil {
		t.Error("anything is served for a token")
	}
	for spec, want := range map[link.Spec]string{link.SOCKS5{}: probe.TCP, link.HTTP{}: probe.TCP, link.MTProto{}: probe.TCP} {
		if got := control.Network(spec); got != want {
			t.Errorf("%s over %s", spec.Protocol(), got)
		}
	}
}
