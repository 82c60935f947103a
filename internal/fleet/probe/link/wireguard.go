package link

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxList is the most entries of one list in a file.
const maxList = 64

// The MTU of a tunnel: IPv6's least and what Ethernet's jumbo frames hold.
const (
	minMTU = 576
	maxMTU = 9000
)

// runsPrograms are settings of wg-quick that run what they say, or change the
// machine's own network.
func runsPrograms() []string {
	return []string{"preup", "postup", "predown", "postdown", "table", "saveconfig", "fwmark"}
}

// amnezia are the settings by which AmneziaWG differs from WireGuard.
func amnezia() []string {
	return []string{
		"jc",
		"jmin",
		"jmax",
		"s1",
		"s2",
		"s3",
		"s4",
		"h1",
		"h2",
		"h3",
		"h4",
		"i1",
		"i2",
		"i3",
		"i4",
		"i5",
		"j1",
		"j2",
		"j3",
		"itime",
	}
}

// parseWireGuard reads a wg-quick file with one peer, by wg(8) and wg-quick(8).
func parseWireGuard(lines []string) (Spec, error) {
	w := wgReader{seen: map[string]bool{}}
	for i, l := range lines {
		l, _, _ = strings.Cut(l, "#")
		if l = strings.TrimSpace(l); l != "" {
			w.read(i+1, l)
		}
	}
	switch {
	case !w.seen["[peer]"]:
		w.r.add("peer", CodeMissing, "The section [Peer] is missing.")
	case !w.seen["publickey"]:
		w.r.add("public_key", CodeMissing, "The peer's PublicKey is missing.")
	case !w.seen["endpoint"]:
		w.r.add("server", CodeMissing, "The peer's Endpoint is missing.")
	}
	if !w.seen["address"] {
		w.r.add("addresses", CodeMissing, "The Address of the interface is missing.")
	}
	if err := w.r.err(); err != nil {
		return nil, err
	}
	return w.out, nil
}

// wgReader reads a file line by line.
type wgReader struct {
	out     WireGuard
	section string
	seen    map[string]bool
	r       refusals
}

func (w *wgReader) read(n int, l string) {
	if strings.HasPrefix(l, "[") {
		w.section = strings.ToLower(l)
		switch {
		case w.section != "[interface]" && w.section != "[peer]":
			w.r.line(n, CodeUnknownSection, "The sections are [Interface] and [Peer].")
		case w.seen[w.section]:
			w.r.line(n, CodeSeveral, "An endpoint has one [Interface] and one [Peer].")
		}
		w.seen[w.section] = true
		return
	}
	name, value, found := strings.Cut(l, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found {
		w.r.line(n, CodeNotASetting, "This is not Name = value.")
		return
	}
	key := strings.ToLower(name)
	lists := []string{"address", "dns", "allowedips"}
	if w.seen[key] && !slices.Contains(lists, key) {
		w.r.line(n, errs.CodeTwice, quote(name)+" stands twice.")
		return
	}
	w.seen[key] = true
	if err := w.set(key, value); err != nil {
		w.r.line(n, CodeRefused, quote(name)+": "+err.Error()+".")
	}
}

// set takes one setting in; its errors hold no value.
func (w *wgReader) set(key, value string) error {
	var err error
	switch {
	case slices.Contains(runsPrograms(), key):
		return errors.New("settings that run programs or change a machine's network are not read, take the line out")
	case slices.Contains(amnezia(), key):
		return errors.New("AmneziaWG is not checked yet")
	case w.section == "[interface]":
		switch key {
		case "privatekey":
			w.out.PrivateKey, err = wgKey(value)
		case "address":
			w.out.Addresses, err = prefixes(w.out.Addresses, value)
		case "dns":
			return w.dns(value)
		case "mtu":
			w.out.MTU, err = strconv.Atoi(value)
			if err != nil || w.out.MTU < minMTU || w.out.MTU > maxMTU {
				err = errors.New("a number from 576 to 9000 is needed")
			}
		case "listenport": // of no meaning for a check
		default:
			return errors.New("this setting is not among those that are read, take the line out")
		}
	case w.section == "[peer]":
		switch key {
		case "publickey":
			w.out.PeerKey, err = wgKey(value)
		case "presharedkey":
			w.out.PSK, err = wgKey(value)
		case "allowedips":
			w.out.AllowedIPs, err = prefixes(w.out.AllowedIPs, value)
		case "endpoint":
			w.out.Addr, err = probe.ParseAddress(value)
		case "persistentkeepalive": // a check is shorter than any keepalive
		default:
			return errors.New("this setting is not among those that are read, take the line out")
		}
	default:
		return errors.New("settings stand behind [Interface] or [Peer]")
	}
	return err
}

// dns keeps the servers and passes over search domains.
func (w *wgReader) dns(value string) error {
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		a, err := netip.ParseAddr(item)
		if err != nil {
			if _, err := probe.ParseName(item); err != nil {
				return errors.New("an IP address is needed")
			}
			continue
		}
		if w.out.DNS = append(w.out.DNS, a.WithZone("")); len(w.out.DNS) > maxList {
			return errors.New("the list is too long")
		}
	}
	return nil
}

// wgKey reads 32 bytes in base64. The zero key is nobody's.
func wgKey(s string) ([32]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 || [32]byte(b) == ([32]byte{}) {
		return [32]byte{}, errors.New("a key has 44 characters of base64")
	}
	return [32]byte(b), nil
}

// prefixes adds a list of addresses, with or without a length, to list.
func prefixes(list []netip.Prefix, value string) ([]netip.Prefix, error) {
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		p, err := netip.ParsePrefix(item)
		if err != nil {
			a, err := netip.ParseAddr(item)
			if err != nil || a.Zone() != "" {
				return list, errors.New("addresses such as 10.0.0.2/32 are needed")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if list = append(list, p); len(list) > maxList {
			return list, errors.New("the list is too long")
		}
	}
	return list, nil
}
