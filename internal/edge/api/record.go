package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

func batchSummary(b payout.Batch) BatchSummary {
	//nolint:gosec // payout.MaxOrder
	return BatchSummary{
		Id:                  b.ID,
		Kind:                BatchKind(b.Kind),
		Number:              int64(b.Number),
		State:               BatchState(b.State),
		Version:             b.Version,
		Digest:              b.Digest.String(),
		Payees:              int32(b.Payees),
		TotalSat:            int64(b.Total),
		FeerateSatKvb:       b.FeeRateSatKVB,
		MaxFeerateSatKvb:    b.MaxFeeRateSatKVB,
		MaxFeeSat:           int64(b.MaxFee),
		DeadlineBlocks:      b.DeadlineBlocks,
		Until:               b.Until,
		WantedFeerateSatKvb: optional(b.WantedSatKVB),
		LastError: optional(
			b.Trouble(),
		),
		Alarm:     optional(BatchAlarm(b.Alarm)),
		CreatedAt: b.CreatedAt,
		CreatedBy: optional(b.ComposerName),
	}
}

// watchToken changes with everything that a watcher wants to see.
func watchToken(r payout.Record) string {
	confirmations := int32(0)
	if now := r.Current(); now != nil {
		confirmations = now.Confirmations(r.Tip)
	}
	return fmt.Sprintf("%d.%d.%d", r.Batch.Version, len(r.Attempts), confirmations)
}

// nextAction is who has to act; the steps that the program takes by itself are one: wait.
func nextAction(next payout.Next) NextAction {
	switch next {
	case payout.NextApprove, payout.NextSign, payout.NextApproveVoid, payout.NextInvestigate, payout.NextNone:
		return NextAction(next)
	case payout.NextBuild, payout.NextSigner, payout.NextBroadcast, payout.NextBlock, payout.NextDepth:
	}
	return NextActionWait
}

func (h *Handlers) batchOf(ctx context.Context, r payout.Record) (Batch, error) {
	status, err := h.signaturesOf(ctx, r)
	if err != nil {
		return Batch{}, err
	}
	sum := batchSummary(r.Batch)
	out := Batch{
		Id:                  sum.Id,
		Kind:                sum.Kind,
		Number:              sum.Number,
		State:               sum.State,
		Version:             sum.Version,
		Digest:              sum.Digest,
		FeerateSatKvb:       sum.FeerateSatKvb,
		MaxFeerateSatKvb:    sum.MaxFeerateSatKvb,
		MaxFeeSat:           sum.MaxFeeSat,
		DeadlineBlocks:      sum.DeadlineBlocks,
		WantedFeerateSatKvb: sum.WantedFeerateSatKvb,
		LastError:           sum.LastError,
		Alarm:               sum.Alarm,
		CreatedAt:           sum.CreatedAt,
		CreatedBy:           sum.CreatedBy,
		Payees:              int32(len(r.Items)),              //nolint:gosec // payout.MaxOrder
		Outputs:             optional(int32(r.Batch.Outputs)), //nolint:gosec // decision.MaxUpkeepOutputs
		Coins:               outPointTexts(r.Batch.Chosen),
		Void:                void(r.Void),
		Raise:               raise(r.Raise),
		WatchToken:          watchToken(r),
		Note:                r.Batch.Note,
		NextAction:          nextAction(r.Next(status)),
		Events:              events(r.History),
		Items: make(
			[]BatchItem,
			0,
			len(r.Items),
		),
		Approvals: make([]BatchApproval, 0, len(r.Approvals)),
		Attempts:  make([]Attempt, 0, len(r.Attempts)),
	}
	if status != nil {
		waits := signatures(*status)
		out.Signatures = &waits
	}
	now := r.Current()
	for _, it := range r.Items {
		out.TotalSat += int64(it.Amount)
		out.Items = append(out.Items, BatchItem{
			InstalmentId:    it.InstalmentID,
			GrantId:         it.GrantID,
			Reference:       it.Reference,
			Designation:     it.Designation,
			PayoutAddress:   it.Address,
			AmountSat:       int64(it.Amount),
			DecisionDigest:  it.Digest.String(),
			Period:          int32(it.Period), //nolint:gosec // at most decision.MaxPeriods
			State:           InstalmentState(it.State),
			Standing:        Standing(grant.StandingOf(it.State, string(r.Batch.State), r.Batch.Alarm != "")),
			Vout:            voutOf(now, it.InstalmentID),
			PaidAfterCancel: optional(r.PaidAfterCancel(it)),
		})
	}
	for _, a := range r.Approvals {
		out.Approvals = append(
			out.Approvals,
			BatchApproval{By: a.StaffName, Digest: a.Digest.String(), At: a.CreatedAt},
		)
	}
	for i, a := range r.Attempts {
		out.Attempts = append(out.Attempts, attempt(a, r.Fate(i)))
	}
	if now == nil {
		return out, nil
	}
	summary, err := h.cfg.Payouts.Describe(ctx, *now)
	if err != nil {
		return Batch{}, fmt.Errorf("decode attempt %d of batch %s: %w", now.No, r.Batch.ID, err)
	}
	tx := transaction(summary, now.PSBT, len(now.Raw) > 0)
	txid, fee := now.TxID.String(), int64(now.Fee)
	out.Transaction, out.Txid, out.FeeSat = &tx, &txid, &fee
	out.Height, out.Confirmations = optional(now.Height), now.Confirmations(r.Tip)
	out.ConfirmationsNeeded = optional(r.Batch.State.ConfirmationsNeeded(r.Fund))
	return out, nil
}

// signaturesOf returns who has signed, or nil when nothing waits for that.
func (h *Handlers) signaturesOf(ctx context.Context, r payout.Record) (*payout.SignatureStatus, error) {
	if len(r.Attempts) == 0 || len(r.Attempts[len(r.Attempts)-1].Raw) > 0 {
		return nil, nil // none is waited for
	}
	status, err := h.cfg.Payouts.Signatures(ctx, r)
	if errs.KindOf(err) == errs.Conflict {
		return nil, nil // as above
	}
	if err != nil {
		return nil, err
	}
	return &status, nil
}

func signatures(s payout.SignatureStatus) Signatures {
	//nolint:gosec // keys of a treasury
	return Signatures{
		Needed:             int32(s.Needed),
		Total:              int32(s.Total),
		Signed:             orEmpty(s.Signed),
		Missing:            int32(s.Missing),
		PsbtWithoutPrevTxs: s.Bare,
	}
}

func void(v *payout.Void) *Void {
	if v == nil {
		return nil
	}
	out := &Void{
		Note:          v.Note,
		Digest:        v.Digest.String(),
		FeerateSatKvb: v.FeeRateSatKVB,
		FeeSat:        int64(v.Fee),
		Reason:        v.Reason,
		CancelIds:     orEmpty(v.CancelIDs),
		AskedBy:       v.AskedByName,
		AskedAt:       v.AskedAt,
		ApprovedBy:    optional(v.ApproverName),
		ApprovedAt:    v.ApprovedAt,
	}
	if !v.Agreed() {
		out.LapsesAt = optional(v.LapsesAt())
	}
	return out
}

func raise(r *payout.Raise) *Raise {
	if r == nil {
		return nil
	}
	out := &Raise{CurrentSatKvb: r.CurrentSatKVB, LeastSatKvb: r.LeastSatKVB, MostSatKvb: r.MostSatKVB}
	var e *errs.Error
	if errors.As(r.Refused, &e) {
		code := string(e.Code)
		out.Code, out.Refused = &code, &e.Message
	}
	return out
}

func voutOf(a *payout.Attempt, instalment uuid.UUID) *int64 {
	if a == nil {
		return nil
	}
	for _, o := range a.Outputs {
		if o.InstalmentID != nil && *o.InstalmentID == instalment {
			vout := int64(o.Vout)
			return &vout
		}
	}
	return nil
}

func attempt(a payout.Attempt, fate payout.Fate) Attempt {
	//nolint:gosec // counts up by one
	out := Attempt{
		Number: int32(
			a.No,
		),
		Kind:          AttemptKind(a.Kind),
		Fate:          Fate(fate),
		Txid:          a.TxID.String(),
		FeeSat:        int64(a.Fee),
		FeerateSatKvb: a.FeeRateSatKVB(),
		Weight:        a.Weight,
		Signed:        len(a.Raw) > 0,
		Height:        optional(a.Height),
		CreatedAt:     a.CreatedAt,
		Signatures:    make([]PartialSignature, 0, len(a.Partial)),
		Events:        make([]AttemptEvent, 0, len(a.Events)),
	}
	if height, ok := a.Broadcast(); ok {
		out.BroadcastHeight = optional(height)
	}
	for _, s := range a.Partial {
		out.Signatures = append(
			out.Signatures,
			PartialSignature{Keys: orEmpty(strings.Fields(s.Source)), By: optional(s.Name), At: s.At},
		)
	}
	for _, e := range a.Events {
		out.Events = append(
			out.Events,
			AttemptEvent{At: e.At, Event: e.Event, Detail: optional(e.Detail), Height: optional(e.Height)},
		)
	}
	return out
}

func transaction(s txbuild.Summary, psbt []byte, signed bool) Transaction {
	out := Transaction{
		Txid: s.TxID.String(), Signed: signed, FeeSat: int64(s.Fee), Weight: s.Weight, Vsize: s.VSize,
		Inputs: make([]TxInput, 0, len(s.Inputs)), Outputs: make([]TxOutput, 0, len(s.Outputs)),
	}
	if len(psbt) > 0 {
		out.Psbt = &psbt
	}
	for _, in := range s.Inputs {
		out.Inputs = append(
			out.Inputs,
			TxInput{
				Txid:      in.OutPoint.Hash.String(),
				Vout:      int64(in.OutPoint.Index),
				AmountSat: int64(in.Amount),
				Address:   in.Address,
			},
		)
	}
	for vout, o := range s.Outputs {
		out.Outputs = append(
			out.Outputs,
			TxOutput{Vout: int64(vout), Address: o.Address, AmountSat: int64(o.Amount), Change: o.IsChange},
		)
	}
	return out
}
