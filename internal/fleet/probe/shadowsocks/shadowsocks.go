package shadowsocks

import (
	"context"
	"net"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Server is a Shadowsocks server under check.
type Server struct {
	spec link.Shadowsocks
	env  probe.Env
}

var _ probe.Tunnel = (*Server)(nil)

// New returns the Server of spec.
func New(spec link.Shadowsocks, env probe.Env) *Server { return &Server{spec: spec, env: env} }

// Close does nothing: a server holds no state but its connections.
func (s *Server) Close() error { return nil }

// Dial returns a connection to to, which may be a name. The server hears of it
// with the first write, or with the first read where that comes before.
func (s *Server) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	m, err := methodOf(s.spec.Method)
	if err != nil {
		return nil, err
	}
	c, err := s.env.Dialer.Dial(ctx, probe.TCP, s.spec.Addr, s.env.Trace)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, env: s.env, method: m, key: m.key(s.spec.Password), first: to.AppendSOCKS(nil)}, nil
}
