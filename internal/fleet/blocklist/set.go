package blocklist

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// What says by what an endpoint was found on a list.
type What string

// The kinds of hits.
const (
	ByAddress What = "address"
	ByHost    What = "host"
)

// Hit is an entry of a list that covers an address or a name.
type Hit struct {
	List    string
	Version string
	What    What
	Entry   string    // 203.0.113.0/24, example.com, *.example.com
	Order   string    // number of the oldest order about it, where the list has one
	Date    time.Time // of that order; zero for not known
	// Narrower is true where every row is about less than the entry: a name or a
	// page that was found at this address, or a page of this host. The address
	// may well be reachable then.
	Narrower bool
	Rows     int // rows of the list that name the entry
}

// Tag returns list@version, printable and short, as a check's record has it.
func (h Hit) Tag() string { return h.List + "@" + h.Version }

// Info is what a page says about a list.
type Info struct {
	Name     string
	Version  string
	SHA256   string    // of its files in order, 64 hex digits
	Updated  time.Time // by its own words, or when its file was written
	Networks int
	Hosts    int
}

// List is one list. It does not change.
type List struct {
	info    Info
	entries *entries
	files   []fileID
}

// Info returns what l is.
func (l *List) Info() Info { return l.info }

// Set is several lists. It does not change; the zero Set is empty.
type Set struct {
	lists []*List // by name
}

// NewSet returns the set of the lists.
func NewSet(lists ...*List) *Set {
	lists = slices.Clone(lists)
	slices.SortStableFunc(lists, func(a, b *List) int { return strings.Compare(a.info.Name, b.info.Name) })
	return &Set{lists: lists}
}

// Lists returns what the lists are, by name.
func (s *Set) Lists() []Info {
	out := make([]Info, 0, len(s.lists))
	for _, l := range s.lists {
		out = append(out, l.info)
	}
	return out
}

// list returns the list of that name, or nil.
func (s *Set) list(name string) *List {
	for _, l := range s.lists {
		if l.info.Name == name {
			return l
		}
	}
	return nil
}

// Address returns the entries that cover an address, by list, the narrowest
// network first. An IPv4 address counts in whatever form it is given.
func (s *Set) Address(a netip.Addr) []Hit {
	if !a.IsValid() {
		return nil
	}
	a = a.WithZone("").Unmap()
	p := netip.PrefixFrom(a, a.BitLen())
	var hits []Hit
	for _, l := range s.lists {
		for entry, i := range l.entries.nets.Supernets(p) {
			hits = append(hits, l.hit(ByAddress, entry.String(), l.entries.marks[i]))
		}
	}
	return hits
}

// Host returns the entries that cover a name: the name itself, and wildcards of
// the name or of a name above it. *.example.com stands for example.com and all
// below it, as the register means it; example.com stands for itself alone. A
// host that is an address is looked up as one.
func (s *Set) Host(name string) []Hit {
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return s.Address(a)
	}
	if name = canonicalName(name); name == "" {
		return nil
	}
	var hits []Hit
	for _, l := range s.lists {
		if i := l.entries.find(name, false); i >= 0 {
			hits = append(hits, l.hit(ByHost, name, l.entries.hosts[i].mark))
		}
		for up := name; strings.Contains(up, "."); _, up, _ = strings.Cut(up, ".") {
			if i := l.entries.find(up, true); i >= 0 {
				hits = append(hits, l.hit(ByHost, "*."+up, l.entries.hosts[i].mark))
			}
		}
	}
	return hits
}

func (l *List) hit(what What, entry string, m mark) Hit {
	h := Hit{
		List: l.info.Name, Version: l.info.Version, What: what, Entry: entry,
		Order: l.entries.orders.get(m.order), Narrower: m.narrower, Rows: int(m.rows),
	}
	if m.day > 0 {
		h.Date = time.Unix(int64(m.day)*24*60*60, 0).UTC()
	}
	return h
}

// Coverage is how much of a neighbourhood is listed. Units are addresses of an
// IPv4 /24 and /64 networks of an IPv6 /48; each counts once, however many
// entries and lists cover it, and a /64 counts when any of it is listed.
type Coverage struct {
	Prefix   netip.Prefix // the /24 or /48
	Units    int          // 256 or 65536; 0 where the question had no answer
	Listed   int          // units that rows about addresses cover
	Narrower int          // further units, named only beside names and pages
	Entries  int          // entries that touch the neighbourhood, over all lists
}

// Permille returns how much is listed in thousandths, rounded up: what is
// listed at all never shows as nothing.
func (c Coverage) Permille() int {
	if c.Units == 0 {
		return 0
	}
	return (c.Listed*1000 + c.Units - 1) / c.Units
}

// Blocked24 returns how much of the /24 (IPv4) or /48 (IPv6) around p is
// listed. A p wider than that has no answer: its Coverage has no units.
func (s *Set) Blocked24(p netip.Prefix) Coverage {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	group, unit := 24, 32
	if p.Addr().Is6() {
		group, unit = 48, 64
	}
	if !p.IsValid() || p.Bits() < group {
		return Coverage{}
	}
	p = netip.PrefixFrom(p.Addr(), group).Masked()
	c := Coverage{Prefix: p, Units: 1 << (unit - group)}
	listed, narrower := make(bits, c.Units/64), make(bits, c.Units/64)
	for _, l := range s.lists {
		cover := func(entry netip.Prefix, i uint32) {
			c.Entries++
			into := listed
			if l.entries.marks[i].narrower {
				into = narrower
			}
			from, n := 0, c.Units
			if entry.Bits() > group {
				from, n = place(entry.Addr()), 1<<max(0, unit-entry.Bits())
			}
			into.fill(from, n)
		}
		for entry, i := range l.entries.nets.Supernets(p) {
			cover(entry, i)
		}
		for entry, i := range l.entries.nets.Subnets(p) {
			if entry != p { // Supernets has given it
				cover(entry, i)
			}
		}
	}
	for i := range c.Units {
		switch {
		case listed.has(i):
			c.Listed++
		case narrower.has(i):
			c.Narrower++
		}
	}
	return c
}

// place returns which unit of its neighbourhood an address lies in.
func place(a netip.Addr) int {
	if a.Is4() {
		return int(a.As4()[3])
	}
	b := a.As16()
	return int(b[6])<<8 | int(b[7])
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) fill(from, n int) {
	for i := from; i < from+n; i++ {
		b[i/64] |= 1 << (i % 64)
	}
}

func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// Holder holds the set in use. Its zero value holds an empty one.
type Holder struct {
	set atomic.Pointer[Set]
}

// Set returns the set in use, never nil. Who asks several questions about one
// endpoint asks them of one set.
func (h *Holder) Set() *Set {
	if s := h.set.Load(); s != nil {
		return s
	}
	return &Set{}
}

// Swap puts s into use.
func (h *Holder) Swap(s *Set) { h.set.Store(s) }
