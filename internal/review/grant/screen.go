package grant

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/screen"
)

// print returns what the automatic checks compare of what an operator wrote.
func (s *Service) print(f fund.Fund, p Proposal) screen.Print {
	return screen.Print{Text: screen.Fingerprint(s.printKey, f.ID, p.Narrative), Listed: len(p.Endpoints)}
}

// findings runs the automatic checks of an application, worst first.
func (s *Service) findings(ctx context.Context, id uuid.UUID) ([]screen.Finding, error) {
	found, _, err := s.screened(ctx, id)
	return found, err
}

// screened also returns how many others have the payout address, up to MaxSamePayee.
func (s *Service) screened(ctx context.Context, id uuid.UUID) ([]screen.Finding, int, error) {
	facts, err := s.cfg.Store.Screen(ctx, id, s.now())
	if err != nil {
		return nil, 0, err
	}
	return screen.Judge(facts), min(facts.SamePayee.Live+facts.SamePayee.Ended, MaxSamePayee), nil
}

// approves returns the findings that v has to answer; none unless it approves.
func (s *Service) approves(ctx context.Context, id uuid.UUID, v Verdict) ([]screen.Finding, error) {
	if v != VerdictApprove {
		return nil, nil
	}
	return s.findings(ctx, id)
}

// explained refuses an approval without a word on what the automatic checks found
// to be high. They decide nothing: a word is all that it takes.
func explained(found []screen.Finding, note string) error {
	if note != "" || screen.Worst(found) < screen.High {
		return nil
	}
	high := screen.Named(found, screen.High)
	return errs.InvalidFields([]errs.Field{
		{
			Field:   "note",
			Code:    CodeHighNeedsNote,
			Params:  map[string]string{"checks": high},
			Message: "Automatic checks are HIGH: " + high + ". To approve, tell your colleagues why that is acceptable.",
		},
	})
}

// noted reports whether somebody who approved w's digest wrote a note.
func noted(w *Work) bool {
	return slices.ContainsFunc(w.Votes, func(v Vote) bool {
		return v.Digest == w.Decision.Digest && v.Verdict == VerdictApprove && len(v.Note) > 0
	})
}
