package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// DefaultMaxRead is what one connection may give in bytes; a check needs a few
// thousand.
const DefaultMaxRead = 256 << 10

// At most maxTries addresses of a name are tried; each but the last gets tryTime
// to accept.
const (
	maxTries = 2
	tryTime  = 4 * time.Second
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Exit opens connections from somewhere else than this machine, so that who runs
// an endpoint, or watches one, does not see who checks it. Connect's errors are
// *probe.Error of the stage tcp, control_failed where the exit itself failed. A
// connection's other side is to.
type Exit interface {
	Connect(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Config is what New needs.
type Config struct {
	Resolver Resolver       // required; with an Exit, one that goes through it
	Deny     []netip.Prefix // the service's own addresses; wins over Allow
	Allow    []netip.Prefix // exceptions for tests and the demo; empty in production
	Ports    Ports          // denied ports; empty means DefaultPorts
	MaxRead  int64          // 0 means DefaultMaxRead
	Exit     Exit           // nil means from here; with one there is no UDP
}

// connector opens a socket to a literal address, and calls control with the
// address that the socket will connect to, before it does.
type connector func(ctx context.Context, network, literal string, control func(network, address string, c syscall.RawConn) error) (net.Conn, error)

// Dialer is the guarded dialer; safe for concurrent use.
type Dialer struct {
	resolver Resolver
	rules    rules
	ports    Ports
	maxRead  int64
	connect  connector
	streams  bool // connections go through an exit, which carries TCP only
}

var _ probe.Dialer = (*Dialer)(nil)

// New returns a Dialer.
func New(cfg Config) (*Dialer, error) {
	if cfg.Resolver == nil {
		return nil, errors.New("guard: a resolver is required")
	}
	if len(cfg.Ports.TCP)+len(cfg.Ports.UDP) == 0 {
		cfg.Ports = DefaultPorts()
	}
	if cfg.MaxRead == 0 {
		cfg.MaxRead = DefaultMaxRead
	}
	r, err := newRules(slices.Clone(cfg.Allow), slices.Clone(cfg.Deny))
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	d := &Dialer{resolver: cfg.Resolver, rules: r, ports: cfg.Ports, maxRead: cfg.MaxRead, connect: netConnect}
	if cfg.Exit != nil {
		d.connect, d.streams = through(cfg.Exit), true
	}
	return d, nil
}

// through connects by way of e, to what control has seen.
func through(e Exit) connector {
	return func(ctx context.Context, network, literal string, control func(string, string, syscall.RawConn) error) (net.Conn, error) {
		if err := control(network, literal, nil); err != nil {
			return nil, err
		}
		to, err := netip.ParseAddrPort(literal)
		if err != nil {
			return nil, err
		}
		return e.Connect(ctx, to)
	}
}

func netConnect(
	ctx context.Context,
	network, literal string,
	control func(string, string, syscall.RawConn) error,
) (net.Conn, error) {
	d := net.Dialer{Control: control}
	return d.DialContext(ctx, network, literal)
}

// Proven returns a Dialer without denied ports, for an endpoint whose applicant
// has proven to control it.
func (d *Dialer) Proven() *Dialer {
	out := *d
	out.ports = Ports{}
	return &out
}

// CheckAddr returns a *probe.Error of the stage guard when a is not dialled.
func (d *Dialer) CheckAddr(a netip.Addr) error {
	if why := d.rules.refusal(a); why != "" {
		return probe.Fail(probe.StageGuard, probe.ClassAddressDenied, "%s is %s", a, why)
	}
	return nil
}

// Dial connects to one of to's addresses over network, probe.TCP or probe.UDP.
// ctx must have a deadline. The connection is closed when ctx ends.
func (d *Dialer) Dial(ctx context.Context, network string, to probe.Address, tr *probe.Trace) (net.Conn, error) {
	if network != probe.TCP && network != probe.UDP {
		return nil, fmt.Errorf("guard: network %q", network)
	}
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("guard: the context has no deadline")
	}
	if d.streams && network == probe.UDP {
		return nil, probe.Fail(
			probe.StageGuard,
			probe.ClassLocalResources,
			"checks go out through an exit that carries no UDP",
		)
	}
	if d.ports.denies(network, to.Port) {
		return nil, probe.Fail(
			probe.StageGuard,
			probe.ClassPortDenied,
			"%s port %d is of another kind of service",
			network,
			to.Port,
		)
	}
	addrs, err := d.addresses(ctx, to.Host, tr)
	if err != nil {
		return nil, err
	}
	for i, a := range addrs {
		last := i == len(addrs)-1
		c, err := d.try(ctx, network, netip.AddrPortFrom(a, to.Port), last, tr)
		if err == nil {
			if network == probe.TCP {
				tr.Pass(probe.StageTCP)
			}
			return c, nil
		}
		if last || ctx.Err() != nil || final(err) {
			return nil, probe.At(probe.StageTCP, err)
		}
	}
	return nil, probe.Fail(probe.StageDNS, probe.ClassDNSNXDomain, "the name has no address")
}

// final reports an error that another address would not mend: a refusal of our
// own, or trouble on our side.
func final(err error) bool {
	var f *probe.Error
	return errors.As(err, &f) && (f.Stage == probe.StageGuard || f.Class.Verdict(probe.Full) == probe.Unknown)
}

// addresses returns what to dial for h, all of it checked. For a name, what it
// leads to is of the stage dns.
func (d *Dialer) addresses(ctx context.Context, h probe.Host, tr *probe.Trace) ([]netip.Addr, error) {
	if ip, ok := h.IP(); ok {
		if err := d.CheckAddr(ip); err != nil {
			return nil, err
		}
		tr.Pass(probe.StageGuard)
		return []netip.Addr{ip}, nil
	}
	if h.Name() == "" {
		return nil, probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "there is no host")
	}
	tr.Pass(probe.StageGuard)
	// The final dot keeps search lists of our own network out of the look-up.
	found, err := d.resolver.LookupNetIP(ctx, "ip", h.Name()+".")
	if err != nil {
		return nil, probe.At(probe.StageDNS, err)
	}
	var addrs []netip.Addr
	for _, a := range found {
		if why := d.rules.refusal(a); why != "" {
			return nil, probe.Fail(probe.StageDNS, probe.ClassAddressDenied, "the name leads to %s, %s", a, why)
		}
		if a = a.Unmap(); !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, probe.Fail(probe.StageDNS, probe.ClassDNSNXDomain, "the name has no address")
	}
	tr.Pass(probe.StageDNS)
	return addrs[:min(len(addrs), maxTries)], nil
}

func (d *Dialer) try(
	ctx context.Context,
	network string,
	ap netip.AddrPort,
	last bool,
	tr *probe.Trace,
) (net.Conn, error) {
	dctx := ctx
	if !last {
		var cancel context.CancelFunc
		dctx, cancel = context.WithTimeout(ctx, tryTime)
		defer cancel()
	}
	tr.Dialled(ap)
	c, err := d.connect(dctx, network, ap.String(), d.control)
	if err != nil {
		return nil, err
	}
	return bind(ctx, c, d.maxRead), nil
}

// control is the last word: address is what the socket is about to connect to.
func (d *Dialer) control(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return probe.Fail(
			probe.StageGuard,
			probe.ClassAddressDenied,
			"the socket is about to connect to no literal address",
		)
	}
	kind := probe.TCP
	if network == "udp" || network == "udp4" || network == "udp6" {
		kind = probe.UDP
	}
	if d.ports.denies(kind, ap.Port()) {
		return probe.Fail(
			probe.StageGuard,
			probe.ClassPortDenied,
			"%s port %d is of another kind of service",
			kind,
			ap.Port(),
		)
	}
	return d.CheckAddr(ap.Addr())
}
