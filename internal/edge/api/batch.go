package api

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
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
	before, err := openNumber("batches", r.Params.Cursor, math.MaxUint32)
	if err != nil {
		return nil, err
	}
	//nolint:gosec // as bounded above
	list, next, err := h.cfg.Payouts.Batches(
		ctx,
		actorFrom(ctx),
		payout.BatchFilter{Before: uint32(before)},
		limit,
	)
	if err != nil {
		return nil, err
	}
	cursor := ""
	if next > 0 {
		cursor = newCursor("batches", strconv.FormatUint(uint64(next), 10))
	}
	out := ListBatches200JSONResponse{
		Body: BatchPage{Items: make([]BatchSummary, 0, len(list)), NextCursor: optional(cursor)},
	}
	for _, b := range list {
		out.Body.Items = append(out.Body.Items, batchSummary(b))
	}
	out.Headers.Link = linkTo("/v1/batches", r.Params.Limit, cursor)
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
