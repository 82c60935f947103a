package probetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
)

// Patience is what a check of a server that never answers is given.
const Patience = 150 * time.Millisecond

// Enough is what a check of a server that does answer is given, on a machine
// that is busy and under the race detector.
const Enough = 20 * time.Second

// loopback resolves every name to 127.0.0.1, and unknown.example to nothing.
type loopback struct{}

func (loopback) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if strings.HasPrefix(host, "unknown.") {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// Dialer returns a guarded dialer that allows loopback.
func Dialer(tb testing.TB) *guard.Dialer {
	tb.Helper()
	d, err := guard.New(
		guard.Config{Resolver: loopback{}, Allow: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)}},
	)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// Env returns an environment with d, the real clock and real randomness.
func Env(d probe.Dialer, tr *probe.Trace) probe.Env {
	return probe.Env{Dialer: d, Clock: clock.Real{}, Rand: rand.Reader, Trace: tr}
}

// Run makes one attempt of check in an environment of loopback.
func Run(tb testing.TB, timeout time.Duration, check func(ctx context.Context, env probe.Env) error) probe.Outcome {
	tb.Helper()
	d := Dialer(tb)
	r := probe.Runner{Clock: clock.Real{}, Timeout: timeout}
	return r.Run(
		tb.Context(),
		probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
			return nil, check(ctx, Env(d, tr))
		}},
	)
}

// Want compares an outcome with "ok stage" or "failed-stage class".
func Want(tb testing.TB, out probe.Outcome, want string) {
	tb.Helper()
	got := fmt.Sprintf("%s %s", out.FailedAt, out.Class)
	if out.OK {
		got = "ok " + string(out.Stage)
	}
	if got != want {
		tb.Errorf("got %q (%s), want %q", got, out.Detail, want)
	}
}

// Serve accepts connections on a port of 127.0.0.1 until the test ends, and
// closes each one when serve returns.
func Serve(tb testing.TB, serve func(net.Conn)) probe.Address {
	tb.Helper()
	return Listen(tb, "127.0.0.1:0", serve)
}

// Listen is Serve on an address of the caller's choice.
func Listen(tb testing.TB, addr string, serve func(net.Conn)) probe.Address {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	var open sync.Map
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			open.Store(c, nil)
			wg.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	tb.Cleanup(func() {
		ln.Close()
		open.Range(func(c, _ any) bool {
			if c, ok := c.(net.Conn); ok {
				c.Close()
			}
			return true
		})
		wg.Wait()
	})
	return addressOf(tb, ln.Addr())
}

func addressOf(tb testing.TB, a net.Addr) probe.Address {
	tb.Helper()
	out, err := probe.ParseAddress(a.String())
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Echo sends back what it gets.
func Echo(c net.Conn) { _, _ = io.Copy(c, c) }

// BlackHole takes everything and says nothing.
func BlackHole(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// HangUp closes at once.
func HangUp(net.Conn) {}

// Banner talks without end.
func Banner(c net.Conn) {
	line := bytes.Repeat([]byte("welcome to nowhere, "), 200)
	for {
		if _, err := c.Write(line); err != nil {
			return
		}
	}
}

// Says sends text, then waits for the other side to close.
func Says(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, text); err == nil {
			BlackHole(c)
		}
	}
}

// AfterFirst waits for the first bytes, then sends text.
func AfterFirst(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			Says(text)(c)
		}
	}
}

// Drip sends text one byte every few milliseconds, for ever.
func Drip(text string) func(net.Conn) {
	return func(c net.Conn) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			<-tick.C
			if _, err := c.Write([]byte{text[i%len(text)]}); err != nil {
				return
			}
		}
	}
}

// Web is a web server that knows no page.
func Web(c net.Conn) {
	AfterFirst("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")(c)
}

// Closed returns an address where nothing listens, and nothing will before the test has
// ended: its port is bound, so no other socket of this machine is given it.
func Closed(tb testing.TB) probe.Address {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	at, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		tb.Fatalf("bound to %v", bound)
	}
	return addressOf(tb, &net.TCPAddr{IP: at.Addr[:], Port: at.Port})
}

// Free returns an address where nothing listened a moment ago, for a program that has to
// be told where to listen.
func Free(tb testing.TB) probe.Address {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	return addressOf(tb, ln.Addr())
}

// ClosedUDP is Closed for UDP: its port belongs to a socket that hears one other address,
// so that a datagram from anywhere else is answered as one to a port without a socket.
func ClosedUDP(tb testing.TB) probe.Address {
	tb.Helper()
	local := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	c, err := net.DialUDP("udp4", local, &net.UDPAddr{IP: local.IP, Port: 9})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return addressOf(tb, c.LocalAddr())
}

// Ping sends a line through c and expects it back.
func Ping(c net.Conn) error {
	const line = "are you there?"
	if _, err := io.WriteString(c, line); err != nil {
		return probe.At(probe.StageTarget, err)
	}
	b := make([]byte, len(line))
	if _, err := io.ReadFull(c, b); err != nil {
		return probe.At(probe.StageTarget, err)
	}
	if string(b) != line {
		return probe.Fail(probe.StageTarget, probe.ClassTargetInvalid, "echo %q", b)
	}
	return nil
}

// Through dials to in t, pings it, and passes the stage target.
func Through(ctx context.Context, env probe.Env, t probe.Tunnel, to probe.Address) error {
	defer t.Close()
	c, err := t.Dial(ctx, to)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := Ping(c); err != nil {
		return err
	}
	env.Trace.Pass(probe.StageTarget)
	return nil
}
