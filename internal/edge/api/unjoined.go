package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// ListUnjoined answers GET /v1/unjoined.
func (h *Handlers) ListUnjoined(ctx context.Context, _ ListUnjoinedRequestObject) (ListUnjoinedResponseObject, error) {
	list, err := h.cfg.Payouts.Unjoined(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	out := ListUnjoined200JSONResponse{Payments: make([]UnjoinedPayment, 0, len(list))}
	for _, p := range list {
		out.Payments = append(out.Payments, unjoinedPayment(p))
	}
	return out, nil
}

func unjoinedPayment(p payout.UnjoinedPayment) UnjoinedPayment {
	return UnjoinedPayment{
		Outpoint: p.OutPoint.String(), BatchId: p.BatchID, BatchNumber: int64(p.Number), BatchState: string(p.State), Address: p.Address,
		AmountSat: int64(p.Amount), Decision: p.Decision.String(), FoundAt: p.FoundAt, Separate: optional(p.Separate),
	}
}

// JoinUnjoined answers POST /v1/unjoined/{outpoint}/join.
func (h *Handlers) JoinUnjoined(ctx context.Context, r JoinUnjoinedRequestObject) (JoinUnjoinedResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	if err := h.cfg.Payouts.JoinPayment(ctx, actorFrom(ctx), op, r.Body.InstalmentId); err != nil {
		return nil, err
	}
	return JoinUnjoined204Response{}, nil
}

// SeparateUnjoined answers POST /v1/unjoined/{outpoint}/separate.
func (h *Handlers) SeparateUnjoined(ctx context.Context, r SeparateUnjoinedRequestObject) (SeparateUnjoinedResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	if err := h.cfg.Payouts.SeparatePayment(ctx, actorFrom(ctx), op, r.Body.Reason); err != nil {
		return nil, err
	}
	return SeparateUnjoined204Response{}, nil
}
