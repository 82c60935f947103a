package server

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Version 1 of the PROXY protocol (haproxy.org, proxy-protocol.txt, section 2.1):
// one line of text before anything else.
const (
	proxyMark = "PROXY "
	proxyMax  = 107 // bytes of the line with its end
)

// torCircuits is where Tor puts circuits: with HiddenServiceExportCircuitID
// haproxy, the source of the line is an address in this network that holds the
// circuit's number (tor(1)).
var torCircuits = netip.MustParsePrefix("fc00:dead:beef:4dad::/64")

var errProxyLine = errors.New("the PROXY line cannot be read")

// OnionListener returns l for what Tor forwards of an onion service. A connection
// that begins with a PROXY line counts as the circuit that the line names; without
// one nobody can say who calls. Only Tor may reach l: whoever else does can call
// itself any circuit.
func OnionListener(l net.Listener) net.Listener { return onionListener{l} }

type onionListener struct{ net.Listener }

// Accept waits for a connection; its line is read with the first Read, so that one
// that says nothing holds up nobody.
func (l onionListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &onionConn{Conn: c, r: bufio.NewReader(c)}, nil
}

// onionConn is a connection of Tor's.
type onionConn struct {
	net.Conn
	r    *bufio.Reader
	once sync.Once
	err  error
	from origin
}

// Read reads what comes after the line.
func (c *onionConn) Read(p []byte) (int, error) {
	c.once.Do(func() { c.from, c.err = readProxyLine(c.r) })
	if c.err != nil {
		return 0, c.err
	}
	return c.r.Read(p)
}

// origin is known once a request was read.
func (c *onionConn) origin() origin { return c.from }

// readProxyLine takes the line off r, if there is one.
func readProxyLine(r *bufio.Reader) (origin, error) {
	mark, err := r.Peek(len(proxyMark))
	if err != nil || string(mark) != proxyMark {
		return origin{}, nil //nolint:nilerr // the next read meets the same error
	}
	line := make([]byte, 0, proxyMax)
	for len(line) < proxyMax {
		b, err := r.ReadByte()
		if err != nil {
			return origin{}, err
		}
		if line = append(line, b); b == '\n' {
			return parseProxyLine(string(line))
		}
	}
	return origin{}, errProxyLine
}

func parseProxyLine(line string) (origin, error) {
	text, ended := strings.CutSuffix(line, "\r\n")
	fields := strings.Split(text, " ")
	if !ended || len(fields) < 2 || fields[0]+" " != proxyMark {
		return origin{}, errProxyLine
	}
	const ofAddresses = 6 // PROXY, the family, two addresses, two ports
	switch {
	case fields[1] == "UNKNOWN":
		return origin{}, nil
	case (fields[1] != "TCP4" && fields[1] != "TCP6") || len(fields) != ofAddresses:
		return origin{}, errProxyLine
	}
	source, err := netip.ParseAddr(fields[2])
	if err != nil || source.Is6() != (fields[1] == "TCP6") || source.Zone() != "" {
		return origin{}, errProxyLine
	}
	if !torCircuits.Contains(source) {
		return origin{}, nil
	}
	return origin{net: netip.PrefixFrom(source, source.BitLen()), circuit: true}, nil
}
