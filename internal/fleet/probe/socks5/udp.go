package socks5

import (
	"context"
	"net"
	"net/netip"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxDatagram is the largest datagram that is read.
const maxDatagram = 2048

// DialUDP asks the proxy to relay datagrams to to. The relay lasts as long as
// the returned connection.
func (p *Proxy) DialUDP(ctx context.Context, to probe.Address) (net.Conn, error) {
	control, err := p.hello(ctx)
	if err != nil {
		return nil, err
	}
	port, err := request(control, cmdAssociate, probe.AddressOf(netip.AddrPortFrom(netip.IPv4Unspecified(), 0)))
	if err != nil {
		control.Close()
		return nil, err
	}
	ip, err := peer(control)
	if err != nil {
		control.Close()
		return nil, probe.At(probe.StageRelay, err)
	}
	c, err := p.env.Dialer.Dial(ctx, probe.UDP, probe.AddressOf(netip.AddrPortFrom(ip, port)), p.env.Trace)
	if err != nil {
		control.Close()
		return nil, err
	}
	p.env.Trace.Pass(probe.StageRelay)
	return &datagrams{Conn: c, control: control, header: to.AppendSOCKS([]byte{0, 0, 0})}, nil
}

// datagrams wraps each datagram into the header of RFC 1928, section 7.
type datagrams struct {
	net.Conn
	control net.Conn // the relay ends with it
	header  []byte
}

// Write sends one datagram.
func (d *datagrams) Write(b []byte) (int, error) {
	m := make([]byte, 0, len(d.header)+len(b))
	if _, err := d.Conn.Write(append(append(m, d.header...), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read returns the payload of the next datagram; what does not fit is lost.
func (d *datagrams) Read(b []byte) (int, error) {
	m := make([]byte, maxDatagram)
	n, err := d.Conn.Read(m)
	if err != nil {
		return 0, err
	}
	payload, ok := unwrap(m[:n])
	if !ok {
		return 0, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "a datagram without the header of SOCKS5"}
	}
	return copy(b, payload), nil
}

// unwrap returns what stands behind the header. Fragments are not taken.
func unwrap(m []byte) ([]byte, bool) {
	if len(m) < 5 || m[2] != 0 {
		return nil, false
	}
	var n int
	switch m[3] {
	case atypIPv4:
		n = 4 + 4
	case atypIPv6:
		n = 4 + 16
	case atypName:
		n = 5 + int(m[4])
	default:
		return nil, false
	}
	if n += 2; len(m) < n {
		return nil, false
	}
	return m[n:], true
}

// Close ends the relay.
func (d *datagrams) Close() error {
	d.control.Close()
	return d.Conn.Close()
}
