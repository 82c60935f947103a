//go:build realopenvpn

package openvpn_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/openvpn"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// soon is the timeout of what ends in silence after a few exchanges.
const soon = 10 * probetest.Patience

// lab is a namespace with servers.
type lab struct {
	n    *namespace
	pki  openvpn.PKI
	keys telegram.Keys
	dc   probe.Address
	used int
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return &lab{n: newNamespace(t), pki: openvpn.NewPKI(t), keys: dctest.Keys(t), dc: dctest.Serve(t)}
}

// server is a running server: what a client needs, and where the data centre is
// inside.
type server struct {
	*daemon
	lab    *lab
	spec   link.OpenVPN
	inside probe.Address
}

// start runs a server with extra lines; its port 443 inside leads to target.
func (l *lab) start(t *testing.T, extra string, target probe.Address) server {
	t.Helper()
	l.used++
	d := l.n.openvpn(t, configOf(l.pki, 2000+l.used, l.used, extra))
	return server{
		daemon: d, lab: l, inside: l.n.listen(t, fmt.Sprintf("10.98.%d.1", l.used), target),
		spec: link.OpenVPN{
			Addr: probe.AddressOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(2000+l.used))),
			CA:   l.pki.CA, Cert: l.pki.Client.Cert, Key: l.pki.Client.Key, KeyDirection: -1, ServerUsage: true, VerifyName: "server",
		},
	}
}

// with returns the server for a client with another configuration.
func (s server) with(change func(*link.OpenVPN)) server {
	change(&s.spec)
	return s
}

// attempt makes an attempt from inside the namespace.
func (s server) attempt(ctx context.Context, t *testing.T, timeout time.Duration, f func(ctx context.Context, env probe.Env) (*probe.Evidence, error)) probe.Outcome {
	t.Helper()
	d := dialer{probetest.Dialer(t), s.lab.n}
	r := probe.Runner{Clock: clock.Real{}, Timeout: timeout}
	return r.Run(ctx, probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
		return f(ctx, probetest.Env(d, tr))
	}})
}

// full makes a full check, as far as the data centre's proof.
func (s server) full(t *testing.T, timeout time.Duration) probe.Outcome {
	t.Helper()
	return s.attempt(t.Context(), t, timeout, func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
		return check.Config{Keys: s.lab.keys}.Full(ctx, env, s.spec, check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: s.inside})
	})
}

func (s server) light(t *testing.T, timeout time.Duration) probe.Outcome {
	t.Helper()
	return s.attempt(t.Context(), t, timeout, func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
		return nil, check.Config{}.Light(ctx, env, s.spec, check.Centre{})
	})
}

// open opens a tunnel for f.
func (s server) open(ctx context.Context, t *testing.T, timeout time.Duration, f func(context.Context, probe.Env, probe.Tunnel) error) probe.Outcome {
	t.Helper()
	return s.attempt(ctx, t, timeout, func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
		v, err := openvpn.New(s.spec, env)
		if err != nil {
			return nil, err
		}
		tunnel, err := v.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer tunnel.Close()
		return nil, f(ctx, env, tunnel)
	})
}

// wrapped returns what a server's configuration says of a static key.
func wrapped(block, file, more string) string {
	return fmt.Sprintf("<%s>\n%s</%s>\n%s\n", block, file, block, more)
}

// like is probetest.Want, where a stage alone stands for all that is down there:
// a connection that is dropped ends in one of two ways.
func like(t *testing.T, out probe.Outcome, want string) {
	t.Helper()
	if want != string(out.FailedAt) || out.Class.Verdict(probe.Full) != probe.Down {
		probetest.Want(t, out, want)
	}
}

// TestRealServers checks OpenVPN of Debian as people set it up.
func TestRealServers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	key, file := openvpn.NewStaticKey(t)
	other, _ := openvpn.NewStaticKey(t)
	stranger := openvpn.NewPKI(t)
	auth := func(direction int, digest string) func(*link.OpenVPN) {
		return func(s *link.OpenVPN) { s.TLSAuth, s.KeyDirection, s.Auth = key, direction, digest }
	}
	crypt := func(s *link.OpenVPN) { s.TLSCrypt = key }
	tcp := func(s *link.OpenVPN) { s.TCP = true }
	nobody := func(s *link.OpenVPN) { s.Cert, s.Key = "", "" }
	user := func(name, password string) func(*link.OpenVPN) {
		return func(s *link.OpenVPN) { s.User, s.Password = name, password }
	}

	plain := l.start(t, "", l.dc)
	inTCP := l.start(t, "proto tcp-server", l.dc)
	authed := l.start(t, wrapped("tls-auth", file, "key-direction 0"), l.dc).with(auth(1, ""))
	bothWays := l.start(t, wrapped("tls-auth", file, "auth SHA512"), l.dc).with(auth(-1, "SHA512"))
	crypted := l.start(t, wrapped("tls-crypt", file, "data-ciphers CHACHA20-POLY1305"), l.dc).with(crypt)
	cryptedTCP := l.start(t, wrapped("tls-crypt", file, "proto tcp-server\ndata-ciphers AES-128-GCM"), l.dc).with(crypt).with(tcp)
	users := l.start(t, "tls-version-max 1.2\nscript-security 2\nauth-user-pass-verify ./users.sh via-file\nverify-client-cert none", l.dc)
	old := l.start(t, "data-ciphers AES-256-CBC", l.dc)
	squeezed := l.start(t, `push "compress lz4-v2"`, l.dc)
	lzo := l.start(t, "comp-lzo no", l.dc)
	stub := l.start(t, "compress", l.dc)
	pushed := l.start(t, "compress stub\npush \"compress stub\"", l.dc)
	second := l.start(t, "compress stub-v2\npush \"compress stub-v2\"", l.dc)

	var wg sync.WaitGroup
	defer wg.Wait()
	for _, tc := range []struct {
		name        string
		s           server
		timeout     time.Duration
		light, full string
	}{
		{"plain", plain, probetest.Enough, "ok handshake", "ok target"},
		{"TCP", inTCP.with(tcp), probetest.Enough, "ok handshake", "ok target"},
		{"tls-auth", authed, probetest.Enough, "ok handshake", "ok target"},
		{"tls-auth, both ways, SHA-512", bothWays, probetest.Enough, "ok handshake", "ok target"},
		{"tls-crypt, ChaCha20", crypted, probetest.Enough, "ok handshake", "ok target"},
		{"tls-crypt, TCP, AES-128", cryptedTCP, probetest.Enough, "ok handshake", "ok target"},
		{"a user in TLS 1.2", users.with(nobody).with(user("anna", "hunter22")), probetest.Enough, "ok handshake", "ok target"},
		{"a wrong password", users.with(nobody).with(user("anna", "hunter2")), probetest.Enough, "ok handshake", "auth auth_rejected"},
		{"no user", users, probetest.Enough, "ok handshake", "auth auth_rejected"},
		{"another authority", plain.with(func(s *link.OpenVPN) { s.CA = stranger.CA }), probetest.Enough, "ok handshake", "handshake protocol_mismatch"},
		{"another name", plain.with(func(s *link.OpenVPN) { s.VerifyName = "serve" }), probetest.Enough, "ok handshake", "handshake protocol_mismatch"},
		{"a stranger", plain.with(func(s *link.OpenVPN) { s.Cert, s.Key = stranger.Client.Cert, stranger.Client.Key }), soon, "ok handshake", "auth timeout"},
		{"nobody", plain.with(nobody), soon, "ok handshake", "auth timeout"},
		{"a stranger in TCP", inTCP.with(tcp).with(nobody), probetest.Enough, "ok handshake", "auth"},
		{"another tls-auth key", authed.with(func(s *link.OpenVPN) { s.TLSAuth = other }), 5 * probetest.Patience, "handshake timeout", "handshake timeout"},
		{"the other direction", authed.with(auth(0, "")), 5 * probetest.Patience, "handshake timeout", "handshake timeout"},
		{"another digest", authed.with(auth(1, "SHA256")), 5 * probetest.Patience, "handshake timeout", "handshake timeout"},
		{"no tls-auth key", authed.with(func(s *link.OpenVPN) { s.TLSAuth = nil }), 5 * probetest.Patience, "handshake timeout", "handshake timeout"},
		{"another tls-crypt key", crypted.with(func(s *link.OpenVPN) { s.TLSCrypt = other }), 5 * probetest.Patience, "handshake timeout", "handshake timeout"},
		{"another tls-crypt key in TCP", cryptedTCP.with(func(s *link.OpenVPN) { s.TLSCrypt = other }), probetest.Enough, "handshake", "handshake"},
		{"TCP where it is UDP", plain.with(tcp), probetest.Enough, "tcp refused", "tcp refused"},
		{"UDP where it is TCP", inTCP, probetest.Enough, "handshake refused", "handshake refused"},
		{"no cipher in common", old, probetest.Enough, "ok handshake", "auth protocol_mismatch"},
		{"comp-lzo no", lzo.with(func(s *link.OpenVPN) { s.Stub = "comp-lzo" }), probetest.Enough, "ok handshake", "ok target"},
		{"compress", stub.with(func(s *link.OpenVPN) { s.Stub = "compress" }), probetest.Enough, "ok handshake", "ok target"},
		{"compress, pushed", pushed, probetest.Enough, "ok handshake", "ok target"},
		{"compress, second version, pushed", second, probetest.Enough, "ok handshake", "ok target"},
		{"comp-lzo no, unknown to the client", lzo, soon, "ok handshake", "relay timeout"},
		{"compression", squeezed, probetest.Enough, "ok handshake", "relay protocol_mismatch"},
	} {
		openvpn.AtOnce(t, &wg, tc.name, func(t *testing.T) {
			t.Helper()
			like(t, tc.s.light(t, tc.timeout), tc.light)
			out := tc.s.full(t, tc.timeout)
			like(t, out, tc.full)
			if block, _ := pem.Decode([]byte(l.pki.Server.Cert)); out.OK {
				if sum := sha256.Sum256(block.Bytes); out.Evidence.ServerKey != hex.EncodeToString(sum[:]) {
					t.Errorf("server's key %q", out.Evidence.ServerKey)
				}
			}
		})
	}
	t.Run("as before 2.6", func(t *testing.T) {
		t.Parallel()
		out := plain.attempt(t.Context(), t, probetest.Enough, func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
			v, err := openvpn.New(plain.spec, env)
			if err != nil {
				return nil, err
			}
			v.Older()
			tunnel, err := v.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer tunnel.Close()
			c, err := tunnel.Dial(ctx, plain.inside)
			if err != nil {
				return nil, err
			}
			return nil, c.Close()
		})
		probetest.Want(t, out, "ok relay")
	})
	t.Run("a closed port inside", func(t *testing.T) {
		t.Parallel()
		closed := plain
		closed.inside.Port = 444
		probetest.Want(t, closed.full(t, probetest.Enough), "relay target_unreachable")
	})
	t.Run("told to go without a data channel", func(t *testing.T) {
		t.Parallel()
		probetest.Want(t, squeezed.full(t, probetest.Enough), "relay protocol_mismatch")
		squeezed.await(t, "exit message received by peer", 1)
	})
}

// The server's words for a session, for a client's goodbye and for a pool
// without addresses.
const (
	session = "multi_create_instance called"
	goodbye = "exit message received by peer"
	noRoom  = "no free --ifconfig-pool"
)

// TestNothingIsLeftOnServers: first exchanges make no session, and every tunnel
// gives its address back, however its check ends.
func TestNothingIsLeftOnServers(t *testing.T) {
	t.Parallel()
	const checks, atOnce = 50, 10
	l := newLab(t)
	s := l.start(t, "", probetest.Serve(t, probetest.Echo))
	hole := l.start(t, "", probetest.Serve(t, probetest.BlackHole))

	for range checks {
		probetest.Want(t, s.light(t, probetest.Enough), "ok handshake")
	}
	// What comes after is written after what came before.
	probetest.Want(t, s.open(t.Context(), t, probetest.Enough, func(context.Context, probe.Env, probe.Tunnel) error { return nil }), "ok auth")
	s.await(t, goodbye, 1)
	if n := s.count(session); n != 1 {
		t.Errorf("%d sessions after %d first exchanges and one tunnel", n, checks)
	}

	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for range checks / atOnce {
				probetest.Want(t, s.open(t.Context(), t, probetest.Enough, func(ctx context.Context, env probe.Env, tunnel probe.Tunnel) error {
					return probetest.Through(ctx, env, tunnel, s.inside)
				}), "ok target")
			}
		})
	}
	wg.Wait()
	s.await(t, goodbye, 1+checks)
	if n := s.count(noRoom); n != 0 {
		t.Errorf("%d clients found no address", n)
	}

	ping := func(ctx context.Context, env probe.Env, tunnel probe.Tunnel) error {
		return probetest.Through(ctx, env, tunnel, hole.inside)
	}
	probetest.Want(t, hole.open(t.Context(), t, soon, ping), "target timeout")
	hole.await(t, goodbye, 1)
	ctx, cancel := context.WithCancel(t.Context())
	out := hole.open(ctx, t, probetest.Enough, func(ctx context.Context, env probe.Env, tunnel probe.Tunnel) error {
		cancel()
		return ping(ctx, env, tunnel)
	})
	if out.Class != probe.ClassCanceled {
		t.Errorf("%+v", out)
	}
	hole.await(t, goodbye, 2)
	if said := []int{s.count("TLS Error"), hole.count("TLS Error")}; slices.Max(said) != 0 {
		t.Errorf("errors of TLS: %d", said)
	}
}

// BenchmarkTunnels holds 50 tunnels of one server at once, each with an answer
// from inside, and says what one takes of memory and goroutines.
func BenchmarkTunnels(b *testing.B) {
	const tunnels = 50
	n, p := newNamespace(b), openvpn.NewPKI(b)
	n.openvpn(b, strings.Replace(configOf(p, 1999, 9, ""), "255.255.255.240", "255.255.255.0", 1))
	to := n.listen(b, "10.98.9.1", probetest.Serve(b, probetest.Echo))
	spec := link.OpenVPN{Addr: probe.AddressOf(netip.MustParseAddrPort("127.0.0.1:1999")), CA: p.CA, Cert: p.Client.Cert, Key: p.Client.Key}
	d := dialer{probetest.Dialer(b), n}
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	for b.Loop() {
		before, goroutines := memory(), runtime.NumGoroutine()
		ctx, cancel := context.WithTimeout(b.Context(), probetest.Enough)
		var open []*openvpn.Tunnel
		for range tunnels {
			env := probetest.Env(d, probe.NewTrace(clock.Real{}))
			v, err := openvpn.New(spec, env)
			if err != nil {
				b.Fatal(err)
			}
			tunnel, err := v.Open(ctx)
			if err != nil {
				b.Fatal(err)
			}
			c, err := tunnel.Dial(ctx, to)
			if err == nil {
				err = probetest.Ping(c)
			}
			if err != nil {
				b.Fatal(err)
			}
			open = append(open, tunnel)
		}
		b.ReportMetric(float64(memory()-before)/1024/tunnels, "KiB/tunnel")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/tunnels, "goroutines/tunnel")
		for _, t := range open {
			t.Close()
		}
		cancel()
	}
}
