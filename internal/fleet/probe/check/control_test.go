package check_test

import (
	"context"
	"crypto/rand"
	"net"
	"testing"

	"github.com/google/uuid"
	server "github.com/things-go/go-socks5"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
	"github.com/causeway-fund/causeway/internal/testkit/probetest"
)

// anyone takes every user and every password.
type anyone struct{}

func (anyone) Valid(string, string, string) bool { return true }

// TestControlIsProvenByACredential makes the two checks of a proof against
// servers whose operators did as they were told, and against such that are open
// in one way or another.
func TestControlIsProvenByACredential(t *testing.T) {
	t.Parallel()
	dc := dctest.Serve(t)
	secret := []byte("a secret of thirty-two bytes ...")
	socks := func(opts ...server.Option) func(control.Credential) link.Spec {
		return func(c control.Credential) link.Spec {
			if opts == nil {
				opts = []server.Option{server.WithCredential(server.StaticCredentials{c.User: c.Password, "operator": "operators"})}
			}
			s := server.NewServer(append(opts, server.WithLogger(quiet{}))...)
			return link.SOCKS5{Addr: probetest.Serve(t, func(c net.Conn) { _ = s.ServeConn(c) }), User: "operator", Password: "operators"}
		}
	}
	secretOf := func(kind link.SecretKind, added bool) func(control.Credential) link.Spec {
		return func(c control.Credential) link.Spec {
			spec := link.MTProto{Kind: kind, Key: [16]byte{1}, SNI: "masked.example"}
			served := spec
			if with, ok := must(control.With(spec, c)).(link.MTProto); ok && added {
				served = with
			}
			spec.Addr = dctest.Proxy(t, served, dc)
			return spec
		}
	}
	for name, tc := range map[string]struct {
		p    probe.Protocol
		spec func(control.Credential) link.Spec
		want control.Finding
	}{
		"added to SOCKS5":         {probe.SOCKS5, socks(), control.Held},
		"not added":               {probe.SOCKS5, socks(server.WithCredential(server.StaticCredentials{"operator": "operators"})), control.OursFailed},
		"an open proxy":           {probe.SOCKS5, socks(server.WithAuthMethods([]server.Authenticator{&server.NoAuthAuthenticator{}})), control.OursFailed},
		"takes any password":      {probe.SOCKS5, socks(server.WithCredential(anyone{})), control.DecoyPassed},
		"added to MTProto":        {probe.MTProto, secretOf(link.SecretPadded, true), control.Held},
		"added to MTProto in TLS": {probe.MTProto, secretOf(link.SecretTLS, true), control.Held},
		"MTProto, not added":      {probe.MTProto, secretOf(link.SecretTLS, false), control.OursFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, ok := control.Derive(secret, uuid.UUID{1}, 1, tc.p)
			decoy, dok := control.Random(rand.Reader, tc.p)
			if !ok || !dok {
				t.Fatal("no credential")
			}
			spec := tc.spec(ours)
			attempt := func(c control.Credential) probe.Outcome {
				d := probetest.Dialer(t)
				r := probe.Runner{Clock: clock.Real{}, Timeout: probetest.Enough}
				return r.Run(t.Context(), probe.Attempt{Check: func(ctx context.Context, tr *probe.Trace) (*probe.Evidence, error) {
					to := check.Centre{DC: telegram.DC{ID: dctest.ID}, Addr: dc}
					return check.Config{Keys: dctest.Keys(t)}.Full(ctx, probetest.Env(d, tr), must(control.With(spec, c)), to)
				}})
			}

			a, b := attempt(ours), attempt(decoy)

			if got := control.Judge(tc.p, a, b); got != tc.want {
				t.Errorf("%s, want %s: ours %+v, decoy %+v", got, tc.want, a, b)
			}
		})
	}
}

// must returns a spec that With makes.
func must(s link.Spec, err error) link.Spec {
	if err != nil {
		panic(err)
	}
	return s
}
