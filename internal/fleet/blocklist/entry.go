package blocklist

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
	"golang.org/x/net/idna"
)

// minBits4 and minBits6 are the widest networks that a list may name.
const (
	minBits4 = 8
	minBits6 = 16
)

// maxEntries is the most networks, and the most hosts, of one list: several
// times those of a real one. Names and orders then fit 32-bit offsets.
const maxEntries = 1 << 24

// maxOrderLen is the longest order's number that is kept, in bytes.
const maxOrderLen = 120

var errTooMany = errors.New("the list has more entries than any real list")

// mark is what the rows that name an entry say about it.
type mark struct {
	order    uint32 // place in words
	rows     uint32
	day      uint16 // days since 1970-01-01; 0 for not known
	narrower bool
}

// merge returns what two marks of one entry say together: rows about the entry
// itself come before narrower ones, and the oldest order before later ones.
func (m mark) merge(n mark) mark {
	rows := m.rows + n.rows
	switch {
	case m.narrower != n.narrower:
		if m.narrower {
			m = n
		}
	case n.day != 0 && (m.day == 0 || n.day < m.day):
		m = n
	}
	m.rows = rows
	return m
}

// host is a listed name; its text lies in names.
type host struct {
	off  uint32
	n    uint8
	wild bool
	mark mark
}

// words keeps many short texts. A text that comes back soon is kept once: rows
// of one order stand together, and remembering all would cost more than it saves.
type words struct {
	text  []byte
	ends  []uint32
	index map[string]uint32 // of the last ones; nil once built
}

const maxIndex = 1 << 16

func newWords() words { return words{ends: []uint32{0}, index: map[string]uint32{}} }

func (w *words) add(s string) uint32 {
	if s == "" {
		return 0
	}
	if i, ok := w.index[s]; ok {
		return i
	}
	if len(w.index) >= maxIndex {
		clear(w.index)
	}
	i := uint32(len(w.ends)) //nolint:gosec // at most maxEntries
	w.text = append(w.text, s...)
	w.ends = append(w.ends, uint32(len(w.text))) //nolint:gosec // maxEntries times maxOrderLen
	w.index[strings.Clone(s)] = i
	return i
}

func (w *words) get(i uint32) string {
	if i == 0 {
		return ""
	}
	return string(w.text[w.ends[i-1]:w.ends[i]])
}

// entries are the networks and hosts of one list.
type entries struct {
	max    int                 // of networks, of hosts and of orders
	nets   *bart.Table[uint32] // to a place in marks
	marks  []mark
	names  []byte
	hosts  []host // sorted by name, the exact one before the wildcard, once built
	orders words
}

func newEntries() *entries {
	return &entries{max: maxEntries, nets: new(bart.Table[uint32]), orders: newWords()}
}

func (e *entries) addNet(p netip.Prefix, m mark) error {
	if len(e.marks) >= e.max {
		return errTooMany
	}
	e.nets.Modify(p, func(i uint32, found bool) (uint32, bool) {
		if found {
			e.marks[i] = e.marks[i].merge(m)
			return i, false
		}
		e.marks = append(e.marks, m)
		return uint32(len(e.marks) - 1), false //nolint:gosec // at most maxEntries
	})
	return nil
}

func (e *entries) addHost(name string, wild bool, m mark) error {
	if len(e.hosts) >= e.max {
		return errTooMany
	}
	off := uint32(len(e.names)) //nolint:gosec // maxEntries times maxName
	e.names = append(e.names, name...)
	//nolint:gosec // at most maxName
	e.hosts = append(
		e.hosts,
		host{off: off, n: uint8(len(name)), wild: wild, mark: m},
	)
	return nil
}

func (e *entries) name(h host) []byte { return e.names[h.off : h.off+uint32(h.n)] }

// build sorts the hosts, joins those that were named more than once and gives
// back what only reading needed.
func (e *entries) build() {
	slices.SortStableFunc(e.hosts, func(a, b host) int {
		if c := bytes.Compare(e.name(a), e.name(b)); c != 0 || a.wild == b.wild {
			return c
		}
		if a.wild {
			return 1
		}
		return -1
	})
	names := make([]byte, 0, len(e.names))
	hosts := e.hosts[:0]
	for _, h := range e.hosts {
		text := e.name(h)
		if len(hosts) > 0 {
			last := &hosts[len(hosts)-1]
			lastName := names[last.off : last.off+uint32(last.n)]
			if bytes.Equal(lastName, text) {
				if last.wild == h.wild {
					last.mark = last.mark.merge(h.mark)
					continue
				}
				h.off = last.off
				hosts = append(hosts, h)
				continue
			}
		}
		h.off = uint32(len(names)) //nolint:gosec // no longer than before
		names = append(names, text...)
		hosts = append(hosts, h)
	}
	e.names, e.hosts = slices.Clone(names), slices.Clone(hosts)
	e.marks, e.orders.text, e.orders.ends = slices.Clone(
		e.marks,
	), slices.Clone(
		e.orders.text,
	), slices.Clone(
		e.orders.ends,
	)
	e.orders.index = nil
}

// find returns the place of name among the hosts, or -1.
func (e *entries) find(name string, wild bool) int {
	i, found := slices.BinarySearchFunc(e.hosts, name, func(h host, name string) int {
		switch text := e.name(h); {
		case string(text) < name:
			return -1
		case string(text) > name:
			return 1
		case wild && !h.wild:
			return -1
		case h.wild && !wild:
			return 1
		}
		return 0
	})
	if !found {
		return -1
	}
	return i
}

// parseNet reads an address or a network and returns it without host bits, an
// IPv4 one in its own form however it was written. The second result says why
// not.
func parseNet(s string) (netip.Prefix, string) {
	var p netip.Prefix
	if strings.Contains(s, "/") {
		addr, bits, _ := strings.Cut(s, "/")
		a, err := netip.ParseAddr(addr)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, whyNet
		}
		n, ok := smallNumber(bits)
		if a.Is4In6() {
			a, n = a.Unmap(), n-96
		}
		if p = netip.PrefixFrom(a, n).Masked(); !ok || !p.IsValid() {
			return netip.Prefix{}, whyNet
		}
	} else {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, whyNet
		}
		a = a.Unmap()
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if (p.Addr().Is4() && p.Bits() < minBits4) || (p.Addr().Is6() && p.Bits() < minBits6) {
		return netip.Prefix{}, whyWide
	}
	return p, ""
}

// smallNumber reads a prefix length: one to three digits without a leading zero.
func smallNumber(s string) (int, bool) {
	if s == "" || len(s) > 3 || (s[0] == '0' && len(s) > 1) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// maxName is the longest DNS name in text, RFC 1035 section 2.3.4.
const maxName = 253

// canonicalName returns a DNS name of two or more labels in lower case, in its
// ASCII form (RFC 5891) and without a final dot, or "".
func canonicalName(s string) string {
	s = strings.TrimSuffix(s, ".")
	for i := range len(s) {
		if s[i] >= 0x80 {
			a, err := idna.Lookup.ToASCII(s)
			if err != nil {
				return ""
			}
			s = a
			break
		}
	}
	s = strings.ToLower(s)
	if len(s) > maxName || !strings.Contains(s, ".") {
		return ""
	}
	label, digits := 0, true
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			if label == 0 {
				return ""
			}
			label, digits = 0, true
			continue
		}
		if label++; label > 63 {
			return ""
		}
		switch {
		case '0' <= c && c <= '9':
		case 'a' <= c && c <= 'z', c == '-', c == '_':
			digits = false
		default:
			return ""
		}
	}
	// A name that ends in a number is an address to some resolvers.
	if label == 0 || digits {
		return ""
	}
	return s
}
