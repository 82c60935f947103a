package authority

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

const barFor = halt.BarDays * day

type halted struct {
	note   halt.Note
	by     uuid.UUID
	lifted bool
}

type interval struct{ from, to time.Time } // to is zero while it lasts

// CheckHalt judges a halt: any one person of any charter that binds may, with any key.
func (s *State) CheckHalt(n halt.Note, e approval.Envelope, t Times) (by uuid.UUID, known bool, err error) {
	if n.Network != s.network || n.Fund != s.fund {
		return uuid.Nil, false, refuse(CodeOtherFund, "The halt is of another fund or network.")
	}
	binding := s.Binding(t.Begins)
	b, err := s.open(n.Digest(), []approval.Envelope{e}, binding)
	if err != nil {
		return uuid.Nil, false, err
	}
	known, err = s.haltKnown(n)
	if err != nil {
		return uuid.Nil, false, err
	}
	for _, c := range binding {
		for person := range b.people(c, approval.Any) {
			if until := s.bars[person]; t.Begins.Before(until) {
				return uuid.Nil, false, refuse(CodeHaltBarred,
					"The trustees barred this person from halting until %s. Somebody else may halt.", stamp(until))
			}
			return person, known, nil
		}
	}
	return uuid.Nil, false, refuse(CodeHaltUnsigned, "Nobody in a charter that binds signed this halt.")
}

func (s *State) haltKnown(n halt.Note) (bool, error) {
	old, ok := s.halts[n.ID]
	if ok && old.lifted {
		return false, refuse(CodeHaltLifted, "This halt was lifted. Make a new one if something has to stop again.")
	}
	return ok, nil
}

// AddHalt notes a halt.
func (s *State) AddHalt(n halt.Note, by uuid.UUID, at time.Time) {
	if s.halts[n.ID] != nil {
		return
	}
	s.halts[n.ID] = &halted{note: n, by: by}
	s.pause(at)
}

// CheckResume judges a resume: trustees of every charter that binds sign it by ssh.
func (s *State) CheckResume(r halt.Resume, envelopes []approval.Envelope, t Times) error {
	if r.Network != s.network || r.Fund != s.fund {
		return refuse(CodeOtherFund, "The resume is of another fund or network.")
	}
	return s.CheckTrustees(r.Digest(), envelopes, t)
}

// CheckTrustees asks trustees of every charter that binds for a note, by ssh.
func (s *State) CheckTrustees(note decision.Digest, envelopes []approval.Envelope, t Times) error {
	binding := s.Binding(t.Begins)
	if len(binding) == 0 {
		return refuse(CodeNoCharter, "There is no charter here yet.")
	}
	b, err := s.open(note, envelopes, binding)
	if err != nil {
		return err
	}
	return b.trustees(binding)
}

// AddResume notes a resume.
func (s *State) AddResume(r halt.Resume, at time.Time) {
	for _, id := range r.Lifts {
		if s.halts[id] == nil {
			s.halts[id] = &halted{note: halt.Note{ID: id}}
		}
		s.halts[id].lifted = true
	}
	for _, person := range r.Bars {
		s.bars[person] = at.Add(barFor)
	}
	s.pause(at)
}

// AddHostHalt notes that the signer's own host halted all, or lifted that.
func (s *State) AddHostHalt(on bool, at time.Time) {
	s.host = on
	s.pause(at)
}

// pause begins or ends the time in which holds stand still.
func (s *State) pause(at time.Time) {
	last := len(s.pauses) - 1
	lasts := last >= 0 && s.pauses[last].to.IsZero()
	switch still := s.stopped(); {
	case still && !lasts:
		s.pauses = append(s.pauses, interval{from: at})
	case !still && lasts:
		s.pauses[last].to = at
	}
}

// stopped reports whether all is halted.
func (s *State) stopped() bool {
	if s.host {
		return true
	}
	for _, h := range s.halts {
		if !h.lifted && h.note.All() {
			return true
		}
	}
	return false
}

// running returns how much of the time from one moment to another was not halted.
func (s *State) running(from, to time.Time) time.Duration {
	total := max(to.Sub(from), 0)
	for _, p := range s.pauses {
		end := p.to
		if end.IsZero() || end.After(to) {
			end = to
		}
		begin := p.from
		if begin.Before(from) {
			begin = from
		}
		total -= max(end.Sub(begin), 0)
	}
	return total
}

// InForce returns the halts that were not lifted, in the order of their ids.
func (s *State) InForce() []halt.Note {
	var list []halt.Note
	for _, h := range s.inForceBy() {
		list = append(list, h.note)
	}
	return list
}

func (s *State) inForceBy() []*halted {
	var list []*halted
	for _, h := range s.halts {
		if !h.lifted {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *halted) int { return bytes.Compare(a.note.ID[:], b.note.ID[:]) })
	return list
}

// checkHalts refuses what somebody halted: all, the batch, or a decision of it.
func (s *State) checkHalts(r Release) error {
	if s.host {
		return refuse(CodeHalted, "All is halted on the signer's own host, and can be lifted there only.")
	}
	stops := map[decision.Digest]bool{{}: true, r.Note: true}
	for _, p := range r.Payments {
		stops[p.Decision] = true
	}
	for _, h := range s.inForceBy() {
		if !stops[h.note.Halts] {
			continue
		}
		what := "All"
		if !h.note.All() {
			what = h.note.Halts.String()
		}
		return refuse(CodeHalted, "%s is halted: halt %s, by %s. The trustees can lift it.", what, h.note.ID, h.by)
	}
	return nil
}
