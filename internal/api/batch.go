package api

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/grant"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/txbuild"
)

const (
	maxWaitSeconds     = 30
	defaultWaitSeconds = 25
)

// ListBatches answers GET /v1/batches.
func (h *Handlers) ListBatches(ctx context.Context, r ListBatchesRequestObject) (ListBatchesResponseObject, error) {
	limit, err := pageLimit(r.Params.Limit, grant.MaxPage)
	if err != nil {
		return nil, err
	}
	before, err := batchCursor(value(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	list, next, err := h.cfg.Payouts.Batches(ctx, actorFrom(ctx), before, limit)
	if err != nil {
		return nil, err
	}
	cursor := ""
	if next > 0 {
		cursor = strconv.FormatUint(uint64(next), 10)
	}
	out := ListBatches200JSONResponse{Body: BatchPage{Items: make([]BatchSummary, 0, len(list)), NextCursor: optional(cursor)}}
	for _, b := range list {
		out.Body.Items = append(out.Body.Items, batchSummary(b))
	}
	out.Headers.Link = nextLink("/v1/batches", url.Values{"limit": {strconv.Itoa(limit)}}, cursor)
	return out, nil
}

// batchCursor reads the number of the last batch seen.
func batchCursor(text string) (uint32, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, errs.New(errs.Malformed, "bad_cursor", "The cursor is not one of ours. Start from the first page.")
	}
	return uint32(n), nil
}

func orderOf(o *Order) payout.Order {
	return payout.Order{
		InstalmentIDs: o.InstalmentIds, FeeRateSatVB: o.FeeSatVb,
		MaxFeeRateSatVB: value(o.MaxFeerateSatVb), MaxFeeSat: value(o.MaxFeeSat),
	}
}

// DryRunBatch answers POST /v1/batches/dry-run.
func (h *Handlers) DryRunBatch(ctx context.Context, r DryRunBatchRequestObject) (DryRunBatchResponseObject, error) {
	p, err := h.cfg.Payouts.DryRun(ctx, actorFrom(ctx), orderOf(r.Body))
	if err != nil {
		return nil, err
	}
	return DryRunBatch200JSONResponse{
		Payees: int32(len(p.Items)), TotalSat: int64(p.Total), FeeSat: int64(p.Fee), FeeSatVb: p.Order.FeeRateSatVB, //nolint:gosec // payout.MaxPayees
		FeePerMill: p.FeePerMill, MaxFeerateSatVb: p.Order.MaxFeeRateSatVB, MaxFeeSat: p.Order.MaxFeeSat,
		ChangeSat: int64(p.Change), AvailableAfterSat: int64(p.FreeAfter), Transaction: transaction(p.Summary, nil, false),
	}, nil
}

// ComposeBatch answers POST /v1/batches.
func (h *Handlers) ComposeBatch(ctx context.Context, r ComposeBatchRequestObject) (ComposeBatchResponseObject, error) {
	b, err := h.cfg.Payouts.Compose(ctx, actorFrom(ctx), orderOf(r.Body))
	if err != nil {
		return nil, err
	}
	out := ComposeBatch201JSONResponse{Body: batchSummary(b)}
	location := "/v1/batches/" + b.ID.String()
	out.Headers.ETag, out.Headers.Location = etag(b.Version), &location
	return out, nil
}

// GetBatch answers GET /v1/batches/{id}.
func (h *Handlers) GetBatch(ctx context.Context, r GetBatchRequestObject) (GetBatchResponseObject, error) {
	b, err := h.batch(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	out := GetBatch200JSONResponse{Body: b}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// ApproveBatch answers POST /v1/batches/{id}/approve.
func (h *Handlers) ApproveBatch(ctx context.Context, r ApproveBatchRequestObject) (ApproveBatchResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	digest, err := grant.DecisionDigest("digest", r.Body.Digest)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.Approve(ctx, actorFrom(ctx), r.Id, version, digest)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := ApproveBatch200JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// CancelBatch answers POST /v1/batches/{id}/cancel.
func (h *Handlers) CancelBatch(ctx context.Context, r CancelBatchRequestObject) (CancelBatchResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.Cancel(ctx, actorFrom(ctx), r.Id, version)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := CancelBatch200JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

// WatchBatch answers GET /v1/batches/{id}/watch. It holds no lock and no
// connection while it waits.
func (h *Handlers) WatchBatch(ctx context.Context, r WatchBatchRequestObject) (WatchBatchResponseObject, error) {
	wait := int32(defaultWaitSeconds)
	if r.Params.WaitS != nil {
		wait = *r.Params.WaitS
	}
	if wait < 0 || wait > maxWaitSeconds {
		return nil, outOfRange("wait_s", 0, maxWaitSeconds)
	}
	deadline := time.NewTimer(time.Duration(wait) * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(h.cfg.PollEvery)
	defer poll.Stop()
	for waiting := true; ; {
		record, err := h.cfg.Payouts.Batch(ctx, actorFrom(ctx), r.Id)
		if err != nil {
			return nil, err
		}
		if !waiting || watchToken(record) != r.Params.Since {
			return h.watched(ctx, record)
		}
		select {
		case <-poll.C:
		case <-deadline.C:
			waiting = false
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h *Handlers) watched(ctx context.Context, record payout.Record) (WatchBatchResponseObject, error) {
	b, err := h.batchOf(ctx, record)
	if err != nil {
		return nil, err
	}
	out := WatchBatch200JSONResponse{Body: b}
	out.Headers.ETag = etag(b.Version)
	return out, nil
}

func (h *Handlers) batch(ctx context.Context, id uuid.UUID) (Batch, error) {
	record, err := h.cfg.Payouts.Batch(ctx, actorFrom(ctx), id)
	if err != nil {
		return Batch{}, err
	}
	return h.batchOf(ctx, record)
}

func batchSummary(b payout.Batch) BatchSummary {
	return BatchSummary{
		Id: b.ID, Number: int64(b.Number), State: string(b.State), Version: b.Version, Digest: b.Digest.String(),
		Payees: int32(b.Payees), TotalSat: int64(b.Total), //nolint:gosec // payout.MaxPayees
		FeeSatVb: b.FeeRateSatVB, MaxFeerateSatVb: b.MaxFeeRateSatVB, MaxFeeSat: int64(b.MaxFee),
		LastError: optional(b.LastError), CreatedAt: b.CreatedAt, CreatedBy: optional(b.ComposerName),
	}
}

// current returns the attempt that the chain holds, else the newest.
func current(attempts []payout.Attempt) *payout.Attempt {
	if len(attempts) == 0 {
		return nil
	}
	for i := range attempts {
		if attempts[i].Height > 0 {
			return &attempts[i]
		}
	}
	return &attempts[len(attempts)-1]
}

func confirmations(a *payout.Attempt, tip payout.Tip) int32 {
	if a == nil || a.Height <= 0 || tip.Height < a.Height {
		return 0
	}
	return tip.Height - a.Height + 1
}

// watchToken changes with everything that a watcher wants to see.
func watchToken(r payout.Record) string {
	return fmt.Sprintf("%d.%d.%d", r.Batch.Version, len(r.Attempts), confirmations(current(r.Attempts), r.Tip))
}

func nextAction(s payout.State) string {
	switch s {
	case payout.Composed:
		return "approve"
	case payout.Conflicted:
		return "investigate"
	case payout.Final, payout.Cancelled:
		return "none"
	case payout.Approved, payout.Built, payout.Signing, payout.Signed, payout.Announced, payout.Mined, payout.Paid:
		return "wait"
	}
	return "investigate"
}

func (h *Handlers) batchOf(ctx context.Context, r payout.Record) (Batch, error) {
	sum := batchSummary(r.Batch)
	out := Batch{
		Id: sum.Id, Number: sum.Number, State: sum.State, Version: sum.Version, Digest: sum.Digest,
		FeeSatVb: sum.FeeSatVb, MaxFeerateSatVb: sum.MaxFeerateSatVb, MaxFeeSat: sum.MaxFeeSat,
		LastError: sum.LastError, CreatedAt: sum.CreatedAt, CreatedBy: sum.CreatedBy,
		Payees:     int32(len(r.Items)), //nolint:gosec // payout.MaxPayees
		WatchToken: watchToken(r), Note: r.Batch.Note, NextAction: nextAction(r.Batch.State), Events: events(r.History),
		Items: make([]BatchItem, 0, len(r.Items)), Approvals: make([]BatchApproval, 0, len(r.Approvals)), Attempts: make([]Attempt, 0, len(r.Attempts)),
	}
	now := current(r.Attempts)
	for _, it := range r.Items {
		out.TotalSat += int64(it.Amount)
		out.Items = append(out.Items, BatchItem{
			InstalmentId: it.InstalmentID, GrantId: it.GrantID, Reference: it.Reference, Designation: it.Designation,
			PayoutAddress: it.Address, AmountSat: int64(it.Amount), DecisionDigest: it.Digest.String(), State: string(it.State),
			Vout: voutOf(now, it.InstalmentID),
		})
	}
	for _, a := range r.Approvals {
		out.Approvals = append(out.Approvals, BatchApproval{By: a.StaffName, Digest: a.Digest.String(), At: a.CreatedAt})
	}
	for _, a := range r.Attempts {
		out.Attempts = append(out.Attempts, attempt(a))
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
	out.Height, out.Confirmations = optional(now.Height), confirmations(now, r.Tip)
	return out, nil
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

func attempt(a payout.Attempt) Attempt {
	out := Attempt{
		Number: int32(a.No), Txid: a.TxID.String(), FeeSat: int64(a.Fee), Weight: a.Weight, Signed: len(a.Raw) > 0, //nolint:gosec // counts up by one
		Height: optional(a.Height), CreatedAt: a.CreatedAt, Events: make([]AttemptEvent, 0, len(a.Events)),
	}
	for _, e := range a.Events {
		out.Events = append(out.Events, AttemptEvent{At: e.At, Event: e.Event, Detail: optional(e.Detail)})
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
		out.Inputs = append(out.Inputs, TxInput{Txid: in.OutPoint.Hash.String(), Vout: int64(in.OutPoint.Index), AmountSat: int64(in.Amount), Address: in.Address})
	}
	for vout, o := range s.Outputs {
		out.Outputs = append(out.Outputs, TxOutput{Vout: int64(vout), Address: o.Address, AmountSat: int64(o.Amount), Change: o.IsChange})
	}
	return out
}
