package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// ListUnjoined answers GET /v1/unjoined.
func (h *Handlers) ListUnjoined(ctx context.Context, r ListUnjoinedRequestObject) (ListUnjoinedResponseObject, error) {
	list, err := h.cfg.Payouts.Unjoined(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	byBatch := func(p payout.UnjoinedPayment) string { return sortable(int64(p.Number)) + p.OutPoint.String() }
	list, next, err := pageOf("unjoined", list, paging{r.Params.Cursor, r.Params.Limit}, grant.MaxPage, byBatch)
	if err != nil {
		return nil, err
	}
	out := ListUnjoined200JSONResponse{
		Body: UnjoinedPage{Items: make([]UnjoinedPayment, 0, len(list)), NextCursor: optional(next)},
	}
	for _, p := range list {
		out.Body.Items = append(out.Body.Items, unjoinedPayment(p))
	}
	out.Headers.Link = linkTo("/v1/unjoined", r.Params.Limit, next)
	return out, nil
}

func unjoinedPayment(p payout.UnjoinedPayment) UnjoinedPayment {
	return UnjoinedPayment{
		Outpoint:    p.OutPoint.String(),
		BatchId:     p.BatchID,
		BatchNumber: int64(p.Number),
		BatchState:  BatchState(p.State),
		Address:     p.Address,
		AmountSat:   int64(p.Amount),
		Decision:    p.Paid.Note.String(),
		Period:      int32(p.Paid.Period), //nolint:gosec // at most decision.MaxPeriods
		FoundAt:     p.FoundAt,
		Separate:    optional(p.Separate),
	}
}

// JoinUnjoined answers POST /v1/unjoined/{outpoint}/join.
func (h *Handlers) JoinUnjoined(ctx context.Context, r JoinUnjoinedRequestObject) (JoinUnjoinedResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	p, err := h.cfg.Payouts.JoinPayment(ctx, actorFrom(ctx), op, r.Body.InstalmentId)
	if err != nil {
		return nil, err
	}
	out := unjoinedPayment(p)
	out.InstalmentId = &r.Body.InstalmentId
	return JoinUnjoined200JSONResponse(out), nil
}

// SeparateUnjoined answers POST /v1/unjoined/{outpoint}/separate.
func (h *Handlers) SeparateUnjoined(
	ctx context.Context,
	r SeparateUnjoinedRequestObject,
) (SeparateUnjoinedResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	p, err := h.cfg.Payouts.SeparatePayment(ctx, actorFrom(ctx), op, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return SeparateUnjoined200JSONResponse(unjoinedPayment(p)), nil
}
