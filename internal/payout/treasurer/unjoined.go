package treasurer

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Unjoined lists the payments that a signer's journal names and this database has no
// approval for, by batch.
func (s *Service) Unjoined(ctx context.Context, by identity.Actor) ([]payout.UnjoinedPayment, error) {
	if err := by.Require(identity.PermBatchRead); err != nil {
		return nil, err
	}
	return s.unjoined(ctx)
}

func (s *Service) unjoined(ctx context.Context) ([]payout.UnjoinedPayment, error) {
	fund, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return nil, err
	}
	params, err := fund.Params()
	if err != nil {
		return nil, err
	}
	list, err := s.cfg.Store.Unjoined(ctx)
	for i := range list {
		list[i].Address = wallet.AddressOf(list[i].Script, params)
	}
	return list, err
}

// JoinPayment says that an instalment which was approved again is the payment that a
// batch made before the database was restored: it stands where the batch stands, and
// is not paid again. Script and amount must be the same. It returns the payment, which
// is no longer an unjoined one. Errors: NotFound unjoined_not_found; Conflict
// not_payable, not_the_same, batch_voided.
func (s *Service) JoinPayment(
	ctx context.Context,
	by identity.Actor,
	op wire.OutPoint,
	instalment uuid.UUID,
) (payout.UnjoinedPayment, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return payout.UnjoinedPayment{}, err
	}
	now := s.now()
	var joined payout.UnjoinedPayment
	err := s.cfg.Store.JoinPayment(ctx, op, instalment, now, func(j *payout.Join) error {
		p, it := j.Payment, j.Item
		joined, joined.Address = p, it.Address // the scripts are the same, as is seen below
		switch {
		case p.State == payout.Voided:
			return errs.New(
				errs.Conflict,
				errs.CodeBatchVoided,
				"That batch was taken back and paid nobody. Pay the new approval instead. Nothing was changed.",
			)
		case it.State != grant.Payable && it.State != grant.Held:
			return errs.Newf(
				errs.Conflict,
				errs.CodeNotPayable,
				"%s is %s: only a payment that is in no batch can be joined. Nothing was changed.",
				it.Reference,
				it.State,
			)
		case it.Amount != p.Amount || !bytes.Equal(it.Script, p.Script):
			return errs.Newf(
				errs.Conflict,
				CodeNotTheSame,
				"Batch %d paid %d sat to another address or another amount than %s asks for. Nothing was changed.",
				p.Number,
				int64(p.Amount),
				it.Reference,
			)
		}
		ids := []uuid.UUID{it.InstalmentID}
		from := it.State
		for _, to := range pathTo(p.State) {
			if from == grant.Held && to != grant.Payable {
				j.Hops = append(j.Hops, payout.Hop{IDs: ids, From: from, To: grant.Payable})
				from = grant.Payable
			}
			j.Hops = append(j.Hops, payout.Hop{IDs: ids, From: from, To: to})
			from = to
		}
		// The approval set the sum aside a second time: the batch had taken it from what was free.
		j.Transfers = []ledger.Transfer{
			ledger.Move(ledger.KindAdopt, it.InstalmentID.String(), ledger.Committed, ledger.Available, it.Amount, now),
		}
		j.Entry = audit.Entry{
			Actor:      by,
			Action:     "payment.joined",
			ObjectKind: "unjoined",
			ObjectID:   op.String(),
			Digest:     p.Paid.Note[:],
			At:         now,
			Detail: map[string]string{
				"instalment": it.InstalmentID.String(),
				"batch":      p.BatchID.String(),
				"period":     strconv.Itoa(p.Paid.Period),
			},
		}
		return nil
	})
	if err != nil {
		return payout.UnjoinedPayment{}, err
	}
	return joined, nil
}

// pathTo is the way of an instalment from payable to where its batch stands.
func pathTo(s payout.State) []grant.InstalmentState {
	all := []grant.InstalmentState{grant.Allocated, grant.MaybePaid, grant.Mined, grant.Paid, grant.Final}
	switch s {
	case payout.Mined:
		return all[:3]
	case payout.Paid:
		return all[:4]
	case payout.Final:
		return all
	case payout.Composed,
		payout.Approved,
		payout.Built,
		payout.Signing,
		payout.Signed,
		payout.Broadcast,
		payout.Cancelled,
		payout.Conflicted,
		payout.Voiding,
		payout.Voided:
	}
	return all[:2]
}

// SeparatePayment says that an unjoined payment stands for itself: whoever is paid at
// its address from now on is owed that as well. It returns the payment. Errors: NotFound
// unjoined_not_found; Conflict already_separate; Invalid invalid_fields without a reason.
func (s *Service) SeparatePayment(
	ctx context.Context,
	by identity.Actor,
	op wire.OutPoint,
	reason string,
) (payout.UnjoinedPayment, error) {
	if err := by.Require(identity.PermBatchApprove); err != nil {
		return payout.UnjoinedPayment{}, err
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > payout.MaxReason {
		return payout.UnjoinedPayment{}, errs.InvalidFields(
			[]errs.Field{
				{
					Field:   "reason",
					Code:    errs.CodeRequired,
					Message: "Say in up to 500 characters why the two payments have nothing to do with each other.",
				},
			},
		)
	}
	e := audit.Entry{Actor: by, Action: "payment.separated", ObjectKind: "unjoined", ObjectID: op.String(), At: s.now()}
	if err := s.cfg.Store.SeparatePayment(ctx, op, reason, by.StaffID, e); err != nil {
		return payout.UnjoinedPayment{}, err
	}
	list, err := s.unjoined(ctx)
	if err != nil {
		return payout.UnjoinedPayment{}, err
	}
	at := slices.IndexFunc(list, func(p payout.UnjoinedPayment) bool { return p.OutPoint == op })
	if at < 0 {
		return payout.UnjoinedPayment{}, errs.New(
			errs.NotFound,
			errs.CodeUnjoinedNotFound,
			"Somebody has since joined the payment that was marked as a different one.",
		)
	}
	return list[at], nil
}
