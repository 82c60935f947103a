package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
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
func (h *Handlers) SubmitApplication(ctx context.Context, r SubmitApplicationRequestObject) (SubmitApplicationResponseObject, error) {
	receipt, err := h.cfg.Grants.Submit(ctx, r.Params.IdempotencyKey, proposal(r.Body))
	if err != nil {
		return nil, err
	}
	return SubmitApplication201JSONResponse{
		ReceiptCode: receipt.Code, Reference: receipt.Reference, State: string(receipt.State),
		Revision: int32(receipt.Revision), ApplicationSha256: receipt.ApplicationSHA256, //nolint:gosec // counts up by one
	}, nil
}

// GetStatus answers GET /v1/status.
func (h *Handlers) GetStatus(ctx context.Context, _ GetStatusRequestObject) (GetStatusResponseObject, error) {
	s, err := h.cfg.Grants.Status(ctx, receiptFrom(ctx))
	if err != nil {
		return nil, err
	}
	a := s.Application
	out := GetStatus200JSONResponse{
		Reference: a.Reference, State: string(a.State), Revision: int32(a.Revision), SubmittedAt: a.SubmittedAt, //nolint:gosec // counts up by one
		Title: optional(s.Body.Title), AmountSat: int64(a.Amount), PayoutAddress: s.Body.PayoutAddress,
		PaidConfirmations: s.PaidDepth, Purged: s.Purged,
		Timeline: events(s.History), Messages: messages(s.Messages), Payments: make([]Payment, 0, len(s.Payments)),
	}
	for _, p := range s.Payments {
		p.BatchNumber = 0 // how the fund groups payments is not the operator's to know
		out.Payments = append(out.Payments, payment(p))
	}
	return out, nil
}

// AddStatusMessage answers POST /v1/status/messages.
func (h *Handlers) AddStatusMessage(ctx context.Context, r AddStatusMessageRequestObject) (AddStatusMessageResponseObject, error) {
	a, err := h.cfg.Grants.Reply(ctx, receiptFrom(ctx), r.Body.Text)
	if err != nil {
		return nil, err
	}
	return AddStatusMessage201JSONResponse(change(a)), nil
}

// ReviseApplication answers PUT /v1/status/application.
func (h *Handlers) ReviseApplication(ctx context.Context, r ReviseApplicationRequestObject) (ReviseApplicationResponseObject, error) {
	a, err := h.cfg.Grants.Revise(ctx, receiptFrom(ctx), proposal(r.Body))
	if err != nil {
		return nil, err
	}
	return ReviseApplication200JSONResponse(change(a)), nil
}

// WithdrawApplication answers POST /v1/status/withdraw.
func (h *Handlers) WithdrawApplication(ctx context.Context, _ WithdrawApplicationRequestObject) (WithdrawApplicationResponseObject, error) {
	a, err := h.cfg.Grants.Withdraw(ctx, receiptFrom(ctx))
	if err != nil {
		return nil, err
	}
	return WithdrawApplication200JSONResponse(change(a)), nil
}
