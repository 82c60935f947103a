package check_test

import (
	"bufio"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	server "github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// fleet is the servers that a benchmark checks; they run in a process of their
// own, so that what is measured is the checking side.
type fleet struct {
	Echo, Hole, SOCKS, HTTP, VLESS, MTProto string // host:port
	InTunnel                                string // an echo
	Shadowsocks, Trojan, CertPEM            string
	OpenVPN                                 string // UDP
	DC, KeysPEM                             string
	WireGuard                               []string // configurations, a peer each
}

// peers is how many peers the WireGuard server has.
const peers = 1000

// fleetEnv tells the test binary to be the fleet.
const fleetEnv = "CAUSEWAY_BENCH_FLEET"

// TestFleet is the servers' process when a benchmark starts it, and nothing else
// does anything here.
func TestFleet(t *testing.T) {
	t.Parallel()
	if os.Getenv(fleetEnv) == "" {
		return
	}
	dc := dctest.Serve(t)
	s := server.NewServer(server.WithLogger(quiet{}))
	mt := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{1}, SNI: "masked.example"}
	on := func(serve func(net.Conn)) string { return probetest.Listen(t, "0.0.0.0:0", serve).String() }
	echo := probetest.Serve(t, probetest.Echo)
	cert := probetest.NewCertificate(t, probetest.FarFuture(), "a.example")
	f := fleet{
		Echo: on(probetest.Echo), Hole: on(probetest.BlackHole), SOCKS: on(func(c net.Conn) { _ = s.ServeConn(c) }),
		HTTP: on(connect(t)), VLESS: on(plainVLESS(t)), MTProto: dctest.Proxy(t, mt, dc).String(), DC: dc.String(), KeysPEM: dctest.KeysPEM(t),
		Shadowsocks: on(shadowsocksServer(t)), Trojan: on(trojanServer(t, cert)), CertPEM: string(cert.CertPEM), OpenVPN: openVPNServer(t),
		WireGuard: wireguardServer(t, peers, echo), InTunnel: echo.String(),
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark ends
}

// startFleet starts the servers and stops them with b.
func startFleet(b *testing.B) fleet {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestFleet$")
	cmd.Env = append(os.Environ(), fleetEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	var f fleet
	if err := json.NewDecoder(out).Decode(&f); err != nil {
		b.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return f
}

// connect is an HTTP proxy.
func connect(t *testing.T) func(net.Conn) {
	t.Helper()
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		first, err := r.ReadString('\n')
		for line := "-"; err == nil && strings.TrimSpace(line) != ""; {
			line, err = r.ReadString('\n')
		}
		if words := strings.Fields(first); err == nil && len(words) == 3 {
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err == nil {
				probetest.Join(t.Context(), struct {
					io.Reader
					io.Writer
				}{r, c}, words[1])
			}
		}
	}
}

// plainVLESS is a VLESS server that takes everybody to an IPv4 address.
func plainVLESS(t *testing.T) func(net.Conn) {
	t.Helper()
	return func(c net.Conn) {
		head := make([]byte, 1+16+1+1+2+1+4)
		if _, err := io.ReadFull(c, head); err != nil || head[21] != 1 {
			return
		}
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte(head[22:])), binary.BigEndian.Uint16(head[19:]))
		if _, err := c.Write([]byte{0, 0}); err == nil {
			probetest.Join(t.Context(), c, to.String())
		}
	}
}

// at returns the address of endpoint i: one of 127.1.0.0/16 on the port of s.
func at(s string, i int) string {
	_, port, _ := strings.Cut(s, ":")
	if _, last, ok := strings.Cut(port, "]:"); ok {
		port = last
	}
	return "127.1." + strconv.Itoa(i/250) + "." + strconv.Itoa(i%250+1) + ":" + port
}

// sweep checks n endpoints, many at once, and returns how long it took and how
// much memory the process had at most, in MB.
func sweep(b *testing.B, n, many int, timeout time.Duration, want string, f func(ctx context.Context, env probe.Env, i int) error) (time.Duration, float64) {
	b.Helper()
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600) // begins the high-water mark anew
	d := probetest.Dialer(b)
	r := probe.Runner{Clock: clock.Real{}, Timeout: timeout}
	var next, bad atomic.Int64
	var wg sync.WaitGroup
	start := clock.Real{}.Now()
	for range many {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				out := r.Run(b.Context(), probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
					return nil, f(ctx, probetest.Env(d, tr), int(i))
				}})
				got := fmt.Sprintf("%s %s", out.FailedAt, out.Class)
				if out.OK {
					got = "ok " + string(out.Stage)
				}
				if got != want && bad.Add(1) == 1 {
					b.Errorf("endpoint %d: %s (%s)", i, got, out.Detail)
				}
			}
		})
	}
	wg.Wait()
	took := clock.Real{}.Now().Sub(start)
	if bad.Load() > 0 {
		b.Errorf("%d of %d ended otherwise than %q", bad.Load(), n, want)
	}
	return took, highWater(b)
}

// highWater returns the most memory that this process had, in MB.
func highWater(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}

// tunnels is how many tunnels in user space are open at once, as in a prober.
const tunnels = 64

// BenchmarkFleet checks 1,000 endpoints of each protocol, 200 at once as a prober
// does, and sets each beside as many bare connections with one echo to the same
// process: the metric x-bare is how many times as long it took. "echo" goes
// through the endpoint to an echo, "light" is the light check, and "full" ends
// with Telegram's proof, most of which is the emulated data centre's arithmetic on
// the same cores.
func BenchmarkFleet(b *testing.B) {
	const endpoints, many = 1000, 200
	f := startFleet(b)
	keys, err := telegram.ParseKeys([]byte(f.KeysPEM))
	if err != nil {
		b.Fatal(err)
	}
	cfg := check.Config{Keys: keys, Roots: x509.NewCertPool()}
	cfg.Roots.AppendCertsFromPEM([]byte(f.CertPEM))
	to := check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: address(b, f.DC)}
	specs := func(text func(i int) string) []link.Spec {
		out := make([]link.Spec, endpoints)
		for i := range out {
			if out[i], err = link.Parse(text(i)); err != nil {
				b.Fatal(err)
			}
		}
		return out
	}
	type checkFunc = func(context.Context, probe.Env, int) error
	full := func(list []link.Spec) checkFunc {
		return func(ctx context.Context, env probe.Env, i int) error {
			_, err := cfg.Full(ctx, env, list[i], to)
			return err
		}
	}
	light := func(list []link.Spec) checkFunc {
		return func(ctx context.Context, env probe.Env, i int) error { return cfg.Light(ctx, env, list[i], to) }
	}
	echo := func(list []link.Spec, target probe.Address) checkFunc {
		return func(ctx context.Context, env probe.Env, i int) error {
			t, err := cfg.Open(ctx, list[i], env)
			if err != nil {
				return err
			}
			return probetest.Through(ctx, env, t, target)
		}
	}
	bare := func(ctx context.Context, env probe.Env, i int) error {
		c, err := env.Dialer.Dial(ctx, probe.TCP, address(b, at(f.Echo, i)), env.Trace)
		if err != nil {
			return err
		}
		defer c.Close()
		return probetest.Ping(c)
	}
	_, mtPort, _ := strings.Cut(f.MTProto, ":")
	mt := "tg://proxy?server=127.0.0.1&port=" + mtPort + "&secret=ee01000000000000000000000000000000" + fmt.Sprintf("%x", "masked.example")
	socks := specs(func(i int) string { return "socks5://" + at(f.SOCKS, i) })
	proxy := specs(func(i int) string { return "http://" + at(f.HTTP, i) })
	vless := specs(func(i int) string { return "vless://b831381d-6324-4d53-ad4f-8cda48b30811@" + at(f.VLESS, i) })
	ss := specs(func(i int) string { return "ss://aes-128-gcm:" + fleetPassword + "@" + at(f.Shadowsocks, i) })
	trojan := specs(func(i int) string { return "trojan://" + fleetPassword + "@" + at(f.Trojan, i) + "?sni=a.example" })
	vpnHost, vpnPort, _ := strings.Cut(f.OpenVPN, ":")
	openvpn := specs(func(int) string {
		return "client\ndev tun\nproto udp\nremote " + vpnHost + " " + vpnPort + "\nremote-cert-tls server\n<ca>\n" + f.CertPEM +
			"</ca>\n<auth-user-pass>\nanna\npw\n</auth-user-pass>\n"
	})
	mtproto := specs(func(int) string { return mt })
	wg := specs(func(i int) string { return f.WireGuard[i] })
	target := address(b, f.InTunnel)
	inside := probe.AddressOf(netip.AddrPortFrom(insideAddr(0), 443))
	for _, bm := range []struct {
		name, want string
		many       int
		f          checkFunc
	}{
		{"SOCKS5 light", "ok handshake", many, light(socks)},
		{"SOCKS5 echo", "ok target", many, echo(socks, target)},
		{"SOCKS5 full", "ok target", many, full(socks)},
		{"HTTP CONNECT light", "ok relay", many, light(proxy)},
		{"HTTP CONNECT echo", "ok target", many, echo(proxy, target)},
		{"VLESS light", "ok relay", many, light(vless)},
		{"VLESS echo", "ok target", many, echo(vless, target)},
		{"Shadowsocks light", "ok relay", many, light(ss)},
		{"Shadowsocks echo", "ok target", many, echo(ss, target)},
		{"Trojan light", "ok relay", many, light(trojan)},
		{"Trojan echo", "ok target", many, echo(trojan, target)},
		{"OpenVPN light", "ok handshake", many, light(openvpn)}, // the exchange of resets
		{"MTProto ee light", "ok relay", many, light(mtproto)},
		// More at once and wireguard-go defends itself: all come from one address.
		{"WireGuard light", "ok auth", tunnels, light(wg)},
		{"WireGuard echo", "ok target", tunnels, echo(wg, inside)},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var took, bares time.Duration
			var most float64
			for b.Loop() {
				t, _ := sweep(b, endpoints, many, probetest.Enough, "ok tcp", bare)
				bares += t // in turns, so that other work on the machine slows both
				t, mb := sweep(b, endpoints, bm.many, 2*probetest.Enough, bm.want, bm.f)
				took, most = took+t, max(most, mb)
			}
			b.ReportMetric(float64(took)/float64(bares), "x-bare")
			b.ReportMetric(most, "MB-peak")
			if strings.HasPrefix(bm.name, "WireGuard") && most > 250 {
				b.Errorf("1,000 tunnels took %.0f MB", most)
			}
		})
	}
}

func address(b *testing.B, s string) probe.Address {
	b.Helper()
	a, err := probe.ParseAddress(s)
	if err != nil {
		b.Error(err)
	}
	return a
}

// BenchmarkSilentFleet checks 5,000 endpoints at once that never answer, with a
// deadline of five seconds: they cost that, and little else.
func BenchmarkSilentFleet(b *testing.B) {
	const endpoints = 5000
	f := startFleet(b)
	for b.Loop() {
		took, most := sweep(b, endpoints, endpoints, 5*time.Second, "handshake timeout", func(ctx context.Context, env probe.Env, i int) error {
			return check.Config{}.Light(ctx, env, link.SOCKS5{Addr: address(b, at(f.Hole, i))}, check.Centre{})
		})
		if took > 8*time.Second || most > 100 {
			b.Errorf("it took %s and %.0f MB", took, most)
		}
		b.ReportMetric(most, "MB-peak")
	}
}

// insideAddr is an address in the WireGuard network: 0 the server's, above it the
// peers'.
func insideAddr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 99, byte(i / 250), byte(i%250 + 1)})
}

func keyPair(t *testing.T) (private, public []byte) {
	t.Helper()
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Bytes(), k.PublicKey().Bytes()
}

// peerConfig is what a peer of the server has.
func peerConfig(private, public []byte, addr netip.Addr, endpoint string) string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("[Interface]\nPrivateKey = %s\nAddress = %s/32\n[Peer]\nPublicKey = %s\nAllowedIPs = 0.0.0.0/0\nEndpoint = %s\n", b64(private), addr, b64(public), endpoint)
}
