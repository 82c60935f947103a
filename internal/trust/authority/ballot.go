package authority

import (
	"errors"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// ballot is who said yes to a note, by keys of the charters that bind.
type ballot []approval.Signed

// open verifies envelopes over one note. A key that no charter lists counts for nothing; a
// signature that does not hold, or one over something else, refuses all: no honest person
// made it. A "decline" is for pages: who wants to be sure halts.
func (s *State) open(note decision.Digest, envelopes []approval.Envelope, binding []charter.Charter) (ballot, error) {
	var b ballot
	for _, e := range envelopes {
		signed, err := e.Verify(binding...)
		if e := (*errs.Error)(nil); errors.As(err, &e) && e.Code == approval.CodeUnknownKey {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := signed.For(s.network, s.fund, note); err != nil {
			return nil, err
		}
		if err := s.knows(signed.Version, signed.Charter); err != nil {
			return nil, err
		}
		if signed.Says == approval.Approve {
			b = append(b, signed)
		}
	}
	return b, nil
}

// people returns who said yes in a role that c gives them, each once, and whether by ssh.
func (b ballot) people(c charter.Charter, roles ...charter.Role) map[uuid.UUID]bool {
	byTerminal := map[uuid.UUID]bool{}
	for _, signed := range b {
		for _, role := range roles {
			if signed.As == role && signed.Counts(c) {
				byTerminal[signed.Person] = byTerminal[signed.Person] || signed.Kind == approval.BySSH
			}
		}
	}
	return byTerminal
}

// treasurers asks c for treasurers of a batch that pays sat together with what was released
// in the 24 hours before. Who approved one of its decisions is none of them.
func (b ballot) treasurers(c charter.Charter, line charter.Line, approvers map[uuid.UUID]bool) error {
	people := b.people(c, charter.Treasurer)
	if !c.Sole() {
		for person := range approvers {
			delete(people, person)
		}
	}
	if int64(len(people)) < line.Treasurers {
		return refuse(
			CodeTreasurersLacking,
			"%d of %d treasurers approved this batch by version %d of the charter. Who approved a decision of it does not count.",
			len(people),
			line.Treasurers,
			c.Version,
		)
	}
	return nil
}

// stewards asks c for two of its treasurers and trustees, one of them a treasurer.
func (b ballot) stewards(c charter.Charter) error {
	both, treasurers := b.people(c, charter.Treasurer, charter.Trustee), b.people(c, charter.Treasurer)
	needed := 2
	if c.Sole() {
		needed = 1
	}
	if len(both) < needed || len(treasurers) == 0 {
		return refuse(
			CodeStewardsLacking,
			"This needs %d of the treasurers and trustees, one of them a treasurer; by version %d of the charter it has %d, "+
				"of them %d treasurers.",
			needed,
			c.Version,
			len(both),
			len(treasurers),
		)
	}
	return nil
}

// trustees asks every charter for its trustees, by ssh.
func (b ballot) trustees(binding []charter.Charter) error {
	for _, c := range binding {
		signed := int64(0)
		for _, byTerminal := range b.people(c, charter.Trustee) {
			if byTerminal {
				signed++
			}
		}
		if signed < c.Trustees {
			return refuse(
				CodeTrusteesLacking,
				"%d of the %d trustees that version %d of the charter asks for signed this by ssh.",
				signed,
				c.Trustees,
				c.Version,
			)
		}
	}
	return nil
}
