package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/causeway-fund/causeway/internal/errs"
)

// headerForwarded is where a proxy in front says who called it.
const headerForwarded = "X-Forwarded-For"

// maxForwarded bounds how many addresses of that header are looked at, from the
// right, where the nearest proxy writes.
const maxForwarded = 16

// client6 is the part of an IPv6 address that one customer of a provider has at
// least (RFC 6177), and any address in it is as good as another.
const client6 = 64

// origin is what a client is counted as: a network, or a circuit of Tor. The zero
// origin is somebody of whom nobody can say who they are. It lives as long as the
// request.
type origin struct {
	net     netip.Prefix
	circuit bool
}

func (o origin) named() bool { return o.net.IsValid() }

func (o origin) kind() string {
	if o.circuit {
		return "circuit"
	}
	return "network"
}

// String is for the keyed hash alone.
func (o origin) String() string { return o.net.String() }

// networkOf returns the network that an address counts as.
func networkOf(a netip.Addr) origin {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = client6
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return origin{}
	}
	return origin{net: p}
}

// origins finds out where requests come from.
type origins struct {
	trusted []netip.Prefix
	log     *slog.Logger
	warned  sync.Once
}

// ParseTrustedProxy reads an address or a network in CIDR form. Invalid
// "trusted_proxy".
func ParseTrustedProxy(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() || p.Masked() != p {
		return netip.Prefix{}, errs.Newf(
			errs.Invalid,
			CodeTrustedProxy,
			"--trusted-proxy %q is no address and no network. Write one such as 127.0.0.1 or 10.1.2.0/24.",
			s,
		)
	}
	return p, nil
}

func (o *origins) trusts(a netip.Addr) bool {
	for _, p := range o.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// of returns where r comes from. What a header says of it counts only when a
// trusted proxy sent the request, and never on a connection of the onion service,
// where whoever calls writes the header.
func (o *origins) of(r *http.Request) origin {
	if c, onion := r.Context().Value(onionKey{}).(*onionConn); onion {
		return c.origin()
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return origin{}
	}
	from := peer.Addr().Unmap().WithZone("")
	forwarded := r.Header.Values(headerForwarded)
	if !o.trusts(from) {
		if len(forwarded) > 0 {
			o.warn(r.Context())
		}
		return networkOf(from)
	}
	return o.forwarded(forwarded)
}

// forwarded returns the rightmost address that no trusted proxy has: each proxy
// adds on the right whom it was called by, and what stands further left is only
// what a client says. Nobody is named when there is none, or it cannot be read.
func (o *origins) forwarded(lines []string) origin {
	rest := strings.Join(lines, ",")
	for range maxForwarded {
		last := rest
		comma := strings.LastIndexByte(rest, ',')
		if comma >= 0 {
			last = rest[comma+1:]
		}
		a, ok := forwardedAddr(strings.TrimSpace(last))
		if !ok {
			return origin{}
		}
		if !o.trusts(a) {
			return networkOf(a)
		}
		if comma < 0 {
			return origin{}
		}
		rest = rest[:comma]
	}
	return origin{}
}

// forwardedAddr reads an address with or without a port.
func forwardedAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// warn says once that a proxy may have been forgotten. It names nobody.
func (o *origins) warn(ctx context.Context) {
	o.warned.Do(func() {
		o.log.WarnContext(
			ctx,
			"ignored X-Forwarded-For from an address that is not a --trusted-proxy; if a proxy stands in front, name it, or everybody behind it counts as one client",
		)
	})
}

type onionKey struct{}

// OnionServer is HTTPServer for the listener of an onion service, which must be
// wrapped in OnionListener.
func OnionServer(handler http.Handler) *http.Server {
	s := HTTPServer(handler)
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if onion, ok := c.(*onionConn); ok {
			return context.WithValue(ctx, onionKey{}, onion)
		}
		return ctx
	}
	return s
}
