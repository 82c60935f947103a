package trojan

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/overtls"
)

// connect is the command for TCP.
const connect = 1

// Server is a Trojan server under check.
type Server struct {
	spec  link.Trojan
	env   probe.Env
	roots *x509.CertPool
}

var _ probe.Tunnel = (*Server)(nil)

// New returns the Server of spec; roots nil means the system's.
func New(spec link.Trojan, env probe.Env, roots *x509.CertPool) *Server {
	return &Server{spec: spec, env: env, roots: roots}
}

// Close does nothing: a server holds no state but its connections.
func (s *Server) Close() error { return nil }

// Dial returns a connection to to, which may be a name. The server hears of it
// with the first write, or with the first read where that comes before.
func (s *Server) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	c, err := overtls.Dial(ctx, s.env, s.spec.Addr, s.spec.SNI, s.roots)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum224([]byte(s.spec.Password))
	head := append([]byte(hex.EncodeToString(sum[:])), '\r', '\n', connect)
	return probe.Headed(c, append(to.AppendSOCKS(head), '\r', '\n')), nil
}
