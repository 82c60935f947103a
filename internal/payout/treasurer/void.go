package treasurer

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Bump asks for a higher feerate of a batch that waits for a block; the worker adds
// an attempt that replaces the newest one. It is built on trial, and what cannot be
// had is refused here. Conflict: stale_version, wrong_state, at_limit, fee_limit,
// raised_too_often, breaker_open; Invalid invalid_fields, and those of txbuild.Build.
func (s *Service) Bump(ctx context.Context, by identity.Actor, id uuid.UUID, version, feeRateSatVB int64) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	theFund, holdings, err := s.surroundings(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *payout.Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if len(w.Attempts) > 0 && w.Attempts[len(w.Attempts)-1].LacksNotes() {
			return payout.ApprovalsLost()
		}
		f := plan.LockedFamily(w, theFund)
		if err := f.WaitsForBlock(); err != nil {
			return err
		}
		if err := payout.Calm(holdings); err != nil {
			return err
		}
		if err := f.Raise().Check(feeRateSatVB); err != nil {
			return err
		}
		if _, err := f.Replacement(f.Newest().Kind, feeRateSatVB, payout.Evicted{}, nil, holdings); err != nil {
			return err
		}
		w.Batch.WantedSatVB = feeRateSatVB
		w.Note(by, "batch.bump_asked", now)
		return nil
	})
}

// raiseOf is how far the batch's fee can be raised; nil when it does not wait for a
// block.
func raiseOf(f plan.Family) *payout.Raise {
	if len(f.Attempts) == 0 || f.WaitsForBlock() != nil {
		return nil
	}
	r := f.Raise()
	return &r
}

// surroundings are what a trial needs beside the batch itself. They are read before the
// batch is locked, since no use case asks the store again while it holds a transaction.
func (s *Service) surroundings(ctx context.Context) (fund.Fund, payout.Holdings, error) {
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return fund.Fund{}, payout.Holdings{}, err
	}
	h, err := s.cfg.Store.Holdings(ctx)
	return f, h, err
}

// AskVoid freezes a void as a canonical note. It is built on trial, and refused with
// the figure when it cannot be had. Until another person has approved it nothing is
// changed: the batch is announced and raised as before, and the request lapses after
// VoidLapse. Conflict: stale_version, wrong_state, already_voiding; Invalid
// invalid_fields, fee_above_cap, and the others of txbuild.Build.
func (s *Service) AskVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, o payout.VoidOrder) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	f, holdings, err := s.surroundings(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	params, err := f.Params()
	if err != nil {
		return payout.Batch{}, err
	}
	voidID, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return payout.Batch{}, fmt.Errorf("draw void id: %w", err)
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *payout.Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if w.Void != nil && !w.Void.Lapsed(now) {
			return errs.New(errs.Conflict, "already_voiding", "Taking this batch back was asked for already. Nothing was changed.")
		}
		if !w.Batch.State.Waits() {
			return errs.New(errs.Conflict, "wrong_state", "A batch can be taken back while its transaction waits for a block. Before that it is cancelled; after that it is paid. Nothing was changed.")
		}
		if w.Void != nil {
			w.Lapse(by, now)
		}
		if err := o.Complete(w); err != nil {
			return err
		}
		built, err := plan.LockedFamily(w, f).TrialVoid(&o, holdings)
		if err != nil {
			return err
		}
		note := decision.VoidNote{
			Network: decision.NetworkOf(params), Batch: w.Batch.ID, Number: w.Batch.Number, Note: w.Batch.Digest, MaxFee: w.Batch.MaxFee,
		}
		text := note.Encode()
		if _, err := decision.ParseVoid(text); err != nil {
			return err
		}
		w.NewVoid = &payout.Void{
			ID: voidID, BatchID: w.Batch.ID, Note: string(text), Digest: note.Digest(), FeeRateSatVB: o.FeeRateSatVB, Fee: built.Fee,
			Reason: o.Reason, CancelIDs: o.CancelIDs, AskedBy: by.StaffID, AskedAt: now,
		}
		w.Note(by, "batch.void_asked", now)
		return nil
	})
}

// ApproveVoid is a second person's yes to the void's digest: from then on the batch
// is being taken back, and the worker signs the void. Conflict: stale_version,
// stale_digest, wrong_state, void_lapsed; Forbidden second_person.
func (s *Service) ApproveVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, digest decision.Digest) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *payout.Work) error {
		switch {
		case w.Batch.Version != version:
			return staleVersion(w.Batch.Version)
		case w.Void == nil || w.Void.Agreed():
			return nothingAsked()
		case w.Void.Lapsed(now):
			return errs.New(errs.Conflict, "void_lapsed", "Nobody agreed to this within 24 hours, so the request has lapsed. Nothing was changed: ask again.")
		case w.Void.Digest != digest:
			return errs.New(errs.Conflict, "stale_digest", "This is not the digest of the void. Nothing was approved.")
		case w.Void.AskedBy == by.StaffID:
			return errs.New(errs.Forbidden, "second_person", "You asked for this, so another treasurer has to agree. Nothing was changed.")
		case !w.Batch.State.Waits():
			return errs.New(errs.Conflict, "wrong_state", "The batch does not wait for a block any more, so it cannot be taken back. Nothing was changed.")
		}
		w.VoidApproval = &payout.Approval{Digest: digest, StaffID: by.StaffID, CreatedAt: now}
		if err := w.Move(by, payout.Voiding, "batch.void_approved", now); err != nil {
			return err
		}
		w.Entries[len(w.Entries)-1].Digest = digest[:] // of what was agreed to, not of the batch
		return nil
	})
}

// WithdrawVoid ends a request to take a batch back that nobody has agreed to: any
// treasurer may. Conflict: stale_version, wrong_state.
func (s *Service) WithdrawVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *payout.Work) error {
		switch {
		case w.Batch.Version != version:
			return staleVersion(w.Batch.Version)
		case w.Void.Agreed():
			return errs.New(errs.Conflict, "wrong_state", "Another treasurer has agreed to take the batch back, so that cannot be withdrawn any more. Nothing was changed.")
		case w.Void == nil || w.Void.Lapsed(now):
			return nothingAsked()
		}
		w.EndVoid = &payout.VoidEnd{How: payout.VoidWithdrawn, By: &by.StaffID, At: now}
		w.Note(by, "batch.void_withdrawn", now)
		return nil
	})
}

func nothingAsked() error {
	return errs.New(errs.Conflict, "wrong_state", "Nobody asks to take this batch back now. Nothing was changed.")
}
