package grant

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/prose"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Status is what the holder of a receipt sees.
type Status struct {
	Application Application
	Body        Body // zero once purged
	Purged      bool
	Messages    []Text
	History     []Happening
	Payments    []Payment
	PaidDepth   int32
}

// Text is an opened message.
type Text struct {
	FromOperator bool
	Audience     Audience
	StaffName    string // empty for operators' eyes
	Text         string
	At           time.Time
}

// inside are actions that only reviewers are told of.
var inside = []string{
	"application.internal_note",
	"application.claimed",
	"application.released",
	"application.unsealed",
	"application.endpoints_unsealed",
}

// unknownReceipt is one value for a code that cannot be one and for a code that
// is not known, so that the answers cannot be told apart.
func unknownReceipt() error {
	return errs.New(
		errs.NotFound,
		CodeReceiptUnknown,
		"No application has this receipt code. Check it against what you wrote down.",
	)
}

// Status returns the application of a receipt code. NotFound "receipt_unknown";
// a malformed code takes the same look-up as a well-formed one.
func (s *Service) Status(ctx context.Context, code string) (Status, error) {
	r, err := s.byReceipt(ctx, code)
	if err != nil {
		return Status{}, err
	}
	f, err := s.Fund(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{Application: r.Application, Payments: r.Payments, PaidDepth: f.PaidDepth}
	for _, h := range r.History {
		if !slices.Contains(inside, h.Action) {
			h.StaffName = "" // reviewers stay unnamed before operators
			switch h.Action {
			case votedAction[VerdictApprove], votedAction[VerdictDecline]:
				h.Action, h.Detail = "application.voted", nil // how, stays inside
			}
			status.History = append(status.History, h)
		}
	}
	status.Body, _, err = s.openBody(r.Application, r.Revision.Body)
	if errs.Is(err, errs.CodePurged) {
		status.Purged = true
		return status, nil
	}
	if err != nil {
		return Status{}, err
	}
	status.Messages, err = s.openMessages(r, ToOperator)
	return status, err
}

func (s *Service) byReceipt(ctx context.Context, code string) (Record, error) {
	receipt, malformed := identity.ParseReceipt(code)
	hash := receipt.LookupHash(s.pepper)
	r, err := s.cfg.Store.ApplicationByReceipt(ctx, hash[:], s.now())
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return Record{}, err
	}
	if malformed != nil || err != nil {
		return Record{}, unknownReceipt()
	}
	return r, nil
}

// KnowsReceipt returns nil when an application has this receipt, NotFound
// "receipt_unknown" when none has. It is one indexed read.
func (s *Service) KnowsReceipt(ctx context.Context, receipt identity.Receipt) error {
	hash := receipt.LookupHash(s.pepper)
	known, err := s.cfg.Store.ReceiptKnown(ctx, hash[:])
	if err != nil {
		return err
	}
	if !known {
		return unknownReceipt()
	}
	return nil
}

// ApplicationOf returns which application a receipt code belongs to. Errors as Status.
func (s *Service) ApplicationOf(ctx context.Context, code string) (uuid.UUID, error) {
	r, err := s.byReceipt(ctx, code)
	return r.Application.ID, err
}

// openMessages opens what audience may read.
func (s *Service) openMessages(r Record, audience Audience) ([]Text, error) {
	key, err := s.dataKey(r.Application)
	if err != nil {
		return nil, err
	}
	var texts []Text
	for _, m := range r.Messages {
		if audience == ToOperator && m.Audience != ToOperator {
			continue
		}
		body, err := key.Open(messageAAD(m.ID), m.Body)
		if err != nil {
			return nil, fmt.Errorf("open message %s: %w", m.ID, err)
		}
		text := Text{FromOperator: m.ByStaff == nil, Audience: m.Audience, Text: string(body), At: m.CreatedAt}
		if audience == ToTeam {
			text.StaffName = m.StaffName
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// Reply adds the operator's words; an open question counts as answered. Votes
// stand, so a quorum that was met before the question is met again. Invalid
// "too_many_unanswered" while MaxUnanswered of them wait for an answer.
func (s *Service) Reply(ctx context.Context, code, text string) (Application, error) {
	text = prose.Tidy(text)
	if f := checkMessage("text", text); f != nil {
		return Application{}, errs.InvalidFields([]errs.Field{*f})
	}
	r, err := s.byReceipt(ctx, code)
	if err != nil {
		return Application{}, err
	}
	theFund, err := s.Fund(ctx)
	if err != nil {
		return Application{}, err
	}
	by := identity.Operator(r.Application.ID)
	return s.update(ctx, r.Application.ID, func(w *Work, now time.Time) error {
		if w.Unanswered >= MaxUnanswered {
			return tooManyUnanswered()
		}
		message, err := s.sealMessage(w.Application, nil, ToOperator, text, now)
		if err != nil {
			return err
		}
		w.NewMessages = append(w.NewMessages, message)
		if w.Application.State != NeedsInfo {
			return w.move(by, "application.message_from_operator", now)
		}
		if _, met := Count(w.Votes, w.Decision.Digest).Outcome(theFund.Quorum); met {
			return w.move(by, "application.answered", now, Restore)
		}
		return w.move(by, "application.answered", now, Answer)
	})
}

// Revise replaces what the operator wrote by a new revision while a question is
// open. Votes on the old revision no longer count. A server whose configuration
// stays keeps its proof and its checks; a changed one starts anew. Errors as Submit.
func (s *Service) Revise(ctx context.Context, code string, p Proposal) (Application, error) {
	p = p.normalise()
	r, err := s.byReceipt(ctx, code)
	if err != nil {
		return Application{}, err
	}
	f, err := s.Fund(ctx)
	if err != nil {
		return Application{}, err
	}
	isTreasury, err := s.isTreasury(f)
	if err != nil {
		return Application{}, err
	}
	claimed := claim.Read(p.Endpoints)
	p.Endpoints = claimed.Endpoints
	payee, bad := p.validate(f, claimed, isTreasury)
	if err := errs.InvalidFields(bad); err != nil {
		return Application{}, err
	}
	payeeIndex, err := s.cfg.Keys.BlindIndex("payee-script", string(payee.Script))
	if err != nil {
		return Application{}, fmt.Errorf("index payee: %w", err)
	}
	by := identity.Operator(r.Application.ID)
	mark := s.print(f, p)
	return s.update(ctx, r.Application.ID, func(w *Work, now time.Time) error {
		a := &w.Application
		if _, err := a.State.Next(Answer); err != nil {
			return err
		}
		a.Revision++
		a.Protocols, a.Region, a.Language, a.Amount, a.PayeeIndex = claim.DistinctProtocols(
			p.Endpoints,
		), p.Region, p.Language, btcutil.Amount(
			p.AmountSat,
		), payeeIndex
		a.TitleWords = s.hashWords(p.Title)
		key, err := s.dataKey(*a)
		if err != nil {
			return err
		}
		salt, err := s.salt()
		if err != nil {
			return err
		}
		text, digest, err := Body{
			Salt:          salt,
			Title:         p.Title,
			Narrative:     p.Narrative,
			Contact:       p.Contact,
			Endpoints:     p.Endpoints,
			PayoutAddress: payee.Address,
		}.encode()
		if err != nil {
			return err
		}
		sealed, err := key.Seal(bodyAAD(a.ID, a.Revision), text)
		if err != nil {
			return err
		}
		w.NewRevision = &Revision{
			ApplicationID: a.ID,
			Revision:      a.Revision,
			Body:          sealed,
			Commitment:    commit(digest),
			Amount:        a.Amount,
			CreatedAt:     now,
		}
		dec, note, err := s.propose(*a, f, payee, digest, now)
		if err != nil {
			return err
		}
		if dec.Note, err = key.Seal(noteAAD(dec.ID), note); err != nil {
			return err
		}
		w.NewDecision = &dec
		w.NewPrint = &mark
		if err := w.Servers.Claim(claimed, a.Revision, key); err != nil {
			return err
		}
		if err := w.move(by, "application.revised", now, Answer); err != nil {
			return err
		}
		w.Entries[len(w.Entries)-1].Digest = w.NewRevision.Commitment[:]
		return nil
	})
}

// Withdraw takes an undecided application back. Its servers are no longer checked.
func (s *Service) Withdraw(ctx context.Context, code string) (Application, error) {
	r, err := s.byReceipt(ctx, code)
	if err != nil {
		return Application{}, err
	}
	return s.update(ctx, r.Application.ID, func(w *Work, now time.Time) error {
		w.Claim = nil
		w.Servers.Retire()
		return w.move(identity.Operator(w.Application.ID), "application.withdrawn", now, Withdraw)
	})
}
