package api

import (
	"context"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// GetFund answers GET /v1/fund.
func (h *Handlers) GetFund(ctx context.Context, _ GetFundRequestObject) (GetFundResponseObject, error) {
	f, err := h.cfg.Grants.Fund(ctx)
	if err != nil {
		return nil, err
	}
	out := GetFund200JSONResponse{
		Name: f.Name, Network: f.Network, MinAmountSat: int64(f.MinAmount), MaxAmountSat: int64(f.MaxAmount),
		ApprovalsRequired: int32(f.Quorum), PolicyVersion: f.PolicyVersion, //nolint:gosec // a number of people
		PaidConfirmations: f.PaidDepth, FinalConfirmations: f.FinalDepth,
	}
	for _, p := range claim.Protocols() {
		out.Protocols = append(out.Protocols, Protocol(p))
	}
	return out, nil
}

// SubmitApplication answers POST /v1/applications.
func (h *Handlers) SubmitApplication(
	ctx context.Context,
	r SubmitApplicationRequestObject,
) (SubmitApplicationResponseObject, error) {
	receipt, err := h.cfg.Grants.Submit(ctx, r.Params.IdempotencyKey, proposal(r.Body))
	if err != nil {
		return nil, err
	}
	//nolint:gosec // counts up by one
	out := SubmitApplication201JSONResponse{Body: Receipt{
		ReceiptCode: receipt.Code,
		Reference:   receipt.Reference,
		State:       ApplicationState(receipt.State),
		Revision: int32(
			receipt.Revision,
		),
		ApplicationSha256: receipt.ApplicationSHA256,
	}}
	out.Headers.Location = location(ownPath)
	return out, nil
}

// ownPath is where an operator's own application is read.
const ownPath = "/v1/application"

// GetOwnApplication answers GET /v1/application.
func (h *Handlers) GetOwnApplication(
	ctx context.Context,
	_ GetOwnApplicationRequestObject,
) (GetOwnApplicationResponseObject, error) {
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	return GetOwnApplication200JSONResponse(own), nil
}

// own returns the application of the request's receipt.
func (h *Handlers) own(ctx context.Context) (OwnApplication, error) {
	s, err := h.cfg.Grants.Status(ctx, receiptFrom(ctx))
	if err != nil {
		return OwnApplication{}, err
	}
	a := s.Application
	//nolint:gosec // counts up by one
	out := OwnApplication{
		Reference:         a.Reference,
		State:             ApplicationState(a.State),
		Revision:          int32(a.Revision),
		SubmittedAt:       a.SubmittedAt,
		Title:             optional(s.Body.Title),
		AmountSat:         int64(a.Amount),
		PayoutAddress:     s.Body.PayoutAddress,
		PaidConfirmations: s.PaidDepth,
		Purged:            s.Purged,
		Timeline:          events(s.History),
		Messages:          messages(s.Messages),
		Payments:          make([]Payment, 0, len(s.Payments)),
	}
	for _, p := range s.Payments {
		p.BatchNumber = 0 // how the fund groups payments is not the operator's to know
		out.Payments = append(out.Payments, payment(p))
	}
	return out, nil
}

// AddOwnMessage answers POST /v1/application/messages.
func (h *Handlers) AddOwnMessage(
	ctx context.Context,
	r AddOwnMessageRequestObject,
) (AddOwnMessageResponseObject, error) {
	_, err := makeOnce(
		ctx,
		h,
		"addOwnMessage",
		r.Params.IdempotencyKey,
		r,
		func(ctx context.Context) (grant.Application, error) {
			return h.cfg.Grants.Reply(ctx, receiptFrom(ctx), r.Body.Text)
		},
		func(context.Context, []uuid.UUID) (grant.Application, error) {
			return grant.Application{}, nil // it is read below, as after the first call
		},
	)
	if err != nil {
		return nil, err
	}
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	out := AddOwnMessage201JSONResponse{Body: own}
	out.Headers.Location = location(ownPath)
	return out, nil
}

// ReviseApplication answers PUT /v1/application.
func (h *Handlers) ReviseApplication(
	ctx context.Context,
	r ReviseApplicationRequestObject,
) (ReviseApplicationResponseObject, error) {
	if _, err := h.cfg.Grants.Revise(ctx, receiptFrom(ctx), proposal(r.Body)); err != nil {
		return nil, err
	}
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	return ReviseApplication200JSONResponse(own), nil
}

// WithdrawApplication answers POST /v1/application/withdraw.
func (h *Handlers) WithdrawApplication(
	ctx context.Context,
	_ WithdrawApplicationRequestObject,
) (WithdrawApplicationResponseObject, error) {
	if _, err := h.cfg.Grants.Withdraw(ctx, receiptFrom(ctx)); err != nil {
		return nil, err
	}
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	return WithdrawApplication200JSONResponse(own), nil
}
