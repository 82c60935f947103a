package openvpn

import (
	"bytes"
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

func TestWhatAServerPushes(t *testing.T) {
	t.Parallel()
	p := NewPKI(t)
	const four, six = "10.8.0.1:443", "[fd00::1]:443"
	for name, tc := range map[string]struct {
		messages []string
		to, want string
	}{
		"settings":                {[]string{settingsOfTests}, four, "ok target"},
		"in parts":                {[]string{"PUSH_REPLY,route 1.2.3.4,push-continuation 2", settingsOfTests + ",push-continuation 1"}, four, "ok target"},
		"by IPv6":                 {[]string{settingsOfTests + ",ifconfig-ipv6 fd00::2/64 fd00::1"}, six, "ok target"},
		"after other messages":    {[]string{"AUTH_PENDING,timeout 60", "INFO_OTHER", settingsOfTests}, four, "ok target"},
		"a method of none":        {[]string{settingsOfTests + ",compress migrate"}, four, "ok target"},
		"a closed port":           {[]string{settingsOfTests}, "10.8.0.1:444", "relay target_unreachable"},
		"no IPv6":                 {[]string{settingsOfTests}, six, "relay target_unreachable"},
		"refusal":                 {[]string{"AUTH_FAILED"}, four, "auth auth_rejected"},
		"refusal with a reason":   {[]string{"AUTH_FAILED,see \"the manual\""}, four, "auth auth_rejected"},
		"a challenge":             {[]string{"AUTH_FAILED,CRV1:R,E:x:y:z"}, four, "auth auth_required"},
		"a page to sign in":       {[]string{"INFO_PRE,WEB_AUTH::https://a.example"}, four, "auth auth_required"},
		"no cipher":               {[]string{"AUTH_FAILED,Data channel cipher negotiation failed (no shared cipher)"}, four, "auth protocol_mismatch"},
		"the end":                 {[]string{"HALT,go away"}, four, "auth eof"},
		"a restart":               {[]string{"RESTART"}, four, "auth eof"},
		"another cipher":          {[]string{strings.Replace(settingsOfTests, "AES-256-GCM", "AES-256-CBC", 1)}, four, "relay protocol_mismatch"},
		"no address":              {[]string{strings.Replace(settingsOfTests, "ifconfig 10", "ifconfig x10", 1)}, four, "relay protocol_mismatch"},
		"compression":             {[]string{settingsOfTests + ",compress lz4-v2"}, four, "relay protocol_mismatch"},
		"compression, old":        {[]string{settingsOfTests + ",comp-lzo yes"}, four, "relay protocol_mismatch"},
		"compression, adaptive":   {[]string{settingsOfTests + ",comp-lzo"}, four, "relay protocol_mismatch"},
		"many addresses":          {[]string{strings.Repeat(settingsOfTests+",", 3)}, four, "relay protocol_mismatch"},
		"messages without end":    {slices.Repeat([]string{"PUSH_REPLY,push-continuation 2"}, maxMessages), four, "auth protocol_mismatch"},
		"more bytes than a check": {slices.Repeat([]string{strings.Repeat("x", maxRecord-1)}, 20), four, "auth protocol_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{pki: p, messages: tc.messages, exported: true}
			probetest.Want(t, through(t, probetest.Enough, f.start(t), inside(tc.to)), tc.want)
		})
	}
}

// TestKeysOfServersBefore26: a server that says nothing of TLS's exporter has
// keys of the exchange.
func TestKeysOfServersBefore26(t *testing.T) {
	t.Parallel()
	f := &fake{pki: NewPKI(t), tcp: true, messages: []string{"PUSH_REPLY,ifconfig 10.8.0.2 10.8.0.1,peer-id 7,cipher AES-256-GCM"}}
	probetest.Want(t, through(t, probetest.Enough, f.start(t), inside("10.8.0.1:443")), "ok target")
	broken := &fake{pki: f.pki, keys: []byte("HTTP/1.1 200 OK\r\n\r\n")}
	probetest.Want(t, through(t, probetest.Enough, broken.start(t), inside("10.8.0.1:443")), "auth protocol_mismatch")
}

func TestTheTunnelSaysGoodbye(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		f := &fake{pki: NewPKI(t), tcp: tcp, exported: true}
		probetest.Want(t, through(t, probetest.Enough, f.start(t), inside("10.8.0.1:443")), "ok target")
		select {
		case b := <-f.left:
			if !bytes.Equal(b, goodbye()) {
				t.Errorf("%x", b)
			}
		case <-time.After(probetest.Enough):
			t.Error("no goodbye")
		}
	}
}

// TestTheGoodbyeIsInTime: the last packet goes out before the check's deadline,
// and over a connection that a call to stop has not closed yet.
func TestTheGoodbyeIsInTime(t *testing.T) {
	t.Parallel()
	f := &fake{pki: NewPKI(t), exported: true}
	for name, timeout := range map[string]time.Duration{"deadline": 2 * time.Second, "called off": probetest.Enough} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := *f
			v, err := New(f.start(t), probetest.Env(nil, probe.NewTrace(clock.Real{})))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			var last error
			v.env.Dialer = watched{probetest.Dialer(t), func(life context.Context, _ []byte) {
				if last = life.Err(); name == "deadline" && last == nil {
					last = ctx.Err()
				}
			}}
			tunnel, err := v.Open(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if name == "called off" {
				cancel()
			}
			<-tunnel.left
			if last != nil {
				t.Errorf("the last packet came after the end: %v", last)
			}
			select {
			case <-f.left:
			case <-time.After(probetest.Enough):
				t.Error("no goodbye")
			}
		})
	}
}

// TestDatagramsGetLost: what is lost, doubled, out of order or made up by others
// changes nothing.
func TestDatagramsGetLost(t *testing.T) {
	t.Parallel()
	p := NewPKI(t)
	key, _ := NewStaticKey(t)
	var sent atomic.Int32
	for name, wire := range map[string]func(b []byte) [][]byte{
		"lost": func(b []byte) [][]byte {
			if n := sent.Add(1); n == 2 || n == 4 {
				return nil
			}
			return [][]byte{b}
		},
		"doubled": func(b []byte) [][]byte { return [][]byte{b, b} },
		"made up": func(b []byte) [][]byte {
			other := slices.Clone(b)
			other[len(other)-1] ^= 1
			return [][]byte{{}, {0}, {opControl << 3}, bytes.Repeat([]byte{opDataV2 << 3}, 60), bytes.Repeat([]byte{opControl << 3}, 90), other, b}
		},
		"out of order": outOfOrder(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{pki: p, exported: true, wire: wire, deaf: map[string]int{"lost": 1}[name], spec: func(s *link.OpenVPN) { s.TLSCrypt = key }}
			probetest.Want(t, through(t, probetest.Enough, f.start(t), inside("10.8.0.1:443")), "ok target")
		})
	}
}

// outOfOrder holds every second packet of the control channel back behind the
// next one.
func outOfOrder() func([]byte) [][]byte {
	var held []byte
	return func(b []byte) [][]byte {
		switch {
		case held != nil:
			out := [][]byte{slices.Clone(b), held}
			held = nil
			return out
		case b[0]>>3 == opControl && len(b) > 800:
			held = slices.Clone(b)
			return nil
		}
		return [][]byte{b}
	}
}

func TestTheServersCertificate(t *testing.T) {
	t.Parallel()
	p := NewPKI(t)
	with := func(change func(*x509.Certificate)) Pair {
		c := template(9, "server")
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		change(c)
		return p.sign(t, c)
	}
	for name, tc := range map[string]struct {
		cert       Pair
		spec       func(*link.OpenVPN)
		want, says string
	}{
		"right":             {with(func(*x509.Certificate) {}), nil, "ok target", ""},
		"of a client":       {p.Client, func(s *link.OpenVPN) { s.VerifyName = "client" }, "handshake protocol_mismatch", "not one for servers"},
		"without usage":     {with(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), nil, "handshake protocol_mismatch", "not one for servers"},
		"without key usage": {with(func(c *x509.Certificate) { c.KeyUsage = 0 }), nil, "handshake protocol_mismatch", "not one for servers"},
		"any usage":         {with(func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = 0, nil }), func(s *link.OpenVPN) { s.ServerUsage = false }, "ok target", ""},
		"of another name":   {with(func(c *x509.Certificate) { c.Subject.CommonName = "other" }), nil, "handshake protocol_mismatch", "another name"},
		"any name":          {with(func(c *x509.Certificate) { c.Subject.CommonName = "other" }), func(s *link.OpenVPN) { s.VerifyName = "" }, "ok target", ""},
		"expired":           {with(func(c *x509.Certificate) { c.NotAfter = time.Unix(1_100_000_000, 0) }), nil, "handshake protocol_mismatch", "expired"},
		"of another":        {NewPKI(t).Server, nil, "handshake protocol_mismatch", "profile's authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{pki: p, cert: tc.cert, exported: true, tcp: true, spec: tc.spec}
			out := through(t, probetest.Enough, f.start(t), inside("10.8.0.1:443"))
			probetest.Want(t, out, tc.want)
			if !strings.Contains(out.Detail, tc.says) {
				t.Errorf("%q does not say %q", out.Detail, tc.says)
			}
		})
	}
}

func TestProfilesThatCannotWork(t *testing.T) {
	t.Parallel()
	p := NewPKI(t)
	for name, change := range map[string]func(*link.OpenVPN){
		"no authority":         func(s *link.OpenVPN) { s.CA = "" },
		"another's key":        func(s *link.OpenVPN) { s.Key = p.Server.Key },
		"a long password":      func(s *link.OpenVPN) { s.Password = strings.Repeat("x", 200) },
		"an unknown digest":    func(s *link.OpenVPN) { s.TLSAuth, s.Auth = make([]byte, 256), "WHIRLPOOL" },
		"a short tls-auth key": func(s *link.OpenVPN) { s.TLSAuth = make([]byte, 16) },
		"a short tls-crypt":    func(s *link.OpenVPN) { s.TLSCrypt = make([]byte, 16) },
	} {
		spec := link.OpenVPN{Addr: probetest.Closed(t), CA: p.CA, Cert: p.Client.Cert, Key: p.Client.Key}
		change(&spec)
		probetest.Want(t, ping(t, probetest.Enough, spec), "parse config_invalid")
		if out := through(t, probetest.Enough, spec, inside("10.8.0.1:443")); out.Addr != "" || out.Class != probe.ClassConfigInvalid {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// TestOtherServersAreNotTakenForOpenVPN: over both transports, by a first
// exchange and by a tunnel.
func TestOtherServersAreNotTakenForOpenVPN(t *testing.T) {
	t.Parallel()
	p := NewPKI(t)
	key, _ := NewStaticKey(t)
	spec := link.OpenVPN{CA: p.CA, Cert: p.Client.Cert, Key: p.Client.Key}
	reset := append([]byte{opResetServer << 3}, make([]byte, 8)...)
	unacked := append(slices.Clone(reset), 0, 0, 0, 0, 0)
	forAnother := append(slices.Clone(reset), 1, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0)
	var wg sync.WaitGroup
	defer wg.Wait()
	const mismatch, silence = "handshake protocol_mismatch", "handshake timeout"
	const brief = 5 * probetest.Patience // for all that wait together
	for name, tc := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"black hole":              {probetest.BlackHole, silence},
		"hangs up":                {probetest.HangUp, "handshake"},
		"banner":                  {probetest.Banner, mismatch},
		"web server":              {probetest.Web, mismatch},
		"SSH":                     {probetest.Says("SSH-2.0-OpenSSH_9.2p1\r\n"), mismatch},
		"zeros":                   {probetest.Says(strings.Repeat("\x00", 5000)), mismatch},
		"TLS alert":               {probetest.AfterFirst("\x15\x03\x01\x00\x02\x02\x28"), mismatch},
		"drip":                    {probetest.Drip("\x00\x20"), mismatch},
		"echo":                    {probetest.Echo, mismatch},
		"SOCKS":                   {probetest.AfterFirst("\x05\x00"), silence},
		"a reset for nobody":      {probetest.Says(frames(unacked)), mismatch},
		"a reset for another":     {probetest.Says(frames(forAnother)), mismatch},
		"a reset, cut":            {probetest.Says(frames(reset)), mismatch},
		"an acknowledgement":      {probetest.Says(frames(append([]byte{opAck << 3}, unacked[1:]...))), mismatch},
		"another number of keys":  {probetest.Says(frames(append([]byte{opResetServer<<3 | 1}, unacked[1:]...))), mismatch},
		"data before any session": {probetest.Says(frames(append([]byte{opDataV2 << 3}, unacked...))), silence},
	} {
		AtOnce(t, &wg, name, func(t *testing.T) {
			t.Helper()
			spec := spec
			spec.TCP, spec.Addr = true, probetest.Serve(t, tc.serve)
			timeout := probetest.Enough
			if tc.want == silence {
				timeout = brief
			}
			for _, out := range []probe.Outcome{ping(t, timeout, spec), through(t, timeout, spec, inside("10.8.0.1:443"))} {
				if tc.want == string(out.FailedAt) && out.Class.Verdict(probe.Full) == probe.Down {
					continue // in one of several ways
				}
				probetest.Want(t, out, tc.want)
			}
			spec.TLSCrypt = key
			if out := ping(t, timeout, spec); out.FailedAt != probe.StageHandshake || out.Class.Verdict(probe.Full) != probe.Down {
				t.Errorf("%+v", out)
			}
		})
	}
	for name, tc := range map[string]struct {
		answer func(b []byte) []byte
		want   string
	}{
		"black hole":          {nil, silence},
		"echo":                {bytes.Clone, mismatch},
		"short":               {func([]byte) []byte { return []byte{7} }, mismatch},
		"empty":               {func([]byte) []byte { return nil }, mismatch},
		"a reset for another": {func([]byte) []byte { return forAnother }, mismatch},
	} {
		AtOnce(t, &wg, name+", UDP", func(t *testing.T) {
			t.Helper()
			spec := spec
			spec.Addr = answering(t, tc.answer)
			probetest.Want(t, ping(t, brief, spec), tc.want)
			probetest.Want(t, through(t, brief, spec, inside("10.8.0.1:443")), tc.want)
		})
	}
}

// answering is a UDP server that sends answer's value back for each datagram.
func answering(t *testing.T, answer func([]byte) []byte) probe.Address {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
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
			if answer != nil {
				_, _ = pc.WriteTo(answer(b[:n]), from)
			}
		}
	}()
	return probe.AddressOf(netip.MustParseAddrPort(pc.LocalAddr().String()))
}

// TestAFirstExchangeIsNotAcknowledged: the server hears one datagram, and
// nothing after its answer.
func TestAFirstExchangeIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	p := NewPKI(t)
	spec := link.OpenVPN{CA: p.CA, Cert: p.Client.Cert, Key: p.Client.Key}
	spec.Addr = answering(t, func(b []byte) []byte {
		heard.Add(1)
		return slices.Concat(control{op: opResetServer, from: sessionID{1}, acks: []uint32{0}, to: sessionID(b[1:9])}.header(), control{acks: []uint32{0}, to: sessionID(b[1:9])}.body())
	})
	probetest.Want(t, ping(t, probetest.Enough, spec), "ok handshake")
	probetest.Want(t, ping(t, probetest.Enough, spec), "ok handshake")
	if n := heard.Load(); n != 2 {
		t.Errorf("%d datagrams for two first exchanges", n)
	}
}

// TestAThirdCopyIsTheLast counts what a silent server hears.
func TestAThirdCopyIsTheLast(t *testing.T) {
	t.Parallel()
	var writes int
	s := &session{Conn: discard{&writes}, wrap: plain{}, timer: time.AfterFunc(time.Hour, func() {})}
	if err := s.send(opResetClient, nil); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := s.again(); err != nil {
			t.Fatal(err)
		}
	}
	if s.timer.Stop(); writes != maxTries {
		t.Errorf("%d copies", writes)
	}
}

// discard counts what is written.
type discard struct{ n *int }

func (d discard) Write(p []byte) (int, error)    { *d.n++; return len(p), nil }
func (discard) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (discard) Close() error                     { return nil }
func (discard) LocalAddr() net.Addr              { return nil }
func (discard) RemoteAddr() net.Addr             { return nil }
func (discard) SetDeadline(time.Time) error      { return nil }
func (discard) SetReadDeadline(time.Time) error  { return nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

func TestNoGoroutineIsLeftBehind(t *testing.T) { //nolint:paralleltest // counts goroutines
	p := NewPKI(t)
	once := func(t *testing.T) {
		t.Helper()
		f := &fake{pki: p, exported: true, tcp: true}
		probetest.Want(t, through(t, probetest.Enough, f.start(t), inside("10.8.0.1:443")), "ok target")
		refusing := &fake{pki: p, messages: []string{"AUTH_FAILED"}, tcp: true}
		spec := refusing.start(t)
		probetest.Want(t, through(t, probetest.Enough, spec, inside("10.8.0.1:443")), "auth auth_rejected")
		spec.Addr, spec.TCP = answering(t, nil), false
		if out := through(t, probetest.Patience, spec, inside("10.8.0.1:443")); out.Class != probe.ClassTimeout {
			t.Errorf("%+v", out)
		}
	}
	// A subtest takes its servers down with it.
	five := func(t *testing.T) {
		t.Helper()
		for range 5 {
			once(t)
		}
	}
	t.Run("once", once) //nolint:paralleltest // as above
	before := runtime.NumGoroutine()
	t.Run("five times", five) //nolint:paralleltest // as above
	deadline := time.Now().Add(probetest.Enough)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, then %d", before, after)
	}
}
