package check_test

import (
	"context"
	"net"
	"strings"
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

// full makes a full check of what text describes.
func full(t *testing.T, timeout time.Duration, cfg check.Config, text string, dc probe.Address) probe.Outcome {
	t.Helper()
	spec, err := link.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d := probetest.Dialer(t)
	r := probe.Runner{Clock: clock.Real{}, Timeout: timeout}
	return r.Run(t.Context(), probe.Attempt{
		Secrets: link.Secrets(spec),
		Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
			return cfg.Full(ctx, probetest.Env(d, tr), spec, check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: dc})
		},
	})
}

// light makes a light check of what text describes.
func light(t *testing.T, timeout time.Duration, cfg check.Config, text string, dc probe.Address) probe.Outcome {
	t.Helper()
	spec, err := link.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return probetest.Run(t, timeout, func(ctx context.Context, env probe.Env) error {
		return cfg.Light(ctx, env, spec, check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: dc})
	})
}

// links returns a link of every protocol to addr. Telegram's have no bare
// address: guards allow loopback names by the resolver of probetest.
func links(addr probe.Address) map[string]string {
	_, port, _ := strings.Cut(addr.String(), ":")
	at := addr.String()
	const key, id = "0123456789abcdef0123456789abcdef", "b831381d-6324-4d53-ad4f-8cda48b30811"
	mt := "tg://proxy?server=127.0.0.1&port=" + port + "&secret="
	return map[string]string{
		"socks5": "socks5://" + at, "socks5 with a user": "socks5://u:hunter22@" + at, "http": "http://u:hunter22@" + at,
		"mtproto": mt + key, "mtproto dd": mt + "dd" + key, "mtproto ee": mt + "ee" + key + "6d61736b65642e6578616d706c65",
		"shadowsocks": "ss://aes-256-gcm:hunter22@" + at, "trojan": "trojan://hunter22@" + at + "?sni=a.example",
		"vless": "vless://" + id + "@" + at, "vless in TLS": "vless://" + id + "@" + at + "?security=tls&sni=a.example",
	}
}

// TestBadServersAreDownForEveryProtocol is the golden matrix: no protocol takes
// a server of another kind for its own, hangs on one, holds itself to blame, or
// tells a secret.
func TestBadServersAreDownForEveryProtocol(t *testing.T) {
	t.Parallel()
	cfg := check.Config{Keys: dctest.Keys(t)}
	dc := dctest.Serve(t)
	const silent = 120 * time.Millisecond
	for name, serve := range map[string]func(net.Conn){
		"black hole":      probetest.BlackHole,
		"hangs up":        probetest.HangUp,
		"banner":          probetest.Banner,
		"web server":      probetest.Web,
		"drip":            probetest.Drip("\x05\x00HTTP/1.1 200 OK\r\n"),
		"SSH":             probetest.Says("SSH-2.0-OpenSSH_9.2p1\r\n"),
		"SOCKS":           probetest.AfterFirst("\x05\x00"),
		"echo":            probetest.Echo,
		"zeros":           probetest.Says(strings.Repeat("\x00", 5000)),
		"TLS alert":       probetest.AfterFirst("\x15\x03\x01\x00\x02\x02\x28"),
		"the data centre": nil,
	} {
		addr := dc
		if serve != nil {
			addr = probetest.Serve(t, serve)
		}
		for protocol, text := range links(addr) {
			t.Run(name+" for "+protocol, func(t *testing.T) {
				t.Parallel()
				out := full(t, silent, cfg, text, dc)
				if out.OK || out.Class.Verdict(probe.Full) != probe.Down || out.Evidence != nil || out.Addr != addr.String() {
					t.Errorf("%+v", out)
				}
				if strings.Contains(out.Detail, "hunter22") {
					t.Errorf("the detail holds a secret: %s", out.Detail)
				}
			})
		}
	}
}

type quiet struct{}

func (quiet) Errorf(string, ...any) {}

func TestFullAndLight(t *testing.T) {
	t.Parallel()
	cfg := check.Config{Keys: dctest.Keys(t)}
	genuine, forged := dctest.Serve(t), dctest.Forge(t)
	s := server.NewServer(server.WithLogger(quiet{}))
	socks := links(probetest.Serve(t, func(c net.Conn) { _ = s.ServeConn(c) }))["socks5"]
	spec, ok := parse(t, links(genuine)["mtproto ee"]).(link.MTProto)
	if !ok {
		t.Fatal("no MTProto")
	}
	proxy := links(dctest.Proxy(t, spec, genuine))["mtproto ee"]
	forgedProxy := links(dctest.Proxy(t, spec, forged))["mtproto ee"]

	out := full(t, probetest.Enough, cfg, socks, genuine)
	probetest.Want(t, out, "ok target")
	if out.Evidence == nil || !out.Evidence.TGProven || out.Evidence.TGKey != cfg.Keys.Fingerprints()[0] {
		t.Errorf("%+v", out.Evidence)
	}
	probetest.Want(t, full(t, probetest.Enough, cfg, proxy, genuine), "ok target")
	probetest.Want(t, full(t, probetest.Enough, cfg, socks, forged), "target target_invalid")
	probetest.Want(t, full(t, probetest.Enough, cfg, forgedProxy, genuine), "target target_invalid")
	probetest.Want(t, light(t, probetest.Enough, cfg, socks, genuine), "ok handshake")
	probetest.Want(t, light(t, probetest.Enough, cfg, proxy, genuine), "ok relay")
	probetest.Want(t, light(t, probetest.Enough, cfg, forgedProxy, genuine), "ok relay")
}

func parse(t *testing.T, text string) link.Spec {
	t.Helper()
	spec, err := link.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// unspoken is a protocol that nothing here speaks.
type unspoken struct{ link.SOCKS5 }

func (unspoken) Protocol() probe.Protocol { return probe.OpenVPN }

func TestProtocolsNotSpokenYetAreUnknown(t *testing.T) {
	t.Parallel()
	out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		_, err := check.Config{}.Full(ctx, env, unspoken{}, check.Centre{})
		return err
	})
	if out.Class.Verdict(probe.Full) != probe.Unknown || out.Addr != "" {
		t.Errorf("%+v", out)
	}
}

func TestWireGuardWithoutAnyKey(t *testing.T) {
	t.Parallel()
	const text = "[Interface]\nAddress = 10.0.0.2\n[Peer]\nPublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\nEndpoint = 127.0.0.1:1\n"
	probetest.Want(t, full(t, probetest.Enough, check.Config{}, text, probetest.Closed(t)), "parse config_invalid")
	probetest.Want(t, light(t, probetest.Enough, check.Config{}, text, probetest.Closed(t)), "parse config_invalid")
	own := check.Config{WireGuardKey: [32]byte{1}}
	probetest.Want(t, full(t, probetest.Enough, own, text, probetest.Closed(t)), "handshake refused")
	probetest.Want(t, light(t, probetest.Enough, own, text, probetest.Closed(t)), "handshake refused")
}
