package overtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Dial connects to addr and shakes hands with the server called name, or with
// the address where name is "". roots nil means the system's. It passes the
// stage handshake and notes the server's certificate.
func Dial(ctx context.Context, env probe.Env, addr probe.Address, name string, roots *x509.CertPool) (net.Conn, error) {
	if name == "" {
		name = addr.Host.String()
	}
	c, err := env.Dialer.Dial(ctx, probe.TCP, addr, env.Trace)
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: roots, Time: env.Clock.Now})
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, probe.InTLS(probe.StageHandshake, err)
	}
	env.Trace.Pass(probe.StageHandshake)
	env.Trace.Met(t.ConnectionState().PeerCertificates[0].Raw)
	return t, nil
}
