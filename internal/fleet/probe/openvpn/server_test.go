package openvpn

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// settingsOfTests are what a server of tests pushes.
const settingsOfTests = "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,peer-id 7,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm"

// fake is a server for what real ones do not do: wrong answers, lost and doubled
// packets. It takes one client at a time.
type fake struct {
	pki      PKI
	cert     Pair     // instead of pki's server
	tcp      bool     // over TCP
	keys     []byte   // instead of the server's part of the keys
	messages []string // instead of settingsOfTests
	exported bool     // keys are TLS's
	deaf     int      // datagrams that are not heard at first
	wire     func(packet []byte) [][]byte
	spec     func(*link.OpenVPN)
	left     chan []byte // what came behind the settings and is no IP packet
}

// one is the way back to one client of a UDP socket.
type one struct {
	net.PacketConn
	to    net.Addr
	first []byte
	wire  func(packet []byte) [][]byte
}

func (c *one) Read(p []byte) (int, error) {
	if c.first != nil {
		n := copy(p, c.first)
		c.first = nil
		return n, nil
	}
	for {
		n, from, err := c.ReadFrom(p)
		if err != nil || from.String() == c.to.String() {
			return n, err
		}
	}
}

func (c *one) Write(p []byte) (int, error) {
	for _, b := range c.wire(p) {
		if _, err := c.WriteTo(b, c.to); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (c *one) RemoteAddr() net.Addr { return c.to }

// start runs the server and returns a client's configuration.
func (f *fake) start(t *testing.T) link.OpenVPN {
	t.Helper()
	if f.wire == nil {
		f.wire = func(p []byte) [][]byte { return [][]byte{p} }
	}
	if f.cert.Cert == "" {
		f.cert = f.pki.Server
	}
	f.left = make(chan []byte, 16)
	spec := link.OpenVPN{
		TCP: f.tcp, CA: f.pki.CA, Cert: f.pki.Client.Cert, Key: f.pki.Client.Key, KeyDirection: 1, ServerUsage: true, VerifyName: "server",
	}
	if f.spec != nil {
		f.spec(&spec)
	}
	if f.tcp {
		own := spec
		spec.Addr = probetest.Serve(t, func(c net.Conn) { f.serve(t, c, own) })
		return spec
	}
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	spec.Addr = probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
	go func() {
		b := make([]byte, 2048)
		for range f.deaf {
			_, _, _ = pc.ReadFrom(b)
		}
		if n, from, err := pc.ReadFrom(b); err == nil {
			f.serve(t, &one{pc, from, slices.Clone(b[:n]), f.wire}, spec)
		}
	}()
	return spec
}

// mirrored returns the other side's wrapping.
func mirrored(spec link.OpenVPN) wrapping {
	w, err := newWrapping(spec, time.Unix(1_800_000_000, 0))
	if err != nil {
		panic(err) // the client's is the same
	}
	switch w := w.(type) {
	case *tlsAuth:
		w.out, w.in = w.in, w.out
	case *tlsCrypt:
		w.out, w.in, w.outSum, w.inSum = w.in, w.out, w.inSum, w.outSum
	}
	return w
}

// serve serves one client. It gives up without a word: the client's outcome
// tells.
func (f *fake) serve(t *testing.T, c net.Conn, spec link.OpenVPN) {
	s, err := newSession(c, f.tcp, mirrored(spec), rand.Reader)
	if err != nil {
		return
	}
	defer s.Close()
	first, err := s.receive()
	if err != nil {
		return
	}
	header, body, ok := s.wrap.unwrap(first)
	p, is := parseControl(header, body)
	if !ok || !is || p.op != opResetClient {
		return
	}
	s.met, s.peer, s.expect, s.number = true, p.from, 1, 1
	s.recent = []uint32{0}
	if s.emit(control{op: opResetServer}) != nil {
		return
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(f.pki.CA))
	cert, err := tls.X509KeyPair([]byte(f.cert.Cert), []byte(f.cert.Key))
	if err != nil {
		t.Error(err)
		return
	}
	conn := tls.Server(s, &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: roots, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12})
	b := make([]byte, maxRecord)
	if _, err := conn.Read(b); err != nil {
		return
	}
	d := deal{settings: settings{exported: f.exported}}
	d.ours = ownKeys{preMaster: [48]byte(b[5:]), random: [2][32]byte{[32]byte(b[53:]), [32]byte(b[85:])}}
	keys := f.keys
	if keys == nil {
		keys = slices.Concat(greeting(), bytes.Repeat([]byte{3}, randomLen), bytes.Repeat([]byte{4}, randomLen), []byte{0, 3, 'V', '4', 0})
	}
	if _, err := conn.Write(keys); err != nil {
		return
	}
	messages := f.messages
	if messages == nil {
		messages = []string{settingsOfTests}
	}
	for _, m := range messages {
		if _, err := io.WriteString(conn, m+"\x00"); err != nil {
			return
		}
	}
	d.theirs, _ = parseTheirKeys(keys)
	f.carry(t, s, conn, d)
}

// carry is the server's end of the tunnel: port 443 of 10.8.0.1 and fd00::1
// sends back what it gets.
func (f *fake) carry(t *testing.T, s *session, conn *tls.Conn, d deal) {
	// The client is the one whose session comes first.
	mirror := &session{own: s.peer, peer: s.own}
	keys, err := dataKeys(conn, mirror, d)
	if err != nil {
		t.Error(err)
		return
	}
	data, err := newChannel(settings{cipher: ciphers()[0], peer: 7, numbered: true}, slices.Concat(keys[128:], keys[:128]))
	if err != nil {
		t.Error(err)
		return
	}
	h, err := newHost([]netip.Addr{netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("fd00::1")})
	if err != nil {
		t.Error(err)
		return
	}
	defer h.close()
	for _, a := range []string{"10.8.0.1:443", "[fd00::1]:443"} {
		addr, number := full(netip.MustParseAddrPort(a))
		ln, err := gonet.ListenTCP(h.stack, addr, number)
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		go func() {
			if c, err := ln.Accept(); err == nil {
				probetest.Echo(c)
			}
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for b := h.next(ctx); b != nil; b = h.next(ctx) {
			if _, err := s.Conn.Write(s.frame(data.seal(b))); err != nil {
				return
			}
		}
	}()
	s.data = func(packet []byte) {
		b, ok := data.open(packet)
		if !ok {
			t.Errorf("the client's packet %x does not open", packet)
		}
		if len(b) > 0 && b[0]>>4 != 4 && b[0]>>4 != 6 {
			f.left <- b
		}
		h.put(b)
	}
	for s.step() == nil {
	}
}

func inside(a string) probe.Address { return probe.AddressOf(netip.MustParseAddrPort(a)) }

// through opens a tunnel as far as an echo inside.
func through(t *testing.T, timeout time.Duration, spec link.OpenVPN, to probe.Address) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		v, err := New(spec, env)
		if err != nil {
			return err
		}
		tunnel, err := v.Open(ctx)
		if err != nil {
			return err
		}
		return probetest.Through(ctx, env, tunnel, to)
	})
}

// watched is a dialer that looks at each packet that a check sends, and at the
// context that the connection lives by.
type watched struct {
	probe.Dialer
	sent func(ctx context.Context, packet []byte)
}

func (w watched) Dial(ctx context.Context, network string, to probe.Address, tr *probe.Trace) (net.Conn, error) {
	c, err := w.Dialer.Dial(ctx, network, to, tr)
	if err != nil {
		return nil, err
	}
	return &watchedConn{c, func(p []byte) { w.sent(ctx, p) }}, nil
}

type watchedConn struct {
	net.Conn
	sent func(packet []byte)
}

func (c *watchedConn) Write(p []byte) (int, error) {
	c.sent(p)
	return c.Conn.Write(p)
}

func ping(t *testing.T, timeout time.Duration, spec link.OpenVPN) probe.Outcome {
	t.Helper()
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		v, err := New(spec, env)
		if err != nil {
			return err
		}
		return v.Ping(ctx)
	})
}

// frames returns packets as TCP carries them.
func frames(packets ...[]byte) string {
	var b []byte
	for _, p := range packets {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
	}
	return string(b)
}
