package control_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/oneshot"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// binder is an open SOCKS5 proxy that does as RFC 1928 says of BIND: it listens
// on its own address for whoever asks, and joins the first who connects.
func binder(t *testing.T) probe.Address {
	t.Helper()
	return probetest.Serve(t, func(c net.Conn) {
		b := make([]byte, 10)
		if _, err := io.ReadFull(c, b[:3]); err != nil || b[0] != 5 {
			return // a web browser, say
		}
		_, _ = c.Write([]byte{5, 0})
		if _, err := io.ReadFull(c, b); err != nil || b[1] != 2 || b[3] != 1 {
			return
		}
		at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), binary.BigEndian.Uint16(b[8:]))
		ln, err := net.Listen("tcp", at.String())
		if err != nil {
			_, _ = c.Write([]byte{5, 1, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		defer ln.Close()
		_, _ = c.Write(bound(netip.MustParseAddrPort(ln.Addr().String())))
		in, err := ln.Accept()
		if err != nil {
			return
		}
		defer in.Close()
		_, _ = c.Write(bound(netip.MustParseAddrPort(in.RemoteAddr().String())))
		go func() {
			_, _ = io.Copy(in, c)
			in.Close()
		}()
		_, _ = io.Copy(c, in)
	})
}

// bound is the reply that names ap.
func bound(ap netip.AddrPort) []byte {
	return probe.AddressOf(ap).AppendSOCKS([]byte{5, 0, 0})
}

// bind makes the proxy listen on port of its own address, 0 for any, and returns
// where it does; ok is false when it refuses. Whoever connects there is answered
// by serve, who does not run the proxy.
func bind(t *testing.T, proxy probe.Address, port uint16, serve func(net.Conn)) (at netip.AddrPort, ok bool) {
	t.Helper()
	c, err := net.Dial("tcp", proxy.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(probetest.Enough)); err != nil {
		t.Fatal(err)
	}
	reply := func() (netip.AddrPort, bool) {
		b := make([]byte, 10)
		if _, err := io.ReadFull(c, b); err != nil || b[1] != 0 {
			return netip.AddrPort{}, false
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), binary.BigEndian.Uint16(b[8:])), true
	}
	if _, err := c.Write([]byte{5, 1, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	request := probe.AddressOf(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)).AppendSOCKS([]byte{5, 2, 0})
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	if at, ok = reply(); ok {
		go func() {
			if _, ok := reply(); ok {
				serve(c)
			}
			c.Close()
		}()
	}
	return at, ok
}

// forge lets a stranger pass for who runs the proxy: once by a file on any port
// of its address, which works, and once by the challenge on its own port, which
// must not. It is run against a proxy of ours here, and against dante where that
// is installed.
func forge(t *testing.T, proxy probe.Address) {
	t.Helper()
	token, _ := tokens()
	stranger := func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n"+control.Body(token))
	}

	at, ok := bind(t, proxy, 0, stranger)

	if ip, _ := proxy.Host.IP(); !ok || at.Addr() != ip {
		t.Fatalf("the proxy listens at %v, %v", at, ok)
	}
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(probetest.Enough)); err != nil {
		t.Fatal(err)
	}
	if body, err := oneshot.Get(c, probe.AddressOf(at), control.Path); err != nil || body != control.Body(token) {
		t.Errorf("the forgery that this test is about does not work: %q, %v", body, err)
	}

	if at, ok := bind(t, proxy, proxy.Port, stranger); ok && at.Port() == proxy.Port {
		t.Errorf("a stranger took the proxy's own port, %v", at)
	}
	out := challenge(t, 5*probetest.Patience, link.SOCKS5{Addr: proxy}, token)
	if got := control.JudgeChallenge(out); got != control.NoAnswer || out.Stage != probe.StageTCP {
		t.Errorf("a stranger passed: %s, %+v", got, out)
	}
}

func TestStrangersServeAFileThroughBindAndDoNotPass(t *testing.T) {
	t.Parallel()
	forge(t, binder(t))
}
