package egress

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/socks5"
)

// Config is what New needs.
type Config struct {
	Addr           netip.AddrPort // required: of the SOCKS5 proxy, such as Tor's 127.0.0.1:9050
	User, Password string         // of the proxy; "" for none. Not with Isolate
	Isolate        bool           // a new user and password for each connection
	Clock          clock.Clock    // required
	Rand           io.Reader      // required: crypto/rand.Reader but in tests
}

// Proxy is an exit through a SOCKS5 proxy; safe for concurrent use.
type Proxy struct{ cfg Config }

var _ guard.Exit = (*Proxy)(nil)

// New returns a Proxy.
func New(cfg Config) (*Proxy, error) {
	switch {
	case !cfg.Addr.IsValid() || cfg.Addr.Port() == 0 || cfg.Clock == nil || cfg.Rand == nil:
		return nil, errors.New("egress: an address, a clock and randomness are required")
	case cfg.Isolate && cfg.User != "":
		return nil, errors.New("egress: isolation draws users, so that none can be given")
	}
	return &Proxy{cfg: cfg}, nil
}

// Connect opens a connection to to through the proxy. It ends with ctx as long as
// it is not open; after that its owner ends it.
func (p *Proxy) Connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	spec := link.SOCKS5{Addr: probe.AddressOf(p.cfg.Addr), User: p.cfg.User, Password: p.cfg.Password}
	if p.cfg.Isolate {
		var b [32]byte
		if _, err := io.ReadFull(p.cfg.Rand, b[:]); err != nil {
			return nil, probe.Fail(probe.StageTCP, probe.ClassLocalResources, "no randomness")
		}
		spec.User, spec.Password = hex.EncodeToString(b[:16]), hex.EncodeToString(b[16:])
	}
	line := &line{}
	// The exit's own stages are not the endpoint's, so that they have a trace of
	// their own.
	env := probe.Env{Dialer: line, Clock: p.cfg.Clock, Rand: p.cfg.Rand, Trace: probe.NewTrace(p.cfg.Clock)}
	c, err := socks5.New(spec, env).Dial(ctx, probe.AddressOf(to))
	if err != nil {
		return nil, ofEndpoint(ctx, err)
	}
	if !line.stop() {
		c.Close()
		return nil, probe.At(probe.StageTCP, ctx.Err())
	}
	return &conn{Conn: c, to: net.TCPAddrFromAddrPort(to)}, nil
}

// line dials the exit, and closes the connection when ctx ends before stop.
type line struct{ stop func() bool }

func (l *line) Dial(ctx context.Context, network string, to probe.Address, _ *probe.Trace) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, to.String())
	if err != nil {
		return nil, probe.At(probe.StageTCP, err)
	}
	l.stop = context.AfterFunc(ctx, func() { c.Close() })
	return c, nil
}

// ofEndpoint tells what the endpoint did, which the exit's reply says, from what
// the exit did.
func ofEndpoint(ctx context.Context, err error) error {
	var f *probe.Error
	asked := errors.As(err, &f) && f.Stage == probe.StageRelay
	class := probe.ClassControlFailed
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return probe.At(probe.StageTCP, ctx.Err())
	case asked && ctx.Err() != nil, asked && errors.Is(err, syscall.ETIMEDOUT):
		class = probe.ClassTimeout
	case asked && errors.Is(err, syscall.ECONNREFUSED):
		class = probe.ClassRefused
	case asked && (errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)):
		class = probe.ClassUnreachable
	}
	detail := "through the exit: " + string(class)
	if class == probe.ClassControlFailed {
		detail = "the exit failed, or does not let us out"
	}
	return &probe.Error{Stage: probe.StageTCP, Class: class, Detail: detail, Cause: fmt.Errorf("exit: %w", err)}
}

// conn has the endpoint for its other side, as one without an exit has.
type conn struct {
	net.Conn
	to net.Addr
}

func (c *conn) RemoteAddr() net.Addr { return c.to }
