package vless

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/overtls"
)

// Bytes of the request.
const (
	version  = 0
	connect  = 1
	atypIPv4 = 1
	atypName = 2
	atypIPv6 = 3
)

// Server is a VLESS server under check.
type Server struct {
	spec  link.VLESS
	env   probe.Env
	roots *x509.CertPool
}

var _ probe.Tunnel = (*Server)(nil)

// New returns the Server of spec; roots nil means the system's.
func New(spec link.VLESS, env probe.Env, roots *x509.CertPool) *Server {
	return &Server{spec: spec, env: env, roots: roots}
}

// Close does nothing: a server holds no state but its connections.
func (s *Server) Close() error { return nil }

// Dial returns a connection to to, which may be a name. The server hears of it
// with the first write, or with the first read where that comes before.
func (s *Server) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	var c net.Conn
	var err error
	if s.spec.TLS {
		c, err = overtls.Dial(ctx, s.env, s.spec.Addr, s.spec.SNI, s.roots)
	} else {
		c, err = s.env.Dialer.Dial(ctx, probe.TCP, s.spec.Addr, s.env.Trace)
	}
	if err != nil {
		return nil, err
	}
	return &conn{Conn: probe.Headed(c, s.request(to)), trace: s.env.Trace}, nil
}

func (s *Server) request(to probe.Address) []byte {
	b := append([]byte{version}, s.spec.ID[:]...)
	b = append(b, 0, connect) // nothing added
	b = binary.BigEndian.AppendUint16(b, to.Port)
	ip, ok := to.Host.IP()
	switch {
	case !ok:
		name := to.Host.Name()
		return append(append(b, atypName, byte(len(name))), name...) //nolint:gosec // at most 253
	case ip.Is4():
		return append(append(b, atypIPv4), ip.AsSlice()...)
	default:
		return append(append(b, atypIPv6), ip.AsSlice()...)
	}
}

// conn takes the server's header off.
type conn struct {
	net.Conn
	trace    *probe.Trace
	answered bool
}

func (c *conn) Read(p []byte) (int, error) {
	if !c.answered {
		if err := c.header(); err != nil {
			return 0, err
		}
		c.answered = true
	}
	return c.Conn.Read(p)
}

// header reads version, length and what was added, which nobody uses.
func (c *conn) header() error {
	var h [2]byte
	if _, err := io.ReadFull(c.Conn, h[:1]); err != nil {
		return err
	}
	if h[0] != version {
		return probe.Fail(
			probe.StageHandshake,
			probe.ClassProtocolMismatch,
			"the answer begins with %#02x, not 0",
			h[0],
		)
	}
	if _, err := io.ReadFull(c.Conn, h[1:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.Conn, make([]byte, h[1])); err != nil {
		return err
	}
	c.trace.Pass(probe.StageHandshake)
	c.trace.Pass(probe.StageAuth)
	return nil
}
