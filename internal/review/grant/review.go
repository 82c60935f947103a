package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/prose"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// ClaimApplication gives by a lease on the application, or renews it. Conflict
// "claimed_by_other" while somebody else holds it.
func (s *Service) ClaimApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (Application, error) {
	if err := by.Require(identity.PermApplicationClaim); err != nil {
		return Application{}, err
	}
	return s.update(ctx, id, func(w *Work, now time.Time) error {
		if w.Application.State.Closed() {
			_, err := w.Application.State.Next(Open)
			return err
		}
		if err := notClaimedByOther(w, by); err != nil {
			return err
		}
		w.Claim = &Claim{StaffID: by.StaffID, ExpiresAt: now.Add(s.cfg.Claim)}
		return w.move(by, "application.claimed", now, openIfNew(w)...)
	})
}

// ReleaseApplication ends by's lease; it is no error when there is none.
func (s *Service) ReleaseApplication(ctx context.Context, by identity.Actor, id uuid.UUID) (Application, error) {
	if err := by.Require(identity.PermApplicationClaim); err != nil {
		return Application{}, err
	}
	return s.update(ctx, id, func(w *Work, now time.Time) error {
		if err := notClaimedByOther(w, by); err != nil || w.Claim == nil {
			return err
		}
		w.Claim = nil
		return w.move(by, "application.released", now)
	})
}

// CastVote is one reviewer's verdict on one digest.
type CastVote struct {
	ID      uuid.UUID // of the application
	Verdict Verdict
	Digest  decision.Digest // of the decision note that the reviewer was shown
	Note    string          // for colleagues alone, never for the operator; required to decline, and to approve what a check finds to be high
}

// Vote records a verdict and ends the voter's lease. Invalid: high_needs_note (field
// note). Conflict: claimed_by_other, already_voted, stale_digest (the application was revised), wrong_state.
func (s *Service) Vote(ctx context.Context, by identity.Actor, cmd CastVote) (Application, error) {
	if err := by.Require(identity.PermApplicationVote); err != nil {
		return Application{}, err
	}
	note := prose.Tidy(cmd.Note)
	if err := validateVote(cmd.Verdict, note); err != nil {
		return Application{}, err
	}
	f, err := s.Fund(ctx)
	if err != nil {
		return Application{}, err
	}
	// Judged as of now. A finding that comes later is for the decision to explain.
	found, err := s.approves(ctx, cmd.ID, cmd.Verdict)
	if err != nil {
		return Application{}, err
	}
	return s.update(ctx, cmd.ID, func(w *Work, now time.Time) error {
		if err := open(w, by, cmd.Digest); err != nil {
			return err
		}
		if err := explained(found, note); err != nil {
			return err
		}
		w.Claim = nil
		events := openIfNew(w)
		vote, err := s.sealVote(w, by, cmd.Verdict, note, now)
		if err != nil {
			return err
		}
		w.NewVotes = append(w.NewVotes, vote)
		_, met := Count(append(w.Votes, vote), cmd.Digest).Outcome(f.Quorum)
		isReady := w.Application.State == Ready
		switch {
		case met && !isReady:
			events = append(events, Quorum)
		case !met && isReady:
			events = append(events, Reopen)
		}
		if err := w.move(by, votedAction[cmd.Verdict], now, events...); err != nil {
			return err
		}
		last := &w.Entries[len(w.Entries)-1]
		last.Digest = cmd.Digest[:]
		last.Detail = map[string]string{"verdict": string(cmd.Verdict)}
		if high := screen.Named(found, screen.High); high != "" {
			last.Detail["high"] = high
		}
		return nil
	})
}

// votedAction names a verdict in the audit log: a vote that says the contrary in
// the table differs from its leaf.
var votedAction = map[Verdict]string{
	VerdictApprove: "application.voted_approve",
	VerdictDecline: "application.voted_decline",
}

// open reports why by can neither vote nor ask now.
func open(w *Work, by identity.Actor, digest decision.Digest) error {
	if err := notClaimedByOther(w, by); err != nil {
		return err
	}
	if w.Decision.Digest != digest {
		return staleDigest()
	}
	if w.Application.State.Closed() || w.Application.State == NeedsInfo {
		_, err := w.Application.State.Next(Quorum)
		return err
	}
	return nil
}

// Question asks the operator for what a reviewer lacks to decide.
type Question struct {
	ID      uuid.UUID // of the application
	Digest  decision.Digest
	Message string // the operator reads it word for word
}

// Ask sends a question to the operator and ends the asker's lease. It is no vote:
// whoever asked may vote once the answer is there, or two reviewers with a quorum
// of two could never decide. Conflict: as Vote, without already_voted.
func (s *Service) Ask(ctx context.Context, by identity.Actor, cmd Question) (Application, error) {
	if err := by.Require(identity.PermApplicationVote); err != nil {
		return Application{}, err
	}
	text := prose.Tidy(cmd.Message)
	if f := checkMessage("message", text); f != nil {
		return Application{}, errs.InvalidFields([]errs.Field{*f})
	}
	return s.update(ctx, cmd.ID, func(w *Work, now time.Time) error {
		if err := open(w, by, cmd.Digest); err != nil {
			return err
		}
		w.Claim = nil
		message, err := s.sealMessage(w.Application, &by.StaffID, ToOperator, text, now)
		if err != nil {
			return err
		}
		w.NewMessages = append(w.NewMessages, message)
		if err := w.move(by, "application.asked", now, append(openIfNew(w), Ask)...); err != nil {
			return err
		}
		w.Entries[len(w.Entries)-1].Digest = cmd.Digest[:]
		return nil
	})
}

func validateVote(v Verdict, note string) error {
	var bad []errs.Field
	switch v {
	case VerdictApprove, VerdictDecline:
	default:
		bad = append(
			bad,
			errs.Field{Field: "verdict", Code: CodeUnknownVerdict, Message: "A verdict is either approve or decline."},
		)
	}
	if note == "" && v == VerdictDecline {
		bad = append(
			bad,
			errs.Field{
				Field:   "note",
				Code:    errs.CodeRequired,
				Message: "Tell your colleagues why. The operator does not read it.",
			},
		)
	}
	if f := checkMessage("note", note); f != nil && note != "" {
		bad = append(bad, *f)
	}
	return errs.InvalidFields(bad)
}

// Decide is the act that ends a review.
type Decide struct {
	ID      uuid.UUID
	Version int64 // of the application that the decider was shown: the ETag
	Outcome Verdict
	Digest  decision.Digest
	Message string // to the operator; required to decline
	Note    string // for colleagues alone; required to approve what a check finds to be high and no approving vote has a note on
}

// Decide approves or declines as the quorum says. To approve, the amount must be
// available in the treasury and within the fund's budget; it is committed in the
// same transaction. Invalid: high_needs_note (field note). Conflict: stale_version, stale_digest, no_quorum,
// window_over, treasury_short, budget_spent, endpoint_unproven, wrong_state.
func (s *Service) Decide(ctx context.Context, by identity.Actor, cmd Decide) (Application, error) {
	if err := by.Require(identity.PermApplicationDecide); err != nil {
		return Application{}, err
	}
	text, note := prose.Tidy(cmd.Message), prose.Tidy(cmd.Note)
	if err := validateDecide(cmd.Outcome, text, note); err != nil {
		return Application{}, err
	}
	f, err := s.Fund(ctx)
	if err != nil {
		return Application{}, err
	}
	found, err := s.approves(ctx, cmd.ID, cmd.Outcome)
	if err != nil {
		return Application{}, err
	}
	return s.update(ctx, cmd.ID, func(w *Work, now time.Time) error {
		if w.Application.Version != cmd.Version {
			return stale(w.Application.Version)
		}
		if w.Decision.Digest != cmd.Digest {
			return staleDigest()
		}
		event := Decline
		if cmd.Outcome == VerdictApprove {
			event = Approve
		}
		if _, err := w.Application.State.Next(event); err != nil {
			return err
		}
		if outcome, met := Count(w.Votes, cmd.Digest).Outcome(f.Quorum); !met || outcome != cmd.Outcome {
			return errs.New(
				errs.Conflict,
				CodeNoQuorum,
				"There are not enough votes for this decision. Nothing was decided.",
			)
		}
		if cmd.Outcome == VerdictApprove {
			if !noted(w) {
				if err := explained(found, note); err != nil {
					return err
				}
			}
			if err := provenControl(w.Servers); err != nil {
				return err
			}
			if err := s.award(w, f, now); err != nil {
				return err
			}
		} else {
			w.Servers.Retire()
		}
		if text != "" {
			message, err := s.sealMessage(w.Application, &by.StaffID, ToOperator, text, now)
			if err != nil {
				return err
			}
			w.NewMessages = append(w.NewMessages, message)
		}
		if note != "" {
			message, err := s.sealMessage(w.Application, &by.StaffID, ToTeam, note, now)
			if err != nil {
				return err
			}
			w.NewMessages = append(w.NewMessages, message)
			w.Entries = append(
				w.Entries,
				entry(by, "application.internal_note", w.Application, w.Application.State, now),
			)
		}
		w.Claim = nil
		action := map[Event]string{Approve: "application.approved", Decline: "application.declined"}[event]
		if err := w.move(by, action, now, event); err != nil {
			return err
		}
		w.Entries[len(w.Entries)-1].Digest = cmd.Digest[:]
		if w.NewGrant != nil {
			w.Entries = append(w.Entries, audit.Entry{
				Actor: by, Action: "grant.created", ObjectKind: "grant", ObjectID: w.NewGrant.ID.String(),
				To: string(GrantActive), Digest: cmd.Digest[:], At: now,
			})
			for _, i := range w.NewInstalments {
				w.Entries = append(w.Entries, audit.Entry{
					Actor: by, Action: "instalment.created", ObjectKind: "instalment", ObjectID: i.ID.String(),
					To: string(Payable), Digest: cmd.Digest[:], At: now,
				})
			}
		}
		return nil
	})
}

func validateDecide(outcome Verdict, text, note string) error {
	var bad []errs.Field
	if outcome != VerdictApprove && outcome != VerdictDecline {
		bad = append(
			bad,
			errs.Field{Field: "outcome", Code: CodeUnknownOutcome, Message: "An outcome is either approve or decline."},
		)
	}
	if outcome == VerdictDecline && text == "" {
		bad = append(bad, errs.Field{Field: "message", Code: errs.CodeRequired, Message: "Tell the operator why."})
	}
	if f := checkMessage("message", text); f != nil && text != "" {
		bad = append(bad, *f)
	}
	if f := checkMessage("note", note); f != nil && note != "" {
		bad = append(bad, *f)
	}
	return errs.InvalidFields(bad)
}

// award makes the grant and its one instalment, and commits the satoshi.
func (s *Service) award(w *Work, f fund.Fund, now time.Time) error {
	a := w.Application
	if w.Available < a.Amount {
		return errs.New(
			errs.Conflict,
			CodeTreasuryShort,
			"The treasury does not hold enough that is free for this grant. Nothing was decided and no money moved: fund the treasury, then decide again.",
		)
	}
	if w.Granted+a.Amount > f.Budget {
		return errs.New(
			errs.Conflict,
			CodeBudgetSpent,
			"The fund's budget does not cover this grant. Nothing was decided and no money moved.",
		)
	}
	key, err := s.dataKey(a)
	if err != nil {
		return err
	}
	text, err := key.Open(noteAAD(w.Decision.ID), w.Decision.Note)
	if err != nil {
		return err
	}
	note, err := decision.Parse(text)
	if err != nil {
		return err
	}
	if note.Digest() != w.Decision.Digest || note.SatMost != a.Amount || note.Grant != w.Decision.GrantID {
		return fmt.Errorf("decision %s: stored note does not match its row", w.Decision.ID)
	}
	if now.After(note.Until(1)) {
		return errs.New(
			errs.Conflict,
			CodeWindowOver,
			"The time in which this revision may be paid is over, and no signer would pay it. Nothing was decided and no money moved: ask the operator to revise the application.",
		)
	}
	w.NewGrant = &Grant{
		ID: note.Grant, ApplicationID: a.ID, FundID: a.FundID, Reference: a.Reference, Designation: a.Designation,
		State: GrantActive, Amount: note.Most(), Version: 1, CreatedAt: now,
	}
	for period := 1; period <= note.Periods; period++ {
		if err := s.owe(w, note, string(text), period, now); err != nil {
			return err
		}
	}
	return nil
}

// owe makes one period of an approved decision a payment that is owed.
func (s *Service) owe(w *Work, note decision.Note, text string, period int, now time.Time) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	payee := note.Payee(period)
	w.NewInstalments = append(w.NewInstalments, Instalment{
		ID:           id,
		GrantID:      note.Grant,
		Period:       period,
		DecisionID:   note.Decision,
		Digest:       w.Decision.Digest,
		Note:         text,
		PayeeScript:  payee.Script,
		PayeeAddress: payee.Address,
		Amount:       note.SatMost,
		DueAt:        note.Due(period),
		UntilAt:      note.Until(period),
		State:        Payable,
		Version:      1,
		CreatedAt:    now,
		ChangedAt:    now,
	})
	w.Transfers = append(
		w.Transfers,
		ledger.Move(ledger.KindCommit, id.String(), ledger.Available, ledger.Committed, note.SatMost, now),
	)
	return nil
}

// update runs fn under the application's lock and takes the version on.
func (s *Service) update(
	ctx context.Context,
	id uuid.UUID,
	fn func(w *Work, now time.Time) error,
) (Application, error) {
	now := s.now()
	defer s.counted.changed()
	return s.cfg.Store.UpdateApplication(ctx, id, now, func(w *Work) error { return fn(w, now) })
}

// move takes the application along events and records it under action.
func (w *Work) move(by identity.Actor, action string, now time.Time, events ...Event) error {
	from := w.Application.State
	for _, e := range events {
		before := w.Application.State
		next, err := before.Next(e)
		if err != nil {
			return err
		}
		w.Application.State = next
		if e == Open && len(events) > 1 {
			w.Entries = append(w.Entries, entry(by, "application.opened", w.Application, before, now))
			from = next
		}
	}
	w.Entries = append(w.Entries, entry(by, action, w.Application, from, now))
	return nil
}

func openIfNew(w *Work) []Event {
	if w.Application.State == Submitted {
		return []Event{Open}
	}
	return nil
}

func notClaimedByOther(w *Work, by identity.Actor) error {
	if w.Claim == nil || w.Claim.StaffID == by.StaffID {
		return nil
	}
	err := errs.Newf(
		errs.Conflict,
		CodeClaimedByOther,
		"%s is working on this one. Nothing was changed: take another, or wait until the claim ends.",
		w.Claim.StaffName,
	)
	err.Params = map[string]string{"name": w.Claim.StaffName, "until": w.Claim.ExpiresAt.Format(time.RFC3339)}
	return err
}

func staleDigest() error {
	return errs.New(
		errs.Conflict,
		errs.CodeStaleDigest,
		"The application was revised after you opened it. Nothing of yours was saved: read the new revision first.",
	)
}

func (s *Service) sealVote(w *Work, by identity.Actor, v Verdict, note string, now time.Time) (Vote, error) {
	id, err := s.newID()
	if err != nil {
		return Vote{}, err
	}
	vote := Vote{
		ID: id, ApplicationID: w.Application.ID, Revision: w.Application.Revision, Digest: w.Decision.Digest,
		StaffID: by.StaffID, Verdict: v, AuthKind: AuthLogin, CreatedAt: now,
	}
	if note == "" {
		return vote, nil
	}
	key, err := s.dataKey(w.Application)
	if err != nil {
		return Vote{}, err
	}
	vote.Note, err = key.Seal(voteNoteAAD(id), []byte(note))
	return vote, err
}
