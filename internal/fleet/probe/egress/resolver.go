package egress

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/guard"
)

// Resolver looks names up over TCP through an exit; safe for concurrent use.
type Resolver struct {
	exit   guard.Exit
	server netip.AddrPort
}

var _ guard.Resolver = (*Resolver)(nil)

// NewResolver returns a Resolver that asks server, such as 9.9.9.9:53, through
// exit.
func NewResolver(exit guard.Exit, server netip.AddrPort) *Resolver {
	return &Resolver{exit: exit, server: server}
}

// LookupNetIP returns the addresses of host. Errors are *net.DNSError, and
// *probe.Error of the class control_failed when the server cannot be reached.
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return ask(r, func(n *net.Resolver) ([]netip.Addr, error) { return n.LookupNetIP(ctx, network, host) })
}

// LookupTXT returns the texts of name, with errors as LookupNetIP's.
func (r *Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return ask(r, func(n *net.Resolver) ([]string, error) { return n.LookupTXT(ctx, name) })
}

// ask makes one look-up with a resolver of its own, which tells whether it has
// reached its server: net.DNSError does not.
func ask[T any](r *Resolver, lookup func(*net.Resolver) ([]T, error)) ([]T, error) {
	var failed atomic.Bool
	out, err := lookup(&net.Resolver{
		PreferGo: true, // the system's resolver would not dial as it is told
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			// A connection that is no packet connection is spoken to as TCP.
			c, err := r.exit.Connect(ctx, r.server)
			if err != nil {
				failed.Store(true)
			}
			return c, err
		},
	})
	if err != nil && failed.Load() {
		return nil, &probe.Error{
			Class:  probe.ClassControlFailed,
			Detail: "our own resolver cannot be reached through the exit",
			Cause:  err,
		}
	}
	return out, err
}
