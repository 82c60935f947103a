package check_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	server "github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// attempt makes one attempt of f and fails the benchmark unless it ends as want.
func attempt(b *testing.B, f func(context.Context, probe.Env) error, want string) {
	b.Helper()
	probetest.Want(b, probetest.Run(b, probetest.Enough, f), want)
}

// BenchmarkChecks sets checks beside a bare connection to the same kind of
// listener: the rest is what a check costs, servers and data centre included.
func BenchmarkChecks(b *testing.B) {
	dc, echo := dctest.Serve(b), probetest.Serve(b, probetest.Echo)
	s := server.NewServer(server.WithLogger(quiet{}))
	socks := link.SOCKS5{Addr: probetest.Serve(b, func(c net.Conn) { _ = s.ServeConn(c) })}
	mt := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{1}, SNI: "masked.example"}
	mt.Addr = dctest.Proxy(b, mt, dc)
	cfg := check.Config{Keys: dctest.Keys(b)}
	to := check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: dc}
	full := func(spec link.Spec) func(context.Context, probe.Env) error {
		return func(ctx context.Context, env probe.Env) error {
			_, err := cfg.Full(ctx, env, spec, to)
			return err
		}
	}
	light := func(spec link.Spec) func(context.Context, probe.Env) error {
		return func(ctx context.Context, env probe.Env) error { return cfg.Light(ctx, env, spec, to) }
	}
	bare := func(ctx context.Context, env probe.Env) error {
		c, err := env.Dialer.Dial(ctx, probe.TCP, echo, env.Trace)
		if err != nil {
			return err
		}
		defer c.Close()
		return probetest.Ping(c)
	}
	for _, bm := range []struct {
		name string
		f    func(context.Context, probe.Env) error
		want string
	}{
		{"bare TCP and echo", bare, "ok tcp"},
		{"SOCKS5 light", light(socks), "ok handshake"},
		{"SOCKS5 full", full(socks), "ok target"},
		{"MTProto ee light", light(mt), "ok relay"},
		{"MTProto ee full", full(mt), "ok target"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attempt(b, bm.f, bm.want)
			}
		})
	}
}

// BenchmarkSilence checks 1,000 endpoints at once that never answer: they cost
// their deadline, and little else.
func BenchmarkSilence(b *testing.B) {
	const endpoints, patience = 1000, time.Second
	addr := probetest.Serve(b, probetest.BlackHole)
	spec := link.SOCKS5{Addr: addr}
	for b.Loop() {
		var wg sync.WaitGroup
		for range endpoints {
			wg.Go(func() {
				out := probetest.Run(b, patience, func(ctx context.Context, env probe.Env) error {
					return check.Config{}.Light(ctx, env, spec, check.Centre{})
				})
				if out.Class != probe.ClassTimeout {
					b.Error(fmt.Sprint(out))
				}
			})
		}
		wg.Wait()
	}
}
