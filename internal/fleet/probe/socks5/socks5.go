package socks5

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Numbers of RFC 1928 and RFC 1929.
const (
	version      = 5
	authVersion  = 1
	methodNone   = 0
	methodUser   = 2
	methodRefuse = 0xff
	cmdConnect   = 1
	cmdAssociate = 3
	atypIPv4     = 1
	atypName     = 3
	atypIPv6     = 4
)

// Proxy is a SOCKS5 proxy under check.
type Proxy struct {
	spec link.SOCKS5
	env  probe.Env
}

var _ probe.Tunnel = (*Proxy)(nil)

// New returns the Proxy of spec.
func New(spec link.SOCKS5, env probe.Env) *Proxy { return &Proxy{spec: spec, env: env} }

// Close does nothing: a proxy holds no state but its connections.
func (p *Proxy) Close() error { return nil }

// Ping goes as far as the proxy's own answer: stage handshake, and auth where
// there is a user.
func (p *Proxy) Ping(ctx context.Context) error {
	c, err := p.hello(ctx)
	if err != nil {
		return err
	}
	return probe.At(probe.StageAuth, c.Close())
}

// Dial asks the proxy for a connection to to, which may be a name.
func (p *Proxy) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	c, err := p.hello(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := request(c, cmdConnect, to); err != nil {
		c.Close()
		return nil, err
	}
	p.env.Trace.Pass(probe.StageRelay)
	return c, nil
}

// hello connects and agrees on a method.
func (p *Proxy) hello(ctx context.Context) (net.Conn, error) {
	c, err := p.env.Dialer.Dial(ctx, probe.TCP, p.spec.Addr, p.env.Trace)
	if err != nil {
		return nil, err
	}
	if err := p.negotiate(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (p *Proxy) negotiate(c net.Conn) error {
	method := byte(methodNone)
	if p.spec.User != "" {
		method = methodUser
	}
	if _, err := c.Write([]byte{version, 1, method}); err != nil {
		return probe.At(probe.StageHandshake, err)
	}
	var b [2]byte
	if _, err := io.ReadFull(c, b[:1]); err != nil {
		return probe.At(probe.StageHandshake, err)
	}
	if b[0] != version {
		return probe.Fail(probe.StageHandshake, probe.ClassProtocolMismatch, "the first byte is %#02x, not 5", b[0])
	}
	if _, err := io.ReadFull(c, b[1:]); err != nil {
		return probe.At(probe.StageHandshake, err)
	}
	p.env.Trace.Pass(probe.StageHandshake)
	switch {
	case b[1] == methodRefuse && method == methodNone:
		return probe.Fail(probe.StageAuth, probe.ClassAuthRequired, "it lets nobody in without a user")
	case b[1] == methodRefuse:
		return probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "it does not ask for user and password")
	case b[1] != method:
		return probe.Fail(
			probe.StageAuth,
			probe.ClassProtocolMismatch,
			"it chose method %#02x, which was not offered",
			b[1],
		)
	case method == methodNone:
		return nil
	}
	if err := p.login(c); err != nil {
		return err
	}
	p.env.Trace.Pass(probe.StageAuth)
	return nil
}

// login is RFC 1929.
func (p *Proxy) login(c net.Conn) error {
	user, password := p.spec.User, p.spec.Password
	if len(user) > 255 || len(password) > 255 {
		return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "user or password is longer than 255 bytes")
	}
	m := counted(counted([]byte{authVersion}, user), password)
	if _, err := c.Write(m); err != nil {
		return probe.At(probe.StageAuth, err)
	}
	var b [2]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		return probe.At(probe.StageAuth, err)
	}
	// Some servers repeat the version of SOCKS here.
	if b[0] != authVersion && b[0] != version {
		return probe.Fail(
			probe.StageAuth,
			probe.ClassProtocolMismatch,
			"the answer to the password begins with %#02x",
			b[0],
		)
	}
	if b[1] != 0 {
		return probe.Fail(probe.StageAuth, probe.ClassAuthRejected, "status %d", b[1])
	}
	return nil
}

// request sends a command and returns the port of the answer. The answer's
// address is read and dropped.
func request(c net.Conn, cmd byte, to probe.Address) (port uint16, err error) {
	if _, err := c.Write(to.AppendSOCKS([]byte{version, cmd, 0})); err != nil {
		return 0, probe.At(probe.StageRelay, err)
	}
	var h [4]byte
	if _, err := io.ReadFull(c, h[:]); err != nil {
		return 0, probe.At(probe.StageRelay, err)
	}
	if h[0] != version {
		return 0, probe.Fail(probe.StageRelay, probe.ClassProtocolMismatch, "the answer begins with %#02x", h[0])
	}
	if h[1] != 0 {
		return 0, refusal(h[1])
	}
	var n int
	switch h[3] {
	case atypIPv4:
		n = 4
	case atypIPv6:
		n = 16
	case atypName:
		var l [1]byte
		if _, err := io.ReadFull(c, l[:]); err != nil {
			return 0, probe.At(probe.StageRelay, err)
		}
		n = int(l[0])
	default:
		return 0, probe.Fail(probe.StageRelay, probe.ClassProtocolMismatch, "address type %d", h[3])
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(c, b); err != nil {
		return 0, probe.At(probe.StageRelay, err)
	}
	return binary.BigEndian.Uint16(b[n:]), nil
}

// refusal maps the reply field of RFC 1928, section 6. The cause is the error that
// the proxy's own machine had, where the reply says which.
func refusal(rep byte) error {
	why := []string{
		1: "general failure", 2: "not allowed by its rules", 3: "network unreachable", 4: "host unreachable",
		5: "connection refused", 6: "TTL expired", 7: "command not supported", 8: "address type not supported",
	}
	text := "unknown reply"
	if int(rep) < len(why) {
		text = why[rep]
	}
	out := &probe.Error{
		Stage:  probe.StageRelay,
		Class:  probe.ClassRelayRefused,
		Detail: fmt.Sprintf("reply %d, %s", rep, text),
	}
	cause := []syscall.Errno{
		3: syscall.ENETUNREACH,
		4: syscall.EHOSTUNREACH,
		5: syscall.ECONNREFUSED,
		6: syscall.ETIMEDOUT,
	}
	if rep >= 3 && rep <= 6 {
		out.Class, out.Cause = probe.ClassTargetUnreachable, cause[rep]
	}
	return out
}

// counted appends the length of s, at most 255, and s.
func counted(b []byte, s string) []byte {
	return append(append(b, byte(len(s))), s...) //nolint:gosec // credentials have at most 255 bytes
}

// peer returns the address of the other side of c.
func peer(c net.Conn) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	return ap.Addr().Unmap(), err
}
