package treasurer

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Bump asks for a higher feerate of a batch that waits for a block; the worker adds
// an attempt that replaces the newest one. It is built on trial, and what cannot be
// had is refused here. Conflict: stale_version, wrong_state, at_limit, fee_limit,
// raised_too_often, breaker_open; Invalid invalid_fields, and those of txbuild.Build.
func (s *Service) Bump(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	version, feeRateSatKVB int64,
) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return s.changeSeen(ctx, id, now, version, func(l *payout.Locked) error {
		if err := l.CanAskRaise(); err != nil {
			return err
		}
		f := plan.FamilyOf(l.Record())
		if err := payout.Calm(holdings); err != nil {
			return err
		}
		if err := f.Raise().Check(feeRateSatKVB); err != nil {
			return err
		}
		if _, err := f.Replacement(f.Newest().Kind, feeRateSatKVB, payout.Evicted{}, nil, holdings); err != nil {
			return err
		}
		return l.AskRaise(by, feeRateSatKVB)
	})
}

// raiseOf is how far the batch's fee can be raised; nil when it does not wait for a
// block.
func raiseOf(r payout.Record) *payout.Raise {
	if r.WaitsForBlock() != nil {
		return nil
	}
	raise := plan.FamilyOf(r).Raise()
	return &raise
}

// AskVoid freezes a void as a canonical note. It is built on trial, and refused with
// the figure when it cannot be had. Until another person has approved it nothing is
// changed: the batch is broadcast and raised as before, and the request lapses after
// VoidLapse. Conflict: stale_version, wrong_state, already_voiding; Invalid
// invalid_fields, fee_above_cap, and the others of txbuild.Build.
func (s *Service) AskVoid(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	version int64,
	o payout.VoidOrder,
) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	voidID, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return payout.Batch{}, fmt.Errorf("draw void id: %w", err)
	}
	now := s.now()
	return s.changeSeen(ctx, id, now, version, func(l *payout.Locked) error {
		if err := l.CanAskVoid(); err != nil {
			return err
		}
		r, o := l.Record(), o // this may run again, and begins with what was asked for
		if err := o.Complete(r.Items); err != nil {
			return err
		}
		params, err := r.Fund.Params()
		if err != nil {
			return err
		}
		built, err := plan.FamilyOf(r).TrialVoid(&o, holdings)
		if err != nil {
			return err
		}
		note := decision.VoidNote{
			Network: decision.NetworkOf(
				params,
			),
			Fund:   r.Fund.ID,
			Batch:  id,
			Number: r.Batch.Number,
			Note:   r.Batch.Digest,
			Until:  decision.UntilFrom(now),
			MaxFee: r.Batch.MaxFee,
		}
		text := note.Encode()
		if _, err := decision.ParseVoid(text); err != nil {
			return err
		}
		return l.AskVoid(by, payout.Void{
			ID:            voidID,
			BatchID:       id,
			Note:          string(text),
			Digest:        note.Digest(),
			FeeRateSatKVB: o.FeeRateSatKVB,
			Fee:           built.Fee,
			Reason:        o.Reason,
			CancelIDs:     o.CancelIDs,
			AskedBy:       by.StaffID,
			AskedAt:       now,
		})
	})
}

// ApproveVoid is a second person's yes to the void's digest: from then on the batch
// is being taken back, and the worker signs the void. Conflict: stale_version,
// stale_digest, wrong_state, void_lapsed; Forbidden second_person.
func (s *Service) ApproveVoid(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	version int64,
	digest decision.Digest,
) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return payout.Batch{}, err
	}
	return s.changeSeen(ctx, id, s.now(), version, func(l *payout.Locked) error {
		return l.AgreeVoid(by, digest)
	})
}

// WithdrawVoid ends a request to take a batch back that nobody has agreed to: any
// treasurer may. Conflict: stale_version, wrong_state.
func (s *Service) WithdrawVoid(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	version int64,
) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	return s.changeSeen(ctx, id, s.now(), version, func(l *payout.Locked) error {
		return l.WithdrawVoid(by)
	})
}
