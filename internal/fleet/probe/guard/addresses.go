package guard

import (
	"fmt"
	"net/netip"
)

// denied4 are the IPv4 ranges that are not global unicast: the IANA IPv4
// Special-Purpose Address Registry (RFC 6890), multicast, and one cloud's
// metadata service that lies outside of them.
func denied4() []string {
	return []string{
		"0.0.0.0/8",        // "this network", RFC 791
		"10.0.0.0/8",       // private, RFC 1918
		"100.64.0.0/10",    // shared by carriers, RFC 6598; holds one cloud's metadata, 100.100.100.200
		"127.0.0.0/8",      // loopback, RFC 1122
		"168.63.129.16/32", // a cloud's metadata and DNS
		"169.254.0.0/16",   // link-local, RFC 3927; metadata of most clouds
		"172.16.0.0/12",    // private, RFC 1918
		"192.0.0.0/24",     // protocol assignments, RFC 6890
		"192.0.2.0/24",     // documentation, RFC 5737
		"192.31.196.0/24",  // AS112, RFC 7535
		"192.52.193.0/24",  // AMT, RFC 7450
		"192.88.99.0/24",   // 6to4 relays, RFC 7526
		"192.168.0.0/16",   // private, RFC 1918
		"192.175.48.0/24",  // AS112, RFC 7534
		"198.18.0.0/15",    // benchmarks, RFC 2544
		"198.51.100.0/24",  // documentation, RFC 5737
		"203.0.113.0/24",   // documentation, RFC 5737
		"224.0.0.0/4",      // multicast, RFC 5771
		"240.0.0.0/4",      // reserved, RFC 1112, and limited broadcast
	}
}

// global6 is the only range from which IANA gives out IPv6 addresses (RFC 4291,
// section 2.4). All outside of it is denied: mapped and compatible IPv4, NAT64
// (64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local, multicast.
const global6 = "2000::/3"

// denied6 are the ranges inside global6 that are no public servers: the IANA
// IPv6 Special-Purpose Address Registry.
func denied6() []string {
	return []string{
		"2001::/23",         // protocol assignments, RFC 2928; holds Teredo, ORCHID, benchmarks
		"2001:db8::/32",     // documentation, RFC 3849
		"2002::/16",         // 6to4, RFC 3056: an IPv4 address in another form
		"2620:4f:8000::/48", // AS112, RFC 7534
		"3fff::/20",         // documentation, RFC 9637
	}
}

// rules are the parsed ranges.
type rules struct {
	global6     netip.Prefix
	denied      []netip.Prefix
	allow, deny []netip.Prefix // of the configuration
}

func newRules(allow, deny []netip.Prefix) (rules, error) {
	r := rules{allow: allow, deny: deny}
	for _, s := range append(denied4(), denied6()...) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return rules{}, fmt.Errorf("deny list: %w", err)
		}
		r.denied = append(r.denied, p)
	}
	var err error
	r.global6, err = netip.ParsePrefix(global6)
	return r, err
}

// refusal returns why a is not dialled, or "".
func (r rules) refusal(a netip.Addr) string {
	if a.Zone() != "" || !a.IsValid() {
		return "not an address of the internet"
	}
	a = a.Unmap()
	if within(a, r.deny) {
		return "an address of this service"
	}
	if within(a, r.allow) {
		return ""
	}
	switch {
	case within(a, r.denied), a.Is6() && !r.global6.Contains(a), !a.IsGlobalUnicast():
		return "not a public address"
	case isatap(a):
		return "an IPv4 address in another form"
	}
	return ""
}

// isatap reports an interface identifier of RFC 5214, section 6.1, by which a
// tunnelling router would send to the IPv4 address in the last four bytes.
func isatap(a netip.Addr) bool {
	if !a.Is6() {
		return false
	}
	b := a.As16()
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
