package web

import (
	"bytes"
	"net/http"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// unjoined lists the payments whose approvals a restore has lost, each with the payable
// instalments that it can be: the same script and the same amount.
func (s *Site) unjoined(v *visit) ([]views.Unjoined, error) {
	if !v.by.Can(identity.PermBatchRead) {
		return nil, nil
	}
	list, err := s.cfg.Payouts.Unjoined(v.ctx(), v.by)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var payable []payout.Item
	if v.by.Can(identity.PermBatchApprove) {
		if payable, err = s.cfg.Payouts.Payable(v.ctx(), v.by); err != nil {
			return nil, err
		}
	}
	var out []views.Unjoined
	for _, p := range list {
		view := views.Unjoined{
			OutPoint:  p.OutPoint.String(),
			Number:    batchNumber(p.Number),
			URL:       "/batches/" + p.BatchID.String(),
			State:     string(p.State),
			Address:   p.Address,
			AmountSat: int64(p.Amount),
			FoundAt:   p.FoundAt,
			Separate:  p.Separate,
			CanJoin:   v.by.Can(identity.PermBatchApprove) && p.State != payout.Voided,
		}
		for _, it := range payable {
			if it.Amount == p.Amount && bytes.Equal(it.Script, p.Script) {
				view.Same = append(view.Same, views.Option{Value: it.InstalmentID.String(), Label: it.Reference})
			}
		}
		out = append(out, view)
	}
	return out, nil
}

// postJoin says that a payment which was approved again is one that a batch has made.
func (s *Site) postJoin(v *visit) error {
	op, err := unjoinedOf(v)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(v.posted("instalment"))
	if err != nil {
		return errs.New(
			errs.Malformed,
			errs.CodeMalformedForm,
			"The form does not say which payment it is. Nothing was changed: load the page again.",
		)
	}
	_, err = s.cfg.Payouts.JoinPayment(v.ctx(), v.by, op, id)
	return s.refuseHere(v, err, func(*views.Treasury) {})
}

// postSeparate says that later payments to its address are others.
func (s *Site) postSeparate(v *visit) error {
	op, err := unjoinedOf(v)
	if err != nil {
		return err
	}
	reason := v.posted("why")
	_, err = s.cfg.Payouts.SeparatePayment(v.ctx(), v.by, op, reason)
	keep := func(t *views.Treasury) {
		for i := range t.Unjoined {
			if t.Unjoined[i].OutPoint == op.String() {
				t.Unjoined[i].Reason = reason
			}
		}
	}
	if bad := fieldErrors(err); len(bad) > 0 { // a coin's lock has a field of the same name on this page
		v.page.Flash = &views.Flash{Tone: "bad", Msg: views.Msg{Text: bad[0].Message}}
		return s.showTreasury(v, http.StatusUnprocessableEntity, keep)
	}
	return s.refuseHere(v, err, keep)
}

func unjoinedOf(v *visit) (wire.OutPoint, error) {
	op, err := wire.NewOutPointFromString(v.posted("outpoint"))
	if err != nil {
		return wire.OutPoint{}, errs.Wrap(
			err,
			errs.NotFound,
			errs.CodeUnjoinedNotFound,
			"There is no such payment. Nothing was changed.",
		)
	}
	return *op, nil
}
