package authority

import (
	"bytes"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Terms are what the rules ask of a decision note.
type Terms struct {
	Network  decision.Network
	Fund     uuid.UUID
	Digest   decision.Digest
	Most     btcutil.Amount  // all periods together, at their dearest
	Replaces decision.Digest // zero for none
	From     int             // the first period that it replaces
	Due      []time.Time     // of each period
	Until    []time.Time     // of each period
}

// Reviewer is a person who approved a decision.
type Reviewer struct {
	Person   uuid.UUID `json:"person"`
	Terminal bool      `json:"terminal,omitempty"` // by ssh
}

// Quorum is what a charter asked of a decision when it was accepted, and who gave it.
type Quorum struct {
	Charter    decision.Digest `json:"charter"`
	Reviewers  int64           `json:"reviewers"`
	ByTerminal int64           `json:"by_terminal"`
	By         []Reviewer      `json:"by"` // in the order of their ids
}

// Accepted is a decision that had its quorum by every charter that bound then. It stays
// accepted: later periods need no new votes.
type Accepted struct {
	Terms   Terms
	Quorums []Quorum
}

// CheckDecision judges whether a decision has what every charter that binds asks for its
// amount. The same decision may be accepted again, by the people of today.
func (s *State) CheckDecision(terms Terms, envelopes []approval.Envelope, t Times) (Accepted, error) {
	if terms.Network != s.network || terms.Fund != s.fund {
		return Accepted{}, refuse(CodeOtherFund, "The decision is of another fund or network.")
	}
	binding, err := s.valid(t)
	if err != nil {
		return Accepted{}, err
	}
	if err := s.checkReplaces(terms); err != nil {
		return Accepted{}, err
	}
	b, err := s.open(terms.Digest, envelopes, binding)
	if err != nil {
		return Accepted{}, err
	}
	accepted := Accepted{Terms: terms}
	for _, c := range binding {
		if terms.Most > c.Limits.Decision {
			return Accepted{}, refuse(CodeLimitDecision,
				"The decision pays up to %d sat; version %d of the charter allows %d sat a decision.",
				int64(terms.Most), c.Version, int64(c.Limits.Decision))
		}
		q := quorum(c, b.people(c, charter.Reviewer), c.Requirement(terms.Most))
		if err := q.met(CodeReviewersLacking, nil); err != nil {
			return Accepted{}, err
		}
		accepted.Quorums = append(accepted.Quorums, q)
	}
	return accepted, nil
}

func quorum(c charter.Charter, people map[uuid.UUID]bool, line charter.Line) Quorum {
	q := Quorum{Charter: c.Digest(), Reviewers: line.Reviewers, ByTerminal: line.ByTerminal, By: []Reviewer{}}
	for person, terminal := range people {
		q.By = append(q.By, Reviewer{person, terminal})
	}
	slices.SortFunc(q.By, func(a, b Reviewer) int { return bytes.Compare(a.Person[:], b.Person[:]) })
	return q
}

// checkReplaces refuses a decision that would pay once more what another one pays: each is
// replaced by one decision only, from a period on of which nothing was released, or only what
// was proven dead.
func (s *State) checkReplaces(terms Terms) error {
	if terms.Replaces == (decision.Digest{}) {
		return nil
	}
	if c, ok := s.closed[terms.Replaces]; ok && c.by != terms.Digest {
		return refuse(CodeDecisionReplaced, "Decision %s was replaced already, by %s.", terms.Replaces, c.by)
	}
	for p, alive := range s.released {
		if alive && p.decision == terms.Replaces && p.number >= terms.From {
			return refuse(CodeReplacesReleased,
				"Period %d of decision %s was released, so a decision cannot replace it from period %d on.",
				p.number, terms.Replaces, terms.From)
		}
	}
	return nil
}

// AddDecision notes an accepted decision, or the same one accepted again: then the numbers
// and the people of today count. Who approved it once stays no treasurer of it.
func (s *State) AddDecision(a Accepted) {
	digest := a.Terms.Digest
	s.accepted[digest] = a
	if s.approvers[digest] == nil {
		s.approvers[digest] = map[uuid.UUID]bool{}
	}
	for _, q := range a.Quorums {
		for _, r := range q.By {
			s.approvers[digest][r.Person] = s.approvers[digest][r.Person] || r.Terminal
		}
	}
	if a.Terms.Replaces != (decision.Digest{}) {
		s.closed[a.Terms.Replaces] = closing{digest, a.Terms.From}
	}
}

// met reports whether the quorum holds without the people who were revoked.
func (q Quorum) met(code errs.Code, revoked map[uuid.UUID]bool) error {
	people, terminals := int64(0), int64(0)
	for _, r := range q.By {
		if revoked[r.Person] {
			continue
		}
		people++
		if r.Terminal {
			terminals++
		}
	}
	if people < q.Reviewers {
		return refuse(code, "%d of %d reviewers approved the decision.", people, q.Reviewers)
	}
	if terminals < q.ByTerminal {
		if code == CodeReviewersLacking {
			code = CodeTerminalLacking
		}
		return refuse(
			code,
			"%d of %d reviewers approved the decision from a terminal, by ssh.",
			terminals,
			q.ByTerminal,
		)
	}
	return nil
}
