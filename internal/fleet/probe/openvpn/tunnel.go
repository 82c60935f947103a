package openvpn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// farewell is how long before the check's deadline a tunnel takes its leave, and
// less where the check has little time.
const farewell = 100 * time.Millisecond

// Tunnel is an OpenVPN tunnel in user space.
type Tunnel struct {
	env     probe.Env
	session *session
	data    *dataChannel
	host    *host
	ctx     context.Context //nolint:containedctx // the tunnel's life: until Close, or just before the check's deadline
	cancel  context.CancelFunc
	hangUp  context.CancelFunc    // closes the connection
	down    atomic.Pointer[error] // why nothing can come back
	left    chan struct{}         // closed when everything has ended
}

var _ probe.Tunnel = (*Tunnel)(nil)

// Open sets the tunnel up; it passes the stages handshake and auth. Close must
// be called.
func (v *Server) Open(ctx context.Context) (*Tunnel, error) {
	// The connection must outlive a cancelled ctx by one packet: the goodbye.
	life := context.WithoutCancel(ctx)
	hangUp := func() {}
	if deadline, ok := ctx.Deadline(); ok {
		life, hangUp = context.WithDeadline(life, deadline)
	}
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) { // at a deadline life ends by itself, and says why
			hangUp()
		}
	})
	t, err := v.open(ctx, life)
	if err != nil {
		stop()
		hangUp()
		return nil, err
	}
	t.hangUp = hangUp
	t.ctx, t.cancel = context.WithCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, deadline.Sub(v.env.Clock.Now()))
		t.ctx, t.cancel = context.WithDeadline(ctx, deadline.Add(-min(farewell, left/8)))
	}
	stop()
	go t.carry()
	return t, nil
}

func (v *Server) open(ctx, life context.Context) (*Tunnel, error) {
	s, err := v.dial(life)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Tunnel, error) {
		s.Close()
		return nil, err
	}
	if err := s.reset(); err != nil {
		return fail(probe.At(probe.StageHandshake, err))
	}
	conn, err := v.secure(ctx, s)
	if err != nil {
		return fail(err)
	}
	deal, err := v.negotiate(conn)
	if err != nil {
		bye(conn)
		return fail(err)
	}
	t := &Tunnel{env: v.env, session: s, left: make(chan struct{})}
	keys, err := dataKeys(conn, s, deal)
	if err == nil {
		t.data, err = newChannel(deal.settings, keys)
	}
	if err == nil {
		t.host, err = newHost(deal.addrs)
	}
	if err != nil {
		bye(conn)
		return fail(
			&probe.Error{
				Stage:  probe.StageRelay,
				Class:  probe.ClassProtocolMismatch,
				Detail: "the server's settings cannot be used",
				Cause:  err,
			},
		)
	}
	return t, nil
}

// bye tells a server that knows us, before there is a data channel, that we are
// gone. It is not waited for.
func bye(t *tls.Conn) { _, _ = t.Write([]byte("EXIT\x00")) }

// carry carries packets until the tunnel ends, then takes everything down.
func (t *Tunnel) carry() {
	defer close(t.left)
	received := make(chan struct{})
	go func() {
		defer close(received)
		t.receive()
	}()
	for b := t.host.next(t.ctx); b != nil; b = t.host.next(t.ctx) {
		t.send(b)
	}
	// Connections that were closed say so first.
	for b := t.host.waiting(); b != nil; b = t.host.waiting() {
		t.send(b)
	}
	t.send(goodbye())
	t.session.Close()
	t.hangUp()
	<-received
	t.host.close()
	t.cancel()
}

func (t *Tunnel) send(b []byte) {
	_, err := t.session.Conn.Write(t.session.frame(t.data.seal(b)))
	t.broke(err)
}

// receive reads until the connection ends.
func (t *Tunnel) receive() {
	t.session.data = func(packet []byte) {
		if b, ok := t.data.open(packet); ok {
			t.host.put(b)
		}
	}
	for {
		if err := t.session.step(); err != nil {
			t.broke(err)
			return
		}
	}
}

// broke ends the tunnel with the connection under it.
func (t *Tunnel) broke(err error) {
	if err != nil && t.ctx.Err() == nil {
		t.down.CompareAndSwap(nil, &err)
		t.cancel()
	}
}

// Dial connects to to, which must be an address, through the tunnel; it passes
// the stage relay.
func (t *Tunnel) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	ip, ok := to.Host.IP()
	if !ok {
		return nil, probe.Fail(probe.StageRelay, probe.ClassConfigInvalid, "a target inside a tunnel is an address")
	}
	dctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)() //nolint:contextcheck // ctx is inherited; the tunnel's end comes on top
	c, err := t.host.dial(dctx, netip.AddrPortFrom(ip, to.Port))
	if err == nil {
		t.env.Trace.Pass(probe.StageRelay)
		return t.bound(ctx, c), nil
	}
	if ended := t.ended(ctx); ended != nil {
		return nil, probe.At(probe.StageRelay, ended)
	}
	// The stack's errors have no types. It has an answer from inside.
	return nil, &probe.Error{
		Stage:  probe.StageRelay,
		Class:  probe.ClassTargetUnreachable,
		Detail: "the target cannot be reached through the tunnel",
		Cause:  err,
	}
}

// ended returns why nothing goes through the tunnel any more, or nil.
func (t *Tunnel) ended(ctx context.Context) error {
	switch down := t.down.Load(); {
	case down != nil:
		return *down
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return t.ctx.Err()
	}
}

// Close tells the server and takes the tunnel down.
func (t *Tunnel) Close() error {
	t.cancel()
	<-t.left
	return nil
}

// inner is a connection inside a tunnel that ends with its context and with the
// tunnel.
type inner struct {
	net.Conn
	ended func() error
	stop  [2]func() bool
}

func (t *Tunnel) bound(ctx context.Context, c net.Conn) *inner {
	out := &inner{Conn: c, ended: func() error { return t.ended(ctx) }}
	end := func() { out.Conn.Close() }
	//nolint:contextcheck // as in Dial
	out.stop = [2]func() bool{
		context.AfterFunc(ctx, end),
		context.AfterFunc(t.ctx, end),
	}
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

// why gives an error of the stack a class. The stack breaks a connection when
// the tunnel ends; why it ended is what counts then.
func (c *inner) why(err error) error {
	switch ended := c.ended(); {
	case err == nil:
		return nil
	case ended != nil:
		return ended
	case probe.ClassOf(err) == probe.ClassLocalResources:
		return &probe.Error{Class: probe.ClassReset, Detail: "the connection inside the tunnel broke", Cause: err}
	default:
		return err
	}
}

// Close closes the connection.
func (c *inner) Close() error {
	c.stop[0]()
	c.stop[1]()
	return c.Conn.Close()
}
