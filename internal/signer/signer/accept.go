package signer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
	histories "github.com/causeway-fund/causeway/internal/trust/history"
)

// maxPapers bounds the notes and signatures of one call, in bytes.
const maxPapers = 16 << 20

// Accept takes in what people decided, judged by the charters that bind now, each note by
// itself: what one note lacks stops no other. A note that was taken in before is not journalled
// again. It fails with journal_without_charter, journal_rolled_back, clock_back, too_large and
// journal_unwritable.
func (s *Signer) Accept(ctx context.Context, papers signerrpc.Papers) (signerrpc.Taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return signerrpc.Taken{}, refuse(
			CodeJournalWithoutCharter,
			"The signer's journal has no charter yet. Begin with one on its host: causeway-signer pin FILE.",
		)
	}
	if err := s.checkJournalWhole(); err != nil {
		return signerrpc.Taken{}, err
	}
	var taken signerrpc.Taken
	size := 0
	for _, kind := range []struct {
		papers []signerrpc.Paper
		take   func(signerrpc.Paper, authority.Times) (Act, error)
	}{
		{papers.Charters, s.judgeCharter},
		{papers.Halts, s.judgeHalt},
		{papers.Resumes, s.judgeResume},
		{papers.Histories, s.judgeHistory},
		{papers.Decisions, s.judgeDecision},
	} {
		for _, p := range kind.papers {
			for _, text := range append([]string{p.Note}, p.Signed...) {
				size += len(text)
			}
			if size > maxPapers {
				return taken, refuse(
					errs.CodeTooLarge,
					"The call has more than %d bytes of notes and signatures.",
					maxPapers,
				)
			}
			err := s.acceptOne(p, kind.take)
			e := (*errs.Error)(nil)
			if !errors.As(err, &e) || e.Kind != errs.Conflict && e.Kind != errs.Invalid {
				if err != nil {
					return taken, err
				}
				continue
			}
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "not taken in",
				slog.String("note", digestOf(p.Note).String()), slog.String("error", err.Error()))
			taken.Refused = append(taken.Refused, signerrpc.RefusedPaper{
				Note: digestOf(p.Note).String(), Code: string(e.Code), Message: e.Message,
			})
		}
	}
	return taken, nil
}

// acceptOne journals the act that a paper is, if it is one that is not there yet.
func (s *Signer) acceptOne(p signerrpc.Paper, judge func(signerrpc.Paper, authority.Times) (Act, error)) error {
	t, err := s.times()
	if err != nil {
		return err
	}
	act, err := judge(p, t)
	if err != nil || act == nil {
		return err
	}
	act.place().Time = t.Begins.Unix()
	return s.take(act)
}

func (s *Signer) judgeCharter(p signerrpc.Paper, t authority.Times) (Act, error) {
	signatures := make([][]byte, len(p.Signed))
	for i, text := range p.Signed {
		signatures[i] = []byte(text)
	}
	_, known, err := s.state.CheckCharter([]byte(p.Note), signatures, t)
	if err != nil || known {
		return nil, err
	}
	return &CharterAct{Charter: p.Note, Signatures: p.Signed}, nil
}

func (s *Signer) judgeHalt(p signerrpc.Paper, t authority.Times) (Act, error) {
	note, err := halt.Parse([]byte(p.Note))
	if err != nil {
		return nil, err
	}
	envelopes, err := readEnvelopes(p.Signed)
	if err != nil {
		return nil, err
	}
	if len(envelopes) != 1 {
		return nil, refuse(approval.CodeBadEnvelope, "A halt comes with one approval, not with %d.", len(envelopes))
	}
	by, known, err := s.state.CheckHalt(note, envelopes[0], t)
	if err != nil || known {
		return nil, err
	}
	return &HaltAct{Note: p.Note, Envelope: p.Signed[0], Person: by.String()}, nil
}

func (s *Signer) judgeResume(p signerrpc.Paper, t authority.Times) (Act, error) {
	note, err := halt.ParseResume([]byte(p.Note))
	if err != nil || s.takenIn[note.Digest()] {
		return nil, err
	}
	envelopes, err := readEnvelopes(p.Signed)
	if err != nil {
		return nil, err
	}
	if err := s.state.CheckResume(note, envelopes, t); err != nil {
		return nil, err
	}
	return &ResumeAct{Note: p.Note, Envelopes: p.Signed}, nil
}

func (s *Signer) judgeHistory(p signerrpc.Paper, t authority.Times) (Act, error) {
	note, err := histories.Parse([]byte(p.Note))
	if err != nil || s.takenIn[note.Digest()] {
		return nil, err
	}
	if network, fund := s.state.Fund(); note.Network != network || note.Fund != fund {
		return nil, refuse(authority.CodeOtherFund, "The history is of another fund or network.")
	}
	envelopes, err := readEnvelopes(p.Signed)
	if err != nil {
		return nil, err
	}
	if err := s.state.CheckTrustees(note.Digest(), envelopes, t); err != nil {
		return nil, err
	}
	return &HistoryAct{Note: p.Note, Envelopes: p.Signed}, nil
}

// judgeDecision takes in a decision, or one that was taken in before with other people: those
// of today count then.
func (s *Signer) judgeDecision(p signerrpc.Paper, t authority.Times) (Act, error) {
	note, err := decision.Parse([]byte(p.Note))
	if err != nil {
		return nil, err
	}
	if err := note.Check(s.cfg.Key.Params()); err != nil {
		return nil, refuse(CodeBadDecisionNote, "Decision %s is invalid: %v.", note.Decision, err)
	}
	if s.takenIn[paperDigest(p.Note, p.Signed)] {
		return nil, nil // there is nothing to journal
	}
	envelopes, err := readEnvelopes(p.Signed)
	if err != nil {
		return nil, err
	}
	accepted, err := s.state.CheckDecision(termsOf(note), envelopes, t)
	if err != nil {
		return nil, err
	}
	act := &DecisionAct{Note: p.Note, Envelopes: p.Signed, Quorums: quorumsOf(accepted)}
	// Other envelopes of the same people say nothing new, and would fill the journal.
	if subject, err := act.subject(); err != nil || s.takenIn[subject] {
		return nil, err
	}
	return act, nil
}

// Pin takes in a charter that follows whatever there was, and binds alone after its hold. It
// is for the person on the signer's host who has compared its digest with what the trustees
// read out: for the first charter, and after a fork or when trustees are lost.
func (s *Signer) Pin(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := charter.Parse([]byte(text))
	if err != nil {
		return err
	}
	if err := CheckListed(s.cfg.Key, c); err != nil {
		return err
	}
	if s.state != nil {
		if network, fund := s.state.Fund(); c.Network != network || c.Fund != fund {
			return refuse(authority.CodeOtherFund, "The charter is of another fund or network.")
		}
		if newest, ok := s.state.Newest(); ok && newest.Digest() == c.Digest() {
			return s.cfg.Journal.Settle()
		}
	}
	t, err := s.times()
	if err != nil {
		return err
	}
	return s.take(&CharterAct{Head: Head{Time: t.Begins.Unix()}, Charter: text, Pinned: s.state != nil})
}

// BeginJournal creates the journal at path with the first charter, which a person has compared
// with what the trustees read out.
func BeginJournal(path string, c charter.Charter, now time.Time) error {
	if err := CreateJournal(path); err != nil {
		return err
	}
	j, err := OpenJournal(path)
	if err != nil {
		return err
	}
	err = j.Take(&CharterAct{Head: Head{Time: now.Unix()}, Charter: string(c.Encode())})
	return errors.Join(err, j.Close())
}

// CheckListed refuses a charter that is for another network than the key (wrong_network), or
// that does not list the key with its key for acks (signer_not_listed).
func CheckListed(key *Key, c charter.Charter) error {
	if c.Network != decision.NetworkOf(key.Params()) {
		return refuse(
			authority.CodeOtherFund,
			"The charter is for network %s, not for %s.",
			c.Network.Name,
			key.Params().Name,
		)
	}
	acks, ok := key.AckKey()
	for _, listed := range c.Signers {
		if ok && listed.Fingerprint == key.Fingerprint() && listed.Key == acks {
			return nil
		}
	}
	return refuse(
		CodeSignerNotListed,
		"The charter does not list this signer: its line ends in %s %s.",
		key.Fingerprint(),
		acks,
	)
}
