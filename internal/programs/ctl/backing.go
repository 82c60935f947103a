package ctl

import (
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// backing is the approvals of a note whose signatures hold.
type backing []approval.Signed

// lack is what a note needs by one charter, and who is there.
type lack struct {
	What   string   `json:"what"`
	Needed int64    `json:"needed"`
	There  []string `json:"there"`
}

func (l lack) missing() bool { return int64(len(l.There)) < l.Needed }

// people returns who approves in one of the roles by c, each once; of those by ssh alone if asked.
func (b backing) people(c charter.Charter, bySSH bool, roles ...charter.Role) []string {
	var seen []uuid.UUID
	there := []string{}
	for _, s := range b {
		if s.Says != approval.Approve || !slices.Contains(roles, s.As) || !s.Counts(c) ||
			bySSH && s.Kind != approval.BySSH || slices.Contains(seen, s.Person) {
			continue
		}
		seen = append(seen, s.Person)
		there = append(there, nameIn(c, s.Person))
	}
	return there
}

func nameIn(c charter.Charter, id uuid.UUID) string {
	for _, p := range c.People {
		if p.ID == id {
			return p.Name
		}
	}
	return id.String()
}

func (b backing) reviewers(c charter.Charter, most btcutil.Amount) []lack {
	line := c.Requirement(most)
	return []lack{
		{"reviewers", line.Reviewers, b.people(c, false, charter.Reviewer)},
		{"reviewers by terminal", line.ByTerminal, b.people(c, true, charter.Reviewer)},
	}
}

func (b backing) treasurers(c charter.Charter, total btcutil.Amount) []lack {
	return []lack{{"treasurers", c.Requirement(total).Treasurers, b.people(c, false, charter.Treasurer)}}
}

func (b backing) ofStewards(c charter.Charter) []lack {
	needed := int64(2)
	if c.Sole() {
		needed = 1
	}
	return []lack{
		{"treasurers or trustees", needed, b.people(c, false, stewards()...)},
		{"treasurers among them", 1, b.people(c, false, charter.Treasurer)},
	}
}

func (b backing) ofTrustees(c charter.Charter) []lack {
	return []lack{{"trustees, by ssh", c.Trustees, b.people(c, true, charter.Trustee)}}
}

func (b backing) ofAnybody(c charter.Charter) []lack {
	return []lack{{"people of the charter", 1, b.people(c, false, approval.Any)}}
}
