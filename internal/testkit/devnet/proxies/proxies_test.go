package proxies_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/datacentre"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proxies"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

var key = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// world is a data centre and what checks need to know of it.
func world(t *testing.T) (addr string, full func(t *testing.T, text string) probe.Outcome) {
	t.Helper()
	k, err := key()
	if err != nil {
		t.Fatal(err)
	}
	dc, err := datacentre.Start(t.Context(), loopback.DrawWorld().Host(0, 1), k, clock.Real{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dc.Close() })
	keys, err := telegram.ParseKeys([]byte(datacentre.PublicPEM(k)))
	if err != nil {
		t.Fatal(err)
	}
	to, err := probe.ParseAddress(dc.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return dc.Addr, func(t *testing.T, text string) probe.Outcome {
		t.Helper()
		spec, err := link.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
			_, err := check.Config{Keys: keys}.Full(ctx, env, spec, check.Centre{DC: telegram.DC{ID: 4}, Addr: to})
			return err
		})
	}
}

func start(t *testing.T, s proxies.Spec) *proxies.Proxy {
	t.Helper()
	s.Host = loopback.DrawWorld().Host(1, 1)
	p, err := proxies.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestACheckGoesThroughEachProxy with the account that it was made with, with one
// that was added while it runs, and not with another.
func TestACheckGoesThroughEachProxy(t *testing.T) {
	t.Parallel()
	dc, full := world(t)
	for kind, wrong := range map[proxies.Kind]string{proxies.SOCKS5: "auth auth_rejected", proxies.HTTP: "auth auth_rejected", proxies.MTProto: "auth auth_rejected"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := proxies.Spec{Kind: kind, Accounts: filepath.Join(t.TempDir(), "accounts"), Upstream: dc}
			p := start(t, s)
			probetest.Want(t, full(t, p.URL()), "ok target")
			secret := strings.Repeat("5a", 16)
			probetest.Want(t, full(t, p.URLFor("donor", secret)), wrong)
			if err := p.Allow("donor", secret); err != nil {
				t.Fatal(err)
			}
			probetest.Want(t, full(t, p.URLFor("donor", secret)), "ok target")
			probetest.Want(t, full(t, p.URL()), "ok target")

			again := start(t, s)
			if again.Pass != p.Pass || again.User != p.User {
				t.Error("the account changed with a restart")
			}
		})
	}
}

func TestOfTheOtherKindsOfSecret(t *testing.T) {
	t.Parallel()
	dc, full := world(t)
	p := start(t, proxies.Spec{Kind: proxies.MTProto, Accounts: filepath.Join(t.TempDir(), "accounts"), Upstream: dc})
	if err := p.Allow("", strings.Repeat("5a", 16)); err != nil { // the right one need not be the first
		t.Fatal(err)
	}
	server, _, _ := strings.Cut(p.URL(), "&secret=")
	for _, prefix := range []string{"", "dd"} {
		probetest.Want(t, full(t, server+"&secret="+prefix+p.Pass), "ok target")
		probetest.Want(t, full(t, server+"&secret="+prefix+strings.Repeat("5a", 16)), "ok target")
		if out := full(t, server+"&secret="+prefix+strings.Repeat("ff", 16)); out.OK {
			t.Error("any secret will do")
		}
	}
}

func TestABlockedHostIsRefused(t *testing.T) {
	t.Parallel()
	dc, full := world(t)
	host, _, _ := strings.Cut(dc, ":")
	for _, kind := range []proxies.Kind{proxies.SOCKS5, proxies.HTTP} {
		probetest.Want(t, full(t, start(t, proxies.Spec{Kind: kind, Blocked: []string{host}}).URL()), "relay target_unreachable")
	}
}

func TestAnOpenProxyAsksForNothing(t *testing.T) {
	t.Parallel()
	_, full := world(t)
	for _, kind := range []proxies.Kind{proxies.SOCKS5, proxies.HTTP} {
		probetest.Want(t, full(t, start(t, proxies.Spec{Kind: kind}).URL()), "ok target")
	}
	if _, err := proxies.Start(t.Context(), proxies.Spec{Kind: proxies.MTProto}); err == nil {
		t.Error("an MTProto proxy without secrets runs")
	}
}
