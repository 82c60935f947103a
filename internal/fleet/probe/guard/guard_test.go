package guard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// flip answers with another address from the second look-up on.
type flip struct {
	answers []string
	n       atomic.Int32
}

func (f *flip) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	i := min(int(f.n.Add(1)), len(f.answers)) - 1
	return []netip.Addr{netip.MustParseAddr(f.answers[i])}, nil
}

// listen accepts on addr and hands each connection to serve.
func listen(t *testing.T, addr string, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String())
}

func newGuard(t *testing.T, cfg guard.Config) *guard.Dialer {
	t.Helper()
	if cfg.Resolver == nil {
		cfg.Resolver = &flip{answers: []string{"127.0.0.1"}}
	}
	d, err := guard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func address(t *testing.T, s string) probe.Address {
	t.Helper()
	a, err := probe.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestANameIsLookedUpOnce: 127.0.0.66 stands for a public address, 127.0.0.1
// for a forbidden one that the name leads to from the second look-up on.
func TestANameIsLookedUpOnce(t *testing.T) {
	t.Parallel()
	var public, forbidden atomic.Int32
	at := listen(t, "127.0.0.66:0", func(c net.Conn) { public.Add(1); c.Close() })
	listen(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.Port()))), func(c net.Conn) { forbidden.Add(1); c.Close() })
	r := &flip{answers: []string{"127.0.0.66", "127.0.0.1"}}
	d := newGuard(t, guard.Config{Resolver: r, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.66/32")}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	to := address(t, net.JoinHostPort("rebind.example.org", strconv.Itoa(int(at.Port()))))
	tr := probe.NewTrace(clock.Real{})

	c, err := d.Dial(ctx, probe.TCP, to, tr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read: %v", err)
	}

	if r.n.Load() != 1 || public.Load() != 1 || forbidden.Load() != 0 {
		t.Errorf("%d look-ups, %d public, %d forbidden", r.n.Load(), public.Load(), forbidden.Load())
	}
	if tr.Reached() != probe.StageTCP || tr.Addr() != at {
		t.Errorf("reached %s at %s", tr.Reached(), tr.Addr())
	}
	if _, err := d.Dial(ctx, probe.TCP, to, tr); probe.ClassOf(err) != probe.ClassAddressDenied || forbidden.Load() != 0 {
		t.Errorf("after the name moved: %v, %d forbidden", err, forbidden.Load())
	}
}

func TestDialFailures(t *testing.T) {
	t.Parallel()
	loop := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	closed := probetest.Closed(t).String()
	d := newGuard(t, guard.Config{Allow: loop})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()

	if _, err := d.Dial(ctx, probe.TCP, address(t, closed), probe.NewTrace(clock.Real{})); probe.ClassOf(err) != probe.ClassRefused {
		t.Errorf("a closed port: %v", err)
	}
	if _, err := d.Dial(t.Context(), probe.TCP, address(t, closed), probe.NewTrace(clock.Real{})); err == nil || probe.ClassOf(err) == probe.ClassRefused {
		t.Error("a context without deadline is accepted")
	}
	if _, err := d.Dial(ctx, "unix", address(t, closed), probe.NewTrace(clock.Real{})); err == nil {
		t.Error("network unix is accepted")
	}
	own := newGuard(t, guard.Config{Allow: loop, Deny: loop})
	if _, err := own.Dial(ctx, probe.TCP, address(t, closed), probe.NewTrace(clock.Real{})); probe.ClassOf(err) != probe.ClassAddressDenied {
		t.Errorf("an address of our own: %v", err)
	}
	if _, err := guard.New(guard.Config{}); err == nil {
		t.Error("no resolver is accepted")
	}
}

// TestAConnectionEndsWithItsContext: a black hole holds a check no longer than
// its deadline, and a cancelled check leaves no connection behind.
func TestAConnectionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 2)
	at := listen(t, "127.0.0.1:0", func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		c.Close()
		gone <- struct{}{}
	})
	d := newGuard(t, guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for want, end := range map[error]func(context.Context) (context.Context, context.CancelFunc){
		context.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		},
		context.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := end(t.Context())
		c, err := d.Dial(ctx, probe.TCP, probe.AddressOf(at), probe.NewTrace(clock.Real{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
			t.Errorf("read: %v, want %v", err, want)
		}
		if _, err := c.Write([]byte{0}); !errors.Is(err, want) {
			t.Errorf("write: %v, want %v", err, want)
		}
		<-gone
		cancel()
	}
}

func TestAnEndlessBannerEnds(t *testing.T) {
	t.Parallel()
	at := listen(t, "127.0.0.1:0", func(c net.Conn) {
		defer c.Close()
		b := make([]byte, 4096)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	d := newGuard(t, guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, MaxRead: 10_000})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := d.Dial(ctx, probe.TCP, probe.AddressOf(at), probe.NewTrace(clock.Real{}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	n, err := io.Copy(io.Discard, c)

	if n != 10_000 || probe.ClassOf(err) != probe.ClassProtocolMismatch {
		t.Errorf("%d bytes, %v", n, err)
	}
	var f *probe.Error
	if !errors.As(probe.At(probe.StageHandshake, err), &f) || f.Stage != probe.StageHandshake {
		t.Errorf("at handshake: %+v", f)
	}
}

func TestUDPIsGuardedToo(t *testing.T) {
	t.Parallel()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	d := newGuard(t, guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tr := probe.NewTrace(clock.Real{})

	c, err := d.Dial(ctx, probe.UDP, address(t, pc.LocalAddr().String()), tr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}

	b := make([]byte, 8)
	if n, _, err := pc.ReadFrom(b); err != nil || string(b[:n]) != "ping" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if tr.Reached() == probe.StageTCP {
		t.Error("UDP passed the stage tcp")
	}
	if _, err := d.Dial(ctx, probe.UDP, address(t, "127.0.0.2:1000"), tr); probe.ClassOf(err) != probe.ClassAddressDenied {
		t.Errorf("another address: %v", err)
	}
}
