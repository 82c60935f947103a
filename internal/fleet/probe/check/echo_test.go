package check_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	server "github.com/things-go/go-socks5"
	"github.com/things-go/go-socks5/statute"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// only lets a proxy connect to one port, as a proxy for Telegram alone does.
type only int

func (o only) Allow(ctx context.Context, r *server.Request) (context.Context, bool) {
	return ctx, r.Command == statute.CommandConnect && r.DestAddr.Port == int(o)
}

func TestTheExitIsKnownWhereTheEndpointLetsUsAsk(t *testing.T) {
	t.Parallel()
	const nonce = "000102030405060708090a0b0c0d0e0f"
	key := []byte("an echo key of 24 bytes!")
	es, err := echo.NewServer(echo.Config{Key: key, Clock: clock.Real{}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = es.Serve(t.Context(), ln) }()
	dc := dctest.Serve(t)
	to := check.Centre{
		DC: telegram.DC{ID: dctest.ID}, Addr: dc, Nonce: nonce,
		Echo: probe.AddressOf(netip.MustParseAddrPort(ln.Addr().String())),
	}
	proxy := func(opts ...server.Option) link.Spec {
		// The exit is another address than the one that listens.
		s := server.NewServer(append(opts, server.WithLogger(quiet{}), server.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}
			return d.DialContext(ctx, network, addr)
		}))...)
		return link.SOCKS5{Addr: probetest.Serve(t, func(c net.Conn) { _ = s.ServeConn(c) })}
	}
	mt := link.MTProto{Kind: link.SecretSimple, Key: [16]byte{1}}
	mt.Addr = dctest.Proxy(t, mt, dc)
	for name, tc := range map[string]struct {
		spec   link.Spec
		exit   string
		detail string
	}{
		"open":          {proxy(), "127.0.0.77", ""},
		"Telegram only": {proxy(server.WithRule(only(dc.Port))), "", "the exit's address is not known: relay_refused"},
		"Telegram's":    {mt, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := probetest.Dialer(t)
			r := probe.Runner{Clock: clock.Real{}, Timeout: probetest.Enough}

			out := r.Run(t.Context(), probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
				return check.Config{Keys: dctest.Keys(t)}.Full(ctx, probetest.Env(d, tr), tc.spec, to)
			}})

			probetest.Want(t, out, "ok target")
			if out.Detail != tc.detail || out.Evidence == nil || (out.Evidence.Exit != nil) != (tc.exit != "") {
				t.Fatalf("%+v, evidence %+v", out, out.Evidence)
			}
			if tc.exit == "" {
				return
			}
			if a, err := echo.Verify(key, nonce, *out.Evidence.Exit); err != nil || a.String() != tc.exit {
				t.Errorf("%v, %v", a, err)
			}
		})
	}
}
