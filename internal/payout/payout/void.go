package payout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// VoidLapse is how long a request to take a batch back waits for a second person.
const VoidLapse = 24 * time.Hour

// LapsesAt is when the request ends if nobody has agreed to it.
func (v Void) LapsesAt() time.Time { return v.AskedAt.Add(VoidLapse) }

// Agreed reports whether a second person has agreed: only then the batch is taken
// back. A request alone changes nothing about a batch.
func (v *Void) Agreed() bool { return v != nil && v.ApprovedBy != nil }

// Lapsed reports whether nobody has agreed in time.
func (v *Void) Lapsed(now time.Time) bool {
	return v != nil && !v.Agreed() && !now.Before(v.LapsesAt())
}

// Bump asks for a higher feerate of a batch that waits for a block; the worker adds
// an attempt that replaces the newest one. It is built on trial, and what cannot be
// had is refused here. Conflict: stale_version, wrong_state, at_limit, fee_limit,
// raised_too_often, breaker_open; Invalid invalid_fields, and those of txbuild.Build.
func (s *Service) Bump(ctx context.Context, by identity.Actor, id uuid.UUID, version, feeRateSatVB int64) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	fnd, holdings, err := s.surroundings(ctx)
	if err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if len(w.Attempts) > 0 && w.Attempts[len(w.Attempts)-1].lacksNotes() {
			return approvalsLost()
		}
		f := w.family(fnd)
		if err := f.waitsForBlock(); err != nil {
			return err
		}
		if err := calm(holdings); err != nil {
			return err
		}
		if err := f.raise().check(feeRateSatVB); err != nil {
			return err
		}
		if _, err := f.replacement(f.newest().Kind, feeRateSatVB, Evicted{}, nil, holdings); err != nil {
			return err
		}
		w.Batch.WantedSatVB = feeRateSatVB
		w.note(by, "batch.bump_asked", now)
		return nil
	})
}

// waitsForBlock refuses to raise what is not out, and a payment that two people have
// agreed to take back.
func (f family) waitsForBlock() error {
	state := f.batch.State
	if state != Announced && (state != Voiding || f.newest().Kind != Voids || f.newest().Height != 0) {
		return errs.New(errs.Conflict, "wrong_state", "Only a batch that waits for a block can pay more. Nothing was changed.")
	}
	return nil
}

// raiseOf is how far the batch's fee can be raised; nil when it does not wait for a
// block.
func raiseOf(f family) *Raise {
	if len(f.attempts) == 0 || f.waitsForBlock() != nil {
		return nil
	}
	r := f.raise()
	return &r
}

// surroundings are what a trial needs beside the batch itself. They are read before the
// batch is locked, since no use case asks the store again while it holds a transaction.
func (s *Service) surroundings(ctx context.Context) (fund.Fund, Holdings, error) {
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return fund.Fund{}, Holdings{}, err
	}
	h, err := s.cfg.Store.Holdings(ctx)
	return f, h, err
}

// VoidOrder asks to take a batch back after a signer was asked.
type VoidOrder struct {
	Reason       string
	CancelIDs    []uuid.UUID // payments that shall not be made at all; the others become payable again
	FeeRateSatVB int64       // of the void; 0: a quarter above the newest attempt, where that can be had
}

const maxReason = 500

// AskVoid freezes a void as a canonical note. It is built on trial, and refused with
// the figure when it cannot be had. Until another person has approved it nothing is
// changed: the batch is announced and raised as before, and the request lapses after
// VoidLapse. Conflict: stale_version, wrong_state, already_voiding; Invalid
// invalid_fields, fee_above_cap, and the others of txbuild.Build.
func (s *Service) AskVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, o VoidOrder) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	f, holdings, err := s.surroundings(ctx)
	if err != nil {
		return Batch{}, err
	}
	params, err := f.Params()
	if err != nil {
		return Batch{}, err
	}
	voidID, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return Batch{}, fmt.Errorf("draw void id: %w", err)
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if w.Void != nil && !w.Void.Lapsed(now) {
			return errs.New(errs.Conflict, "already_voiding", "Taking this batch back was asked for already. Nothing was changed.")
		}
		if !w.Batch.State.waits() {
			return errs.New(errs.Conflict, "wrong_state", "A batch can be taken back while its transaction waits for a block. Before that it is cancelled; after that it is paid. Nothing was changed.")
		}
		if w.Void != nil {
			w.lapse(by, now)
		}
		if err := o.complete(w); err != nil {
			return err
		}
		plan, err := w.family(f).trialVoid(&o, holdings)
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
		w.NewVoid = &Void{
			ID: voidID, BatchID: w.Batch.ID, Note: string(text), Digest: note.Digest(), FeeRateSatVB: o.FeeRateSatVB, Fee: plan.Fee,
			Reason: o.Reason, CancelIDs: o.CancelIDs, AskedBy: by.StaffID, AskedAt: now,
		}
		w.note(by, "batch.void_asked", now)
		return nil
	})
}

// trialVoid builds the void that was asked for, and fills in its feerate.
func (f family) trialVoid(o *VoidOrder, h Holdings) (*txbuild.Plan, error) {
	newest := f.rate(f.newest())
	asked := cmp.Or(o.FeeRateSatVB, newest+newest/4+1)
	plan, err := f.replacement(Voids, asked, Evicted{}, nil, h)
	if errs.CodeOf(err) == "fee_above_cap" {
		refused := errs.Newf(errs.Invalid, "fee_above_cap", "Taking this batch back would cost more than the %d sat that were approved for it. Nothing was asked for.", int64(f.batch.MaxFee))
		var e *errs.Error
		if errors.As(err, &e) && e.Params["fee_sat"] != "" {
			refused.Message = fmt.Sprintf("Taking this batch back would cost at least %s sat, and %d sat are the most that was approved for it. Nothing was asked for.", e.Params["fee_sat"], int64(f.batch.MaxFee))
			refused.Params = map[string]string{"fee_sat": e.Params["fee_sat"], "limit": strconv.FormatInt(int64(f.batch.MaxFee), 10)}
		}
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if most := int64(f.batch.MaxFee) * 4 / plan.Weight; o.FeeRateSatVB > most {
		return nil, errs.InvalidFields([]errs.Field{{
			Field: "fee_sat_vb", Code: "out_of_range", Message: fmt.Sprintf("The feerate is at most %d sat/vB, which makes the %d sat that were approved for this batch.", most, int64(f.batch.MaxFee)),
			Params: map[string]string{"limit": strconv.FormatInt(most, 10)},
		}})
	}
	o.FeeRateSatVB = max(min(asked, int64(plan.FeeRate)/1000), 1)
	return plan, nil
}

// complete checks a void order.
func (o *VoidOrder) complete(w *Work) error {
	var bad []errs.Field
	o.Reason = strings.TrimSpace(o.Reason)
	if n := utf8.RuneCountInString(o.Reason); n == 0 || n > maxReason {
		bad = append(bad, errs.Field{Field: "reason", Code: "required", Message: "Say in up to 500 characters why the batch is taken back."})
	}
	for _, id := range o.CancelIDs {
		if !slices.ContainsFunc(w.Items, func(it Item) bool { return it.InstalmentID == id }) {
			bad = append(bad, errs.Field{Field: "cancel_ids", Code: "unknown", Message: "A payment to cancel is not in this batch."})
			break
		}
	}
	if o.FeeRateSatVB < 0 {
		bad = append(bad, errs.Field{Field: "fee_sat_vb", Code: "out_of_range", Message: "The feerate is 1 sat/vB or more."})
	}
	return errs.InvalidFields(bad)
}

// ApproveVoid is a second person's yes to the void's digest: from then on the batch
// is being taken back, and the worker signs the void. Conflict: stale_version,
// stale_digest, wrong_state, void_lapsed; Forbidden second_person.
func (s *Service) ApproveVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, digest decision.Digest) (Batch, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
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
		case !w.Batch.State.waits():
			return errs.New(errs.Conflict, "wrong_state", "The batch does not wait for a block any more, so it cannot be taken back. Nothing was changed.")
		}
		w.VoidApproval = &Approval{Digest: digest, StaffID: by.StaffID, CreatedAt: now}
		if err := w.move(by, Voiding, "batch.void_approved", now); err != nil {
			return err
		}
		w.Entries[len(w.Entries)-1].Digest = digest[:] // of what was agreed to, not of the batch
		return nil
	})
}

// WithdrawVoid ends a request to take a batch back that nobody has agreed to: any
// treasurer may. Conflict: stale_version, wrong_state.
func (s *Service) WithdrawVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		switch {
		case w.Batch.Version != version:
			return staleVersion(w.Batch.Version)
		case w.Void.Agreed():
			return errs.New(errs.Conflict, "wrong_state", "Another treasurer has agreed to take the batch back, so that cannot be withdrawn any more. Nothing was changed.")
		case w.Void == nil || w.Void.Lapsed(now):
			return nothingAsked()
		}
		w.EndVoid = &VoidEnd{How: VoidWithdrawn, By: &by.StaffID, At: now}
		w.note(by, "batch.void_withdrawn", now)
		return nil
	})
}

func nothingAsked() error {
	return errs.New(errs.Conflict, "wrong_state", "Nobody asks to take this batch back now. Nothing was changed.")
}

// lapse ends a request to which nobody has agreed in time.
func (w *Work) lapse(by identity.Actor, now time.Time) {
	w.EndVoid = &VoidEnd{How: VoidLapsed, At: now}
	w.note(by, "batch.void_lapsed", now)
}

// lapse ends the requests to take a batch back that nobody has agreed to in time.
func (c *Conductor) lapse(ctx context.Context) error {
	now := c.now()
	ids, err := c.cfg.Store.LapsedVoids(ctx, now.Add(-VoidLapse))
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, err := c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, id, now, func(w *Work) error {
			if w.Void.Lapsed(now) {
				w.lapse(c.by, now)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// PaidAfterCancel reports whether an instalment was to be cancelled with the batch
// and is in a block all the same: the payment was mined before the void.
func (r Record) PaidAfterCancel(instalment uuid.UUID) bool {
	if !r.Void.Agreed() || !slices.Contains(r.Void.CancelIDs, instalment) {
		return false
	}
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool {
		return a.Height > 0 && slices.ContainsFunc(a.Outputs, func(o AttemptOutput) bool { return o.InstalmentID != nil && *o.InstalmentID == instalment })
	})
}
