package endpoint

import (
	"net/netip"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
)

// What of an endpoint a list covers.
const (
	hitListen = "listen"
	hitExit   = "exit"
	hitHost   = "host"
	hitNet    = "net"
)

// allLists stands for the lists together, where a number is about all of them.
const allLists = "all"

// found are the entries of lists that cover an endpoint.
type found struct {
	hits []Hit
	tags []string // list@version, at most maxTags, none twice
}

// maxTags is how many lists a record names.
const maxTags = 16

// find asks the lists for an endpoint's host name, the address that was dialled
// and the one that it comes out of; "" and zero for those that are not known.
func find(lists *blocklist.Set, endpoint uuid.UUID, host string, listen, exit netip.Addr) found {
	var out found
	known := map[string]bool{}
	add := func(what string, entries []blocklist.Hit) {
		for _, h := range entries {
			out.hits = append(
				out.hits,
				Hit{EndpointID: endpoint, What: what, List: h.List, Version: h.Version, Order: h.Order},
			)
			if tag := h.Tag(); !known[tag] && len(out.tags) < maxTags {
				known[tag] = true
				out.tags = append(out.tags, tag)
			}
		}
	}
	add(hitListen, lists.Address(listen))
	add(hitExit, lists.Address(exit))
	if host != "" {
		add(hitHost, lists.Host(host))
	}
	if !listen.IsValid() {
		return out
	}
	if c := lists.Blocked24(netplace.Group(listen)); c.Permille() > 0 {
		h := Hit{EndpointID: endpoint, What: hitNet, List: allLists, Permille: c.Permille()}
		if all := lists.Lists(); len(all) == 1 {
			h.List, h.Version = all[0].Name, all[0].Version
		}
		out.hits = append(out.hits, h)
	}
	return out
}

// coarse returns h as it is stored. The lists are public: an order's number, or
// the exact share of a network, would lead to the few addresses that it fits.
func (h Hit) coarse() Hit {
	const step = 100
	h.Order, h.Permille = "", (h.Permille+step-1)/step*step
	return h
}

// exact returns stored hits with what the lists in use say more exactly.
func exact(stored, now []Hit) []Hit {
	for i, h := range stored {
		for _, n := range now {
			if n.coarse() == (Hit{EndpointID: h.EndpointID, What: h.What, List: h.List, Version: h.Version, Permille: h.Permille}) {
				stored[i].Order, stored[i].Permille = n.Order, n.Permille
				break
			}
		}
	}
	return stored
}
