package registry

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// Version is a charter that was taken in, as people see it.
type Version struct {
	Charter    charter.Charter
	Digest     decision.Digest
	Text       []byte
	Signatures []Signature
	At         time.Time        // when it was taken in
	Binds      bool             // now
	Changes    []charter.Change // against the version before
}

// Count is who signed a draft among the trustees of one charter that is asked.
type Count struct {
	Version int64 // whose trustees these are; the draft's own for itself
	Needed  int64
	Signed  []charter.Person
	Others  []charter.Person
}

// Enough reports whether the trustees are enough.
func (c Count) Enough() bool { return int64(len(c.Signed)) >= c.Needed }

// DraftView is a draft, as people see it.
type DraftView struct {
	Charter    charter.Charter
	Digest     decision.Digest
	Text       []byte
	Signatures []Signature
	ProposedBy uuid.UUID
	Proposer   string
	At         time.Time
	Changes    []charter.Change // against the newest charter
	Counts     []Count          // of each charter that binds, and of itself
	HoldHours  int64            // the longest hold of those that bind, which go on to bind beside it
}

// View is what the page Charter shows.
type View struct {
	Versions   []Version  // the newest first; none when there is no charter yet
	BindsAlone *time.Time // when the newest binds alone, if it does not yet
	Drafts     []DraftView
	Refused    []Refused
}

// Show returns the charters and drafts.
func (s *Service) Show(ctx context.Context, by identity.Actor) (View, error) {
	if err := by.Require(identity.PermCharterRead); err != nil {
		return View{}, err
	}
	book, err := s.store.Book(ctx)
	if err != nil {
		return View{}, err
	}
	now := s.now()
	state, held, refused := s.replay(book)
	v := View{Versions: versions(held, state.Binding(now)), Refused: refused}
	if len(v.Versions) == 0 {
		return v, nil
	}
	if at, ok := state.BindsAlone(now); ok && at.After(now) {
		v.BindsAlone = &at
	}
	for _, d := range book.Drafts {
		c, err := charter.Parse(d.Text)
		if err != nil || c.Follows(v.Versions[0].Charter) != nil {
			continue // it can no longer be taken in
		}
		v.Drafts = append(v.Drafts, s.viewDraft(d, c, v.Versions[0].Charter, state.Binding(now)))
	}
	return v, nil
}

func versions(held []Taken, binding []charter.Charter) []Version {
	list := make([]Version, 0, len(held))
	var before charter.Charter
	for i, t := range held {
		c, err := charter.Parse(t.Text)
		if err != nil {
			continue // replay left out what cannot be read
		}
		v := Version{
			Charter: c, Digest: t.Digest, Text: t.Text, Signatures: t.Signatures, At: t.At,
			Binds: slices.ContainsFunc(binding, func(b charter.Charter) bool { return b.Version == c.Version }),
		}
		if i > 0 {
			v.Changes = charter.Diff(before, c)
		}
		before = c
		list = append(list, v)
	}
	slices.Reverse(list)
	return list
}

func (s *Service) viewDraft(d Draft, c, newest charter.Charter, binding []charter.Charter) DraftView {
	v := DraftView{
		Charter: c, Digest: d.Digest, Text: d.Text, Signatures: d.Signatures,
		ProposedBy: d.ProposedBy, Proposer: d.Proposer, At: d.At,
		Changes: charter.Diff(newest, c),
	}
	var keys []sshsig.Key
	for _, signature := range d.Signatures {
		parsed, err := sshsig.Parse(signature.Armored)
		if err == nil && parsed.Verify(d.Text) == nil {
			keys = append(keys, parsed.Key)
		}
	}
	for _, of := range append(slices.Clone(binding), c) {
		signed, others := of.TrusteesAmong(keys)
		v.Counts = append(v.Counts, Count{of.Version, of.Trustees, signed, others})
	}
	for _, b := range binding {
		v.HoldHours = max(v.HoldHours, b.HoldHours)
	}
	return v
}
