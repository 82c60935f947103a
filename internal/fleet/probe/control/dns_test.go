package control_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// zone is a resolver of one name.
type zone struct {
	texts []string
	addrs []string
	err   error
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z.err != nil || name != "_grant.proxy.example." || z.texts == nil {
		return nil, z.fail(name)
	}
	return z.texts, nil
}

func (z zone) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if z.err != nil || name != "proxy.example." || z.addrs == nil {
		return nil, z.fail(name)
	}
	var out []netip.Addr
	for _, a := range z.addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

func (z zone) fail(name string) error {
	if z.err != nil {
		return z.err
	}
	return &net.DNSError{Name: name, IsNotFound: true}
}

func TestARecordProvesTheName(t *testing.T) {
	t.Parallel()
	token, another := tokens()
	name, err := probe.ParseHost("proxy.example")
	if err != nil {
		t.Fatal(err)
	}
	bare := probe.HostIP(netip.MustParseAddr("192.0.2.1"))
	good := zone{texts: []string{"v=spf1", token}, addrs: []string{"2001:db8::1", "192.0.2.1"}}
	for label, tc := range map[string]struct {
		host   probe.Host
		a, b   control.Resolver
		tested string
		want   string
	}{
		"both agree":             {name, good, good, "192.0.2.1", "ok target"},
		"the other family":       {name, good, good, "2001:db8::1", "ok target"},
		"in IPv6's clothes":      {name, good, good, "::ffff:192.0.2.1", "ok target"},
		"another server":         {name, good, good, "192.0.2.2", "target target_invalid"},
		"one does not know yet":  {name, good, zone{texts: []string{another}, addrs: good.addrs}, "192.0.2.1", "target target_invalid"},
		"one leads elsewhere":    {name, good, zone{texts: good.texts, addrs: []string{"192.0.2.9"}}, "192.0.2.1", "target target_invalid"},
		"no record":              {name, zone{addrs: good.addrs}, zone{addrs: good.addrs}, "192.0.2.1", "target target_invalid"},
		"another token":          {name, zone{texts: []string{another}, addrs: good.addrs}, zone{texts: []string{another}, addrs: good.addrs}, "192.0.2.1", "target target_invalid"},
		"no address":             {name, zone{texts: good.texts}, good, "192.0.2.1", "dns dns_nxdomain"},
		"a resolver that fails":  {name, good, zone{err: &net.DNSError{IsTemporary: true}}, "192.0.2.1", "dns dns_error"},
		"one we cannot ask":      {name, zone{err: errors.New("odd")}, good, "192.0.2.1", "dns local_resources"},
		"an endpoint by address": {bare, good, good, "192.0.2.1", "parse config_invalid"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			out := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
				return control.DNS(ctx, env, []control.Resolver{tc.a, tc.b}, tc.host, token, netip.MustParseAddr(tc.tested))
			})
			probetest.Want(t, out, tc.want)
		})
	}
	one := probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		return control.DNS(ctx, env, []control.Resolver{good}, name, token, netip.MustParseAddr("192.0.2.1"))
	})
	probetest.Want(t, one, "parse local_resources")
}
