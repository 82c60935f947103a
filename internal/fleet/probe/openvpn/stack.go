package openvpn

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// The stack's one interface: nic is its number, mtu its packets' length in
// bytes, which fits into a datagram on every usual path, and queued how many
// packets wait to be sent.
const (
	nic    = 1
	mtu    = 1360
	queued = 64
)

// host is the network inside the tunnel, as our end of it.
type host struct {
	stack *stack.Stack
	link  *channel.Endpoint
}

// newHost returns a host with addrs.
func newHost(addrs []netip.Addr) (*host, error) {
	h := &host{
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		}),
		link: channel.New(queued, mtu, ""),
	}
	if err := h.stack.CreateNIC(nic, h.link); err != nil {
		h.close()
		return nil, errors.New(err.String())
	}
	for _, a := range addrs {
		_, number := full(netip.AddrPortFrom(a, 0))
		whole := tcpip.ProtocolAddress{
			Protocol:          number,
			AddressWithPrefix: tcpip.AddrFromSlice(a.AsSlice()).WithPrefix(),
		}
		if err := h.stack.AddProtocolAddress(nic, whole, stack.AddressProperties{}); err != nil {
			h.close()
			return nil, errors.New(err.String())
		}
		everywhere := header.IPv4EmptySubnet
		if a.Is6() {
			everywhere = header.IPv6EmptySubnet
		}
		h.stack.AddRoute(tcpip.Route{Destination: everywhere, NIC: nic})
	}
	return h, nil
}

// full returns an address in the stack's terms.
func full(a netip.AddrPort) (tcpip.FullAddress, tcpip.NetworkProtocolNumber) {
	out := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(a.Addr().AsSlice()), Port: a.Port()}
	if a.Addr().Is4() {
		return out, ipv4.ProtocolNumber
	}
	return out, ipv6.ProtocolNumber
}

// put gives the stack a packet from the tunnel. What is no IP packet, such as
// OpenVPN's own keep-alive, is dropped.
func (h *host) put(b []byte) {
	if len(b) == 0 {
		return
	}
	number := map[byte]tcpip.NetworkProtocolNumber{4: ipv4.ProtocolNumber, 6: ipv6.ProtocolNumber}[b[0]>>4]
	if number == 0 {
		return
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer p.DecRef()
	h.link.InjectInbound(number, p)
}

// next waits for a packet for the tunnel. It is nil when ctx has ended.
func (h *host) next(ctx context.Context) []byte { return bytesOf(h.link.ReadContext(ctx)) }

// waiting returns a packet for the tunnel, or nil.
func (h *host) waiting() []byte { return bytesOf(h.link.Read()) }

func bytesOf(p *stack.PacketBuffer) []byte {
	if p == nil {
		return nil
	}
	defer p.DecRef()
	view := p.ToView()
	defer view.Release()
	return append([]byte(nil), view.AsSlice()...)
}

// dial makes a connection inside the tunnel.
func (h *host) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	addr, number := full(to)
	return gonet.DialContextTCP(ctx, h.stack, addr, number)
}

// close ends every connection and all of the stack's own work.
func (h *host) close() {
	h.stack.RemoveNIC(nic)
	h.stack.Close()
	h.link.Close()
	h.stack.Wait()
}
