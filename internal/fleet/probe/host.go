package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Host is an IP address or a DNS name. The zero Host is neither.
type Host struct {
	name string // lower case, without the final dot; "" for an address
	ip   netip.Addr
}

// maxNameLen is the longest DNS name in text, RFC 1035 section 2.3.4.
const maxNameLen = 253

// ParseHost reads an IP address, with or without brackets, or a DNS name.
// Everything that a resolver might take for an address without our noticing
// (127.1, 0x7f000001, 2130706433) is refused, and so are zones, names of one
// label and names that never lead to a public server. Errors are short and fit
// for a person.
func ParseHost(s string) (Host, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if len(s)-len(bare) == 1 {
		return Host{}, errors.New("a bracket is missing")
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		switch {
		case ip.Zone() != "":
			return Host{}, errors.New("an address with a zone is not reachable from elsewhere")
		case bare != s && ip.Is4():
			return Host{}, errors.New("brackets are for IPv6 addresses")
		}
		return Host{ip: ip.Unmap()}, nil
	}
	if bare != s || strings.Contains(s, ":") {
		return Host{}, errors.New("this is not an IPv6 address")
	}
	name, err := ParseName(s)
	return Host{name: name}, err
}

// ParseName reads a DNS name of at least two labels and returns it in lower
// case, in its ASCII form and without a final dot. It is also the rule for a
// server name in TLS, which is sent as bytes: what passes holds letters,
// digits, hyphens and dots only.
func ParseName(s string) (string, error) {
	if s == "" {
		return "", errors.New("the host is missing")
	}
	if !ascii(s) {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", errors.New("this is not a host name")
		}
		s = a
	}
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	labels := strings.Split(name, ".")
	switch last := labels[len(labels)-1]; {
	case len(name) > maxNameLen:
		return "", fmt.Errorf("a host name has at most %d characters", maxNameLen)
	case slices.ContainsFunc(labels, func(l string) bool { return !validLabel(l) }):
		return "", errors.New("this is not a host name")
	case numeric(last):
		return "", errors.New("an IPv4 address is four numbers with dots, each from 0 to 255")
	case len(labels) == 1:
		return "", errors.New("a host name of one word is not reachable from elsewhere")
	case slices.Contains(unroutable(), last) || strings.HasSuffix("."+name, ".home.arpa"):
		return "", fmt.Errorf("names under .%s are not reachable from elsewhere", last)
	}
	return name, nil
}

// unroutable are top-level names that are not of the public DNS: RFC 6761, RFC
// 6762, RFC 7686, RFC 9476 and ICANN's reservation of .internal. Looking one up
// would leak it, or ask our own network.
func unroutable() []string {
	return []string{"localhost", "local", "internal", "onion", "alt", "invalid", "arpa", "localdomain"}
}

// validLabel is RFC 1123 section 2.1, with the underscore that some names have.
func validLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		c := l[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// numeric reports whether a name that ends in label is an IPv4 address to
// resolvers that follow inet_aton: a decimal, octal or 0x number.
func numeric(label string) bool {
	if strings.HasPrefix(label, "0x") {
		return true
	}
	return strings.Trim(label, "0123456789") == ""
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// IP returns the address of a Host that is one.
func (h Host) IP() (netip.Addr, bool) { return h.ip, h.ip.IsValid() }

// Name returns the DNS name, or "" for an address.
func (h Host) Name() string { return h.name }

// String returns the address or the name.
func (h Host) String() string {
	if h.ip.IsValid() {
		return h.ip.String()
	}
	return h.name
}

// HostIP returns the Host of an address.
func HostIP(ip netip.Addr) Host { return Host{ip: ip.WithZone("").Unmap()} }

// Address is a host and a port.
type Address struct {
	Host Host
	Port uint16
}

// ParseAddress reads host:port.
func ParseAddress(s string) (Address, error) {
	h, p, err := net.SplitHostPort(s)
	if err != nil {
		return Address{}, errors.New("this is not host:port")
	}
	if strings.HasPrefix(s, "[") {
		h = "[" + h + "]"
	}
	host, err := ParseHost(h)
	if err != nil {
		return Address{}, err
	}
	port, err := ParsePort(p)
	return Address{Host: host, Port: port}, err
}

// ParsePort reads a port from 1 to 65535 in decimal, without sign or leading
// zero.
func ParsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, errors.New("a port is a number from 1 to 65535")
	}
	return uint16(n), nil
}

// AddressOf returns the Address of an IP address and port.
func AddressOf(ap netip.AddrPort) Address {
	return Address{Host: HostIP(ap.Addr()), Port: ap.Port()}
}

// String returns host:port, with brackets around an IPv6 address.
func (a Address) String() string {
	return net.JoinHostPort(a.Host.String(), strconv.Itoa(int(a.Port)))
}

// AppendSOCKS appends type, address and port as RFC 1928, section 5, has them;
// other protocols have taken them over.
func (a Address) AppendSOCKS(b []byte) []byte {
	if a.Host.ip.IsValid() {
		atyp := byte(4)
		if a.Host.ip.Is4() {
			atyp = 1
		}
		b = append(append(b, atyp), a.Host.ip.AsSlice()...)
	} else {
		b = append(append(b, 3, byte(len(a.Host.name))), a.Host.name...) //nolint:gosec // at most maxNameLen
	}
	return binary.BigEndian.AppendUint16(b, a.Port)
}
