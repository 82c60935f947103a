package guard

import (
	"slices"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Ports are the ports that are not dialled.
type Ports struct {
	TCP, UDP []uint16
}

// DefaultPorts returns the ports of services that a check must not knock at
// before its applicant has proven control: mail, shells, files, databases,
// remote desktops, and what can be made to send more than it got.
func DefaultPorts() Ports {
	return Ports{
		TCP: []uint16{
			7, 9, 19, 22, 23, 25, 110, 135, 137, 138, 139, 143, 389, 445, 465, 587, 993, 995, 1433, 2049, 2375, 3306,
			3389, 5432, 5900, 6379, 9200, 11211, 27017,
		},
		UDP: []uint16{53, 69, 111, 123, 137, 161, 389, 1900, 5353, 11211},
	}
}

func (p Ports) denies(network string, port uint16) bool {
	list := p.TCP
	if network == probe.UDP {
		list = p.UDP
	}
	return port == 0 || slices.Contains(list, port)
}
