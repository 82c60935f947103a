package wireguard

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/conn"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// oneSocket is a conn.Bind over one connected, guarded socket that takes one
// datagram at a time. The stock bind opens two sockets to everywhere and holds
// 16 MiB for each tunnel.
type oneSocket struct {
	c     net.Conn
	open  atomic.Bool
	to    endpoint
	broke func(error) // called when nothing listens at the other side
	once  sync.Once
}

var _ conn.Bind = (*oneSocket)(nil)

// Open gives the socket's reader to the device, once.
func (s *oneSocket) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	if s.open.Swap(true) {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	return []conn.ReceiveFunc{s.receive}, 0, nil
}

func (s *oneSocket) receive(packets [][]byte, sizes []int, from []conn.Endpoint) (int, error) {
	n, err := s.c.Read(packets[0])
	if err != nil {
		s.refused(err)
		return 0, net.ErrClosed
	}
	sizes[0], from[0] = n, s.to
	return 1, nil
}

// Send sends each packet to the one other side, whatever endpoint is named.
func (s *oneSocket) Send(packets [][]byte, _ conn.Endpoint) error {
	for _, p := range packets {
		if _, err := s.c.Write(p); err != nil {
			s.refused(err)
			return err
		}
	}
	return nil
}

// refused tells, once, that nothing listens at the other side.
func (s *oneSocket) refused(err error) {
	if probe.ClassOf(err) == probe.ClassRefused {
		s.once.Do(func() { s.broke(err) })
	}
}

// Close closes the socket. A device closes its bind before it opens it, too.
func (s *oneSocket) Close() error {
	if !s.open.Load() {
		return nil
	}
	return s.c.Close()
}

// SetMark does nothing: marks are for routing.
func (s *oneSocket) SetMark(uint32) error { return nil }

// ParseEndpoint returns the one other side.
func (s *oneSocket) ParseEndpoint(string) (conn.Endpoint, error) { return s.to, nil }

// BatchSize is one.
func (s *oneSocket) BatchSize() int { return 1 }

// endpoint is the other side.
type endpoint struct{ netip.AddrPort }

// ClearSrc does nothing: a connected socket has one source.
func (endpoint) ClearSrc() {}

// SrcToString returns nothing.
func (endpoint) SrcToString() string { return "" }

// DstToString returns the other side's address.
func (e endpoint) DstToString() string { return e.String() }

// DstToBytes returns the other side's address for the codes of cookies.
func (e endpoint) DstToBytes() []byte { return e.Addr().AsSlice() }

// DstIP returns the other side's address.
func (e endpoint) DstIP() netip.Addr { return e.Addr() }

// SrcIP returns nothing.
func (endpoint) SrcIP() netip.Addr { return netip.Addr{} }
