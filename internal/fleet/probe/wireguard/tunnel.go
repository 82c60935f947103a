package wireguard

import (
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// The MTU of a tunnel where the file has none, and the largest one: a check
// sends little.
const (
	defaultMTU = 1280
	maxMTU     = 1420
)

// Tunnel is a WireGuard tunnel in user space.
type Tunnel struct {
	env  probe.Env
	dev  *device.Device
	net  *netstack.Net
	peer [32]byte              // its public key
	down atomic.Pointer[error] // why nothing can come back
	stop context.CancelFunc    // ends every dial
	done <-chan struct{}
}

var _ probe.Tunnel = (*Tunnel)(nil)

// Open sets the tunnel up. The handshake begins with the first Dial. Close must
// be called, after the tunnel's connections are closed.
func (p *Peer) Open(ctx context.Context) (*Tunnel, error) {
	c, err := p.env.Dialer.Dial(ctx, probe.UDP, p.spec.Addr, p.env.Trace)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		c.Close()
		return nil, probe.At(probe.StageHandshake, err)
	}
	t := &Tunnel{env: p.env, peer: p.spec.PeerKey}
	dctx, stop := context.WithCancel(ctx)
	t.stop, t.done = stop, dctx.Done()
	if err := t.up(p, c, to); err != nil {
		stop()
		c.Close()
		return nil, err
	}
	return t, nil
}

func (t *Tunnel) up(p *Peer, c net.Conn, to netip.AddrPort) error {
	invalid := func(why string) error { return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "%s", why) }
	var addrs []netip.Addr
	for _, a := range p.spec.Addresses {
		addrs = append(addrs, a.Addr())
	}
	mtu := p.spec.MTU
	if mtu == 0 {
		mtu = defaultMTU
	}
	tun, stack, err := netstack.CreateNetTUN(addrs, nil, min(mtu, maxMTU))
	if err != nil {
		return invalid("the interface's addresses cannot be used together")
	}
	bind := &oneSocket{c: c, to: endpoint{to}, broke: func(err error) {
		t.down.Store(&err)
		t.stop()
	}}
	t.net, t.dev = stack, device.NewDevice(
		tun,
		bind,
		&device.Logger{Verbosef: device.DiscardLogf, Errorf: device.DiscardLogf},
	)
	config := "private_key=" + hex.EncodeToString(p.key[:]) + "\npublic_key=" + hex.EncodeToString(p.spec.PeerKey[:]) +
		"\nendpoint=" + to.String() + "\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\npreshared_key=" + hex.EncodeToString(p.spec.PSK[:]) + "\n"
	if err := t.dev.IpcSet(config); err != nil {
		t.dev.Close()
		return invalid("a key cannot be used")
	}
	if err := t.dev.Up(); err != nil {
		t.dev.Close()
		return probe.At(probe.StageHandshake, err)
	}
	return nil
}

// Dial connects to to, which must be an address, through the tunnel. Until the
// handshake is done, what fails is of the stage handshake.
func (t *Tunnel) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	ip, ok := to.Host.IP()
	if !ok {
		return nil, probe.Fail(probe.StageRelay, probe.ClassConfigInvalid, "a target inside a tunnel is an address")
	}
	dctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialled := make(chan struct{})
	defer close(dialled)
	go func() {
		select {
		case <-t.done:
			cancel()
		case <-dialled:
		}
	}()
	c, err := t.net.DialContextTCPAddrPort(dctx, netip.AddrPortFrom(ip, to.Port))
	shaken := t.shaken()
	if shaken {
		t.env.Trace.Pass(probe.StageHandshake)
		t.env.Trace.Pass(probe.StageAuth)
		t.env.Trace.Met(t.peer[:])
	}
	switch down := t.down.Load(); {
	case err == nil:
		t.env.Trace.Pass(probe.StageRelay)
		return bound(ctx, c), nil
	case down != nil:
		return nil, probe.At(probe.StageHandshake, *down)
	case ctx.Err() != nil && !shaken:
		return nil, probe.At(probe.StageHandshake, ctx.Err())
	case ctx.Err() != nil:
		return nil, probe.At(probe.StageRelay, ctx.Err())
	default:
		// The stack's errors have no types. It has an answer from inside.
		return nil, &probe.Error{
			Stage:  probe.StageRelay,
			Class:  probe.ClassTargetUnreachable,
			Detail: "the target cannot be reached through the tunnel",
			Cause:  err,
		}
	}
}

// shaken reports whether the handshake is done.
func (t *Tunnel) shaken() bool {
	state, err := t.dev.IpcGet()
	return err == nil && strings.Contains(state, "last_handshake_time_sec=") &&
		!strings.Contains(state, "last_handshake_time_sec=0\n")
}

// Close takes the tunnel down.
func (t *Tunnel) Close() error {
	t.stop()
	t.dev.Close()
	return nil
}

// inner is a connection inside a tunnel that ends with its context.
type inner struct {
	net.Conn
	ended atomic.Pointer[error]
	stop  func() bool
}

func bound(ctx context.Context, c net.Conn) *inner {
	out := &inner{Conn: c}
	out.stop = context.AfterFunc(ctx, func() {
		err := ctx.Err()
		out.ended.Store(&err)
		out.Conn.Close()
	})
	return out
}

func (c *inner) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.why(err)
}

func (c *inner) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.why(err)
}

// why gives an error of the stack a class.
func (c *inner) why(err error) error {
	switch ended := c.ended.Load(); {
	case err == nil:
		return nil
	case ended != nil:
		return *ended
	case probe.ClassOf(err) == probe.ClassLocalResources:
		return &probe.Error{Class: probe.ClassReset, Detail: "the connection inside the tunnel broke", Cause: err}
	default:
		return err
	}
}

func (c *inner) Close() error {
	c.stop()
	return c.Conn.Close()
}
