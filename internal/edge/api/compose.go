package api

import (
	"context"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

func orderOf(o *Order) (treasurer.Order, error) {
	coins, bad := outPoints("coins", value(o.Coins))
	bad = append(bad, atLeastOne("max_feerate_sat_kvb", o.MaxFeerateSatKvb)...)
	bad = append(bad, atLeastOne("max_fee_sat", o.MaxFeeSat)...)
	bad = append(bad, atLeastOne("deadline_blocks", o.DeadlineBlocks)...)
	return treasurer.Order{
		InstalmentIDs:    o.InstalmentIds,
		FeeRateSatKVB:    o.FeerateSatKvb,
		MaxFeeRateSatKVB: value(o.MaxFeerateSatKvb),
		MaxFeeSat:        value(o.MaxFeeSat),
		DeadlineBlocks:   value(o.DeadlineBlocks),
		Coins:            coins,
	}, errs.InvalidFields(bad)
}

// atLeastOne refuses a zero that was written down: to the domain it would mean
// that the field was left out.
func atLeastOne[T int32 | int64](field string, v *T) []errs.Field {
	if v == nil || *v != 0 {
		return nil
	}
	return []errs.Field{
		{
			Field:   field,
			Code:    errs.CodeOutOfRange,
			Message: "must be at least 1, or left out",
			Params:  map[string]string{"min": "1"},
		},
	}
}

// outPoints reads coins as txid:vout.
func outPoints(field string, texts []string) ([]wire.OutPoint, []errs.Field) {
	var list []wire.OutPoint
	var bad []errs.Field
	for i, text := range texts {
		op, err := outPoint(text)
		if err != nil {
			bad = append(bad, notACoin(field+"["+strconv.Itoa(i)+"]"))
			continue
		}
		list = append(list, op)
	}
	return list, bad
}

func outPoint(text string) (wire.OutPoint, error) {
	op, err := wire.NewOutPointFromString(text)
	if err != nil {
		return wire.OutPoint{}, err
	}
	if op.String() != text {
		return wire.OutPoint{}, errs.New(errs.Malformed, CodeNotACoin, "The coin is not written as it must be.")
	}
	return *op, nil
}

func notACoin(field string) errs.Field {
	return errs.Field{
		Field:   field,
		Code:    CodeNotACoin,
		Message: "must be a txid in 64 small hex digits, a colon, and the number of an output",
	}
}

func outPointTexts(list []wire.OutPoint) *[]string {
	if len(list) == 0 {
		return nil
	}
	texts := make([]string, len(list))
	for i, op := range list {
		texts[i] = op.String()
	}
	return &texts
}

// PreviewBatch answers POST /v1/batch-previews.
func (h *Handlers) PreviewBatch(ctx context.Context, r PreviewBatchRequestObject) (PreviewBatchResponseObject, error) {
	o, err := orderOf(r.Body)
	if err != nil {
		return nil, err
	}
	p, err := h.cfg.Payouts.DryRun(ctx, actorFrom(ctx), o)
	if err != nil {
		return nil, err
	}
	out := PreviewBatch200JSONResponse{
		//nolint:gosec // payout.MaxOrder
		Payees: int32(
			len(p.Items),
		),
		TotalSat: int64(p.Total),
		Batches:  int32(p.Batches), //nolint:gosec // payout.MaxOrder
		FeeSat: int64(
			p.Fee,
		),
		FeerateSatKvb:    p.Order.FeeRateSatKVB,
		FeePermille:      p.FeePermille,
		MaxFeerateSatKvb: p.Order.MaxFeeRateSatKVB,
		MaxFeeSat:        p.Order.MaxFeeSat,
		HeadroomSat:      headroom(p),
		DeadlineBlocks:   p.Order.DeadlineBlocks,
		Weight:           p.Weight,
		ChangeSat: int64(
			p.Change,
		),
		AvailableAfterSat: int64(p.FreeAfter),
		Transaction:       transaction(p.Summary, nil, false),
		AtTargets: make(
			[]FeeAt,
			0,
			len(p.AtTargets),
		),
		Notes:    make([]Remark, 0, len(p.Notes)),
		Estimate: estimate(p.Estimate),
	}
	for _, t := range p.AtTargets {
		//nolint:gosec // a few blocks
		at := FeeAt{
			Blocks:        int32(t.Blocks),
			FeerateSatKvb: t.FeeRateSatKVB,
			Refused:       optional(t.Refused),
		}
		if t.Refused == "" {
			fee := int64(t.Fee)
			at.FeeSat, at.FeePermille = &fee, &t.FeePermille
		}
		out.AtTargets = append(out.AtTargets, at)
	}
	for _, n := range p.Notes {
		out.Notes = append(out.Notes, Remark{Code: n.Code, Text: n.Text})
	}
	return out, nil
}

// headroom is what is left between the fee and the tighter of its two limits.
func headroom(p treasurer.Preview) int64 {
	most := min(p.Order.MaxFeeSat, int64(txbuild.FeeRate(p.Order.MaxFeeRateSatKVB).Fee(p.Weight)))
	return max(most-int64(p.Fee), 0)
}

// ComposeBatch answers POST /v1/batches.
func (h *Handlers) ComposeBatch(ctx context.Context, r ComposeBatchRequestObject) (ComposeBatchResponseObject, error) {
	o, err := orderOf(r.Body)
	if err != nil {
		return nil, err
	}
	list, err := makeOnce(
		ctx,
		h,
		"composeBatch",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) ([]payout.Batch, error) {
			return h.cfg.Payouts.ComposeAll(ctx, actorFrom(ctx), o)
		},
		h.madeBatches,
	)
	if err != nil {
		return nil, err
	}
	out := ComposeBatch201JSONResponse{Body: ComposedBatches{Batches: make([]BatchSummary, 0, len(list))}}
	for _, b := range list {
		out.Body.Batches = append(out.Body.Batches, batchSummary(b))
	}
	if len(list) == 1 {
		out.Headers.ETag, out.Headers.Location = etag(list[0].Version), batchLocation(list[0])
	}
	return out, nil
}

// madeBatches returns the batches of an earlier call.
func (h *Handlers) madeBatches(ctx context.Context, made []uuid.UUID) ([]payout.Batch, error) {
	return h.cfg.Payouts.Made(ctx, actorFrom(ctx), made)
}

// madeBatch returns the batch of an earlier call.
func (h *Handlers) madeBatch(ctx context.Context, made []uuid.UUID) (payout.Batch, error) {
	list, err := h.madeBatches(ctx, made[:1])
	if err != nil {
		return payout.Batch{}, err
	}
	return list[0], nil
}

// ComposeUpkeep answers POST /v1/upkeep.
func (h *Handlers) ComposeUpkeep(
	ctx context.Context,
	r ComposeUpkeepRequestObject,
) (ComposeUpkeepResponseObject, error) {
	coins, bad := outPoints("coins", value(r.Body.Coins))
	bad = append(bad, atLeastOne("max_feerate_sat_kvb", r.Body.MaxFeerateSatKvb)...)
	bad = append(bad, atLeastOne("max_fee_sat", r.Body.MaxFeeSat)...)
	child := payout.Kind(r.Body.Kind) == payout.Child
	bad = append(bad, onlyFor(child, "child", "parent", r.Body.Parent != nil)...)
	bad = append(bad, onlyFor(payout.Kind(r.Body.Kind) == payout.Split, "split", "outputs", r.Body.Outputs != nil)...)
	if child && len(coins) > 0 {
		bad = append(
			bad,
			errs.Field{
				Field:   "coins",
				Code:    CodeNotWanted,
				Message: "A child spends the change of its parent: leave the coins out.",
			},
		)
	}
	if err := errs.InvalidFields(bad); err != nil {
		return nil, err
	}
	order := payout.UpkeepOrder{
		Kind:             payout.Kind(r.Body.Kind),
		Coins:            coins,
		Outputs:          int(value(r.Body.Outputs)),
		Parent:           value(r.Body.Parent),
		FeeRateSatKVB:    r.Body.FeerateSatKvb,
		MaxFeeRateSatKVB: value(r.Body.MaxFeerateSatKvb),
		MaxFeeSat:        value(r.Body.MaxFeeSat),
	}
	b, err := makeOnce(
		ctx,
		h,
		"composeUpkeep",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (payout.Batch, error) {
			return h.cfg.Payouts.ComposeUpkeep(ctx, actorFrom(ctx), order)
		},
		h.madeBatch,
	)
	if err != nil {
		return nil, err
	}
	out := ComposeUpkeep201JSONResponse{Body: batchSummary(b)}
	out.Headers.ETag, out.Headers.Location = etag(b.Version), batchLocation(b)
	return out, nil
}

// onlyFor holds a field that one kind of upkeep needs and the others do not have.
func onlyFor(is bool, kind, field string, present bool) []errs.Field {
	switch {
	case is && !present:
		return []errs.Field{
			{Field: field, Code: errs.CodeRequired, Message: strings.ToUpper(kind[:1]) + kind[1:] + " needs it."},
		}
	case !is && present:
		return []errs.Field{
			{Field: field, Code: CodeNotWanted, Message: "It goes with " + kind + " alone: leave it out."},
		}
	}
	return nil
}

func batchLocation(b payout.Batch) *string {
	return location("/v1/batches/" + b.ID.String())
}
