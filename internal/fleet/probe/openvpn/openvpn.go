package openvpn

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// maxCredential is the longest user name or password that servers take.
const maxCredential = 128

// What we say that we can do (IV_PROTO): packets with a peer's number, settings
// without asking for them, and keys taken out of TLS.
const (
	speaksDataV2 = 1 << 1
	wantsPush    = 1 << 2
	exportsKeys  = 1 << 3
)

// Server is an OpenVPN server under check.
type Server struct {
	spec    link.OpenVPN
	env     probe.Env
	roots   *x509.CertPool
	cert    *tls.Certificate // nil for none
	ability int
}

// New returns the Server of spec. The error is config_invalid where spec cannot
// be used.
func New(spec link.OpenVPN, env probe.Env) (*Server, error) {
	v := &Server{spec: spec, env: env, roots: x509.NewCertPool(), ability: speaksDataV2 | wantsPush | exportsKeys}
	invalid := func(why string) error { return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "%s", why) }
	if !v.roots.AppendCertsFromPEM([]byte(spec.CA)) {
		return nil, invalid("there is no certificate authority")
	}
	if spec.Cert != "" {
		cert, err := tls.X509KeyPair([]byte(spec.Cert), []byte(spec.Key))
		if err != nil {
			return nil, invalid("the client's certificate and key cannot be used")
		}
		v.cert = &cert
	}
	if len(spec.User) > maxCredential || len(spec.Password) > maxCredential {
		return nil, invalid("the user name or the password is longer than servers take")
	}
	if _, err := newWrapping(spec, env.Clock.Now()); err != nil {
		return nil, err
	}
	return v, nil
}

// Ping makes the first exchange of packets and nothing more: it passes the stage
// handshake. Silence is a closed path, or another static key; they cannot be
// told apart.
func (v *Server) Ping(ctx context.Context) error {
	s, err := v.dial(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	s.quiet = true
	if err := s.reset(); err != nil {
		return probe.At(probe.StageHandshake, err)
	}
	v.env.Trace.Pass(probe.StageHandshake)
	return nil
}

// dial returns a session that has not begun.
func (v *Server) dial(ctx context.Context) (*session, error) {
	wrap, err := newWrapping(v.spec, v.env.Clock.Now())
	if err != nil {
		return nil, err
	}
	network := probe.UDP
	if v.spec.TCP {
		network = probe.TCP
	}
	c, err := v.env.Dialer.Dial(ctx, network, v.spec.Addr, v.env.Trace)
	if err != nil {
		return nil, err
	}
	s, err := newSession(c, v.spec.TCP, wrap, v.env.Rand)
	if err != nil {
		c.Close()
		return nil, probe.At(probe.StageHandshake, err)
	}
	return s, nil
}
