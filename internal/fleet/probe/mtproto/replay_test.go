package mtproto_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

func TestOneProcessBehindTwoAddressesIsFound(t *testing.T) {
	t.Parallel()
	spec := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{1}, SNI: "masked.example"}
	at := func(addr probe.Address) link.MTProto {
		out := spec
		out.Addr = addr
		return out
	}
	other := spec
	other.Key = [16]byte{2}
	other.Addr = dctest.Proxy(t, other, probetest.Closed(t))
	padded := spec
	padded.Kind = link.SecretPadded
	dc := probetest.Closed(t) // no data centre is asked
	one, two := dctest.Twins(t, spec, dc)
	apart := dctest.Proxy(t, spec, dc)
	// forward is a machine that passes everything on to the first.
	forward := probetest.Serve(t, func(c net.Conn) { probetest.Join(t.Context(), c, one.String()) })
	for name, tc := range map[string]struct {
		a, b    link.MTProto
		timeout time.Duration
		want    mtproto.Linkage
	}{
		"one process":               {at(one), at(two), probetest.Enough, mtproto.Linked},
		"a forwarded port":          {at(two), at(forward), probetest.Enough, mtproto.Linked},
		"two processes":             {at(one), at(apart), probetest.Enough, mtproto.NotShown},
		"the first does not answer": {at(probetest.Closed(t)), at(one), probetest.Enough, mtproto.NoMatter},
		"the second is closed":      {at(one), at(probetest.Closed(t)), probetest.Enough, mtproto.NoMatter},
		"the second is a web site":  {at(one), at(probetest.Serve(t, probetest.Web)), probetest.Enough, mtproto.NoMatter},
		"the second is silent":      {at(one), at(probetest.Serve(t, probetest.BlackHole)), 2 * probetest.Patience, mtproto.NoMatter},
		"another secret":            {at(one), other, probetest.Enough, mtproto.NoMatter},
		"not in TLS":                {padded, padded, probetest.Enough, mtproto.NoMatter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got mtproto.Linkage
			probetest.Run(t, tc.timeout, func(ctx context.Context, env probe.Env) (err error) {
				second := env
				second.Trace = probe.NewTrace(env.Clock)
				got, err = mtproto.Replay(ctx, env, tc.a, second, tc.b)
				return err
			})
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// flaky refuses its second connection.
type flaky struct {
	probe.Dialer
	n *int
}

func (f flaky) Dial(ctx context.Context, network string, to probe.Address, tr *probe.Trace) (net.Conn, error) {
	if *f.n++; *f.n == 2 {
		return nil, probe.Fail(probe.StageTCP, probe.ClassRefused, "not now")
	}
	return f.Dialer.Dial(ctx, network, to, tr)
}

// TestAProxyThatWasDownIsNotLinked: it refused the connection and not the hello.
func TestAProxyThatWasDownIsNotLinked(t *testing.T) {
	t.Parallel()
	spec := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{1}, SNI: "masked.example"}
	a, b := spec, spec
	a.Addr, b.Addr = dctest.Proxy(t, spec, probetest.Closed(t)), dctest.Proxy(t, spec, probetest.Closed(t))
	probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		env.Dialer = flaky{env.Dialer, new(int)}
		if got, err := mtproto.Replay(ctx, env, a, env, b); got != mtproto.NoMatter || probe.ClassOf(err) != probe.ClassRefused {
			t.Errorf("%s, %v", got, err)
		}
		return nil
	})
}

// late is a clock that jumps by a second whenever it is read.
type late struct{ *clock.Fake }

func (l late) Now() time.Time {
	defer l.Advance(time.Second)
	return l.Fake.Now()
}

// TestAnOldHelloLinksNobody: what took long may have been refused for its age.
func TestAnOldHelloLinksNobody(t *testing.T) {
	t.Parallel()
	spec := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{1}, SNI: "masked.example"}
	one, two := dctest.Twins(t, spec, probetest.Closed(t))
	b := spec
	spec.Addr, b.Addr = one, two
	probetest.Run(t, probetest.Enough, func(ctx context.Context, env probe.Env) error {
		env.Clock = late{clock.NewFake(env.Clock.Now())}
		env.Trace = probe.NewTrace(env.Clock)
		if got, err := mtproto.Replay(ctx, env, spec, env, b); got != mtproto.NoMatter || probe.ClassOf(err) != probe.ClassTimeout {
			t.Errorf("%s, %v", got, err)
		}
		return nil
	})
}
