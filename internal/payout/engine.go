package payout

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/audit"
	"github.com/causeway-fund/causeway/internal/books"
	"github.com/causeway-fund/causeway/internal/certificate"
	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/identity"
)

// Bump asks for a higher feerate of a batch that waits for a block; the worker adds
// an attempt that replaces the newest one. The highest feerate that was approved
// stays the limit. Conflict: stale_version, wrong_state; Invalid invalid_fields.
func (s *Service) Bump(ctx context.Context, by identity.Actor, id uuid.UUID, version, feeRateSatVB int64) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if w.Batch.State != Announced && w.Batch.State != Voiding {
			return errs.New(errs.Conflict, "wrong_state", "Only a batch that waits for a block can pay more. Nothing was changed.")
		}
		if w.Attempts[len(w.Attempts)-1].lacksNotes() {
			return approvalsLost()
		}
		current := w.Attempts[len(w.Attempts)-1].FeeRateSatVB()
		if feeRateSatVB <= current || feeRateSatVB > w.Batch.MaxFeeRateSatVB {
			return errs.InvalidFields([]errs.Field{{
				Field: "fee_sat_vb", Code: "out_of_range", Message: fmt.Sprintf("The new feerate is from %d, which is more than it pays now, to the approved %d sat/vB.", current+1, w.Batch.MaxFeeRateSatVB),
				Params: map[string]string{"least": strconv.FormatInt(current+1, 10), "limit": strconv.FormatInt(w.Batch.MaxFeeRateSatVB, 10)},
			}})
		}
		w.Batch.WantedSatVB = feeRateSatVB
		w.note(by, "batch.bump_asked", now)
		return nil
	})
}

// VoidOrder asks to take a batch back after a signer was asked.
type VoidOrder struct {
	Reason       string
	CancelIDs    []uuid.UUID // payments that shall not be made at all; the others become payable again
	FeeRateSatVB int64       // of the void; 0: a quarter above the newest attempt
}

const maxReason = 500

// AskVoid freezes a void as a canonical note. Nothing is signed until another
// person has approved it, and the batch may be paid until the void is final.
// Conflict: stale_version, wrong_state, already_voiding; Invalid invalid_fields.
func (s *Service) AskVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, o VoidOrder) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	fund, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return Batch{}, err
	}
	params, err := fund.Params()
	if err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		if w.Batch.Version != version {
			return staleVersion(w.Batch.Version)
		}
		if w.Void != nil {
			return errs.New(errs.Conflict, "already_voiding", "Taking this batch back was asked for already.")
		}
		if !w.Batch.State.waits() {
			return errs.New(errs.Conflict, "wrong_state", "A batch can be taken back while its transaction waits for a block. Before that it is cancelled; after that it is paid. Nothing was changed.")
		}
		if err := o.complete(w); err != nil {
			return err
		}
		note := decision.VoidNote{
			Network: decision.NetworkOf(params), Batch: w.Batch.ID, Number: w.Batch.Number, Note: w.Batch.Digest,
			MaxFeeRateSatVB: w.Batch.MaxFeeRateSatVB, MaxFee: w.Batch.MaxFee,
		}
		text := note.Encode()
		if _, err := decision.ParseVoid(text); err != nil {
			return err
		}
		w.NewVoid = &Void{
			BatchID: w.Batch.ID, Note: string(text), Digest: note.Digest(), FeeRateSatVB: o.FeeRateSatVB, Reason: o.Reason, CancelIDs: o.CancelIDs,
			AskedBy: by.StaffID, AskedAt: now,
		}
		return w.move(by, Voiding, "batch.void_asked", now)
	})
}

// complete checks a void order and fills in its feerate.
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
	newest := w.Attempts[len(w.Attempts)-1].FeeRateSatVB()
	if o.FeeRateSatVB == 0 {
		o.FeeRateSatVB = min(newest+newest/4+1, w.Batch.MaxFeeRateSatVB)
	}
	if o.FeeRateSatVB < 1 || o.FeeRateSatVB > w.Batch.MaxFeeRateSatVB {
		bad = append(bad, errs.Field{Field: "fee_sat_vb", Code: "out_of_range", Message: fmt.Sprintf("The feerate is from 1 to the approved %d sat/vB.", w.Batch.MaxFeeRateSatVB)})
	}
	return errs.InvalidFields(bad)
}

// ApproveVoid is a second person's yes to the void's digest; the worker then signs
// it. Conflict: stale_version, stale_digest, wrong_state; Forbidden second_person.
func (s *Service) ApproveVoid(ctx context.Context, by identity.Actor, id uuid.UUID, version int64, digest decision.Digest) (Batch, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return Batch{}, err
	}
	now := s.now()
	return s.change(ctx, id, now, func(w *Work) error {
		switch {
		case w.Batch.Version != version:
			return staleVersion(w.Batch.Version)
		case w.Void == nil || w.Void.ApprovedBy != nil:
			return errs.New(errs.Conflict, "wrong_state", "There is nothing to approve here. Nothing was changed.")
		case w.Void.Digest != digest:
			return errs.New(errs.Conflict, "stale_digest", "This is not the digest of the void. Nothing was approved.")
		case w.Void.AskedBy == by.StaffID:
			return errs.New(errs.Forbidden, "second_person", "You asked for this, so another treasurer has to agree. Nothing was changed.")
		}
		w.VoidApproval = &Approval{Digest: digest, StaffID: by.StaffID, CreatedAt: now}
		w.note(by, "batch.void_approved", now)
		w.Entries[len(w.Entries)-1].Digest = digest[:] // of what was agreed to, not of the batch
		return nil
	})
}

// PaidAfterCancel reports whether an instalment was to be cancelled with the batch
// and is in a block all the same: the payment was mined before the void.
func (r Record) PaidAfterCancel(instalment uuid.UUID) bool {
	if r.Void == nil || !slices.Contains(r.Void.CancelIDs, instalment) {
		return false
	}
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool {
		return a.Height > 0 && slices.ContainsFunc(a.Outputs, func(o AttemptOutput) bool { return o.InstalmentID != nil && *o.InstalmentID == instalment })
	})
}

// LockCoin keeps a coin out of every new batch until it is unlocked. Errors as of
// Store.LockCoin; Invalid invalid_fields without a reason.
func (s *Service) LockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint, reason string) error {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > 200 {
		return errs.InvalidFields([]errs.Field{{Field: "reason", Code: "required", Message: "Say in up to 200 characters why the coin is locked."}})
	}
	return s.cfg.Store.LockCoin(ctx, op, reason, by.StaffID, coinEntry(by, "coin.locked", op, s))
}

// UnlockCoin lets a coin into new batches again. Errors as of Store.UnlockCoin.
func (s *Service) UnlockCoin(ctx context.Context, by identity.Actor, op wire.OutPoint) error {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return err
	}
	return s.cfg.Store.UnlockCoin(ctx, op, by.StaffID, coinEntry(by, "coin.unlocked", op, s))
}

func coinEntry(by identity.Actor, action string, op wire.OutPoint, s *Service) audit.Entry {
	return audit.Entry{Actor: by, Action: action, ObjectKind: "coin", ObjectID: op.String(), At: s.now()}
}

// FeeShares divides an attempt's fee among its payments by the weight of their
// outputs, for reports alone.
func (a Attempt) FeeShares() (map[uuid.UUID]btcutil.Amount, error) {
	var ids []*uuid.UUID // nil: a payment that only a signer's journal knows
	var weights []int64
	for _, o := range a.Outputs {
		if o.ChangeIndex == nil {
			ids, weights = append(ids, o.InstalmentID), append(weights, books.OutputWeight(o.Script))
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // nobody is paid
	}
	parts, err := books.FeeShares(a.Fee, weights)
	if err != nil {
		return nil, err
	}
	shares := make(map[uuid.UUID]btcutil.Amount, len(ids))
	for i, id := range ids {
		if id != nil {
			shares[*id] = parts[i]
		}
	}
	return shares, nil
}

// Payments returns the payments of blocks from one time until another, oldest
// first, for accountants and wallets.
func (s *Service) Payments(ctx context.Context, by identity.Actor, from, until time.Time) ([]books.Payment, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return nil, err
	}
	return s.cfg.Store.Payments(ctx, from, until)
}

// certificateHeaders is how many headers a certificate shows when they are there.
const certificateHeaders = 100

// Certificate returns the proof of a payment that anyone can check off-line.
// NotFound not_paid; Conflict proof_missing.
func (s *Service) Certificate(ctx context.Context, by identity.Actor, instalment uuid.UUID) (certificate.Certificate, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return certificate.Certificate{}, err
	}
	p, err := s.cfg.Store.Proof(ctx, instalment, certificateHeaders)
	if err != nil {
		return certificate.Certificate{}, err
	}
	note, err := decision.Parse([]byte(p.Item.Note))
	if err != nil {
		return certificate.Certificate{}, err
	}
	return certificate.Build(certificate.Parts{
		Note: note, Reference: p.Item.Reference, BatchDigest: p.BatchDigest, Vout: p.Vout, Height: p.Height, Inclusion: p.Inclusion, IssuedAt: s.now(),
	}, certificate.Options{})
}
