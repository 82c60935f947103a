package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/web/views"
)

// firstRate is the feerate that a new batch begins with, in sat/vB.
const firstRate = 2

func (s *Site) getCompose(v *visit) error {
	view := views.Compose{
		FeeSatVB:    strconv.FormatInt(min(firstRate, v.fund.MaxFeeRateSatVB), 10),
		MaxFeeSatVB: strconv.FormatInt(v.fund.MaxFeeRateSatVB, 10), MaxFeeSat: strconv.FormatInt(int64(v.fund.MaxFee), 10),
	}
	return s.showCompose(v, http.StatusOK, view, nil)
}

// showCompose draws the form; picked nil ticks everything that fits into a batch.
func (s *Site) showCompose(v *visit, status int, view views.Compose, picked []string) error {
	due, err := s.cfg.Payouts.Payable(v.ctx(), v.by)
	if err != nil {
		return err
	}
	treasury, err := s.cfg.Payouts.Treasury(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view.AvailableSat = int64(treasury.Balances[ledger.Available])
	for i, it := range due {
		if i == payout.MaxOrder {
			view.Truncated = int64(len(due) - i)
			break
		}
		row := views.ComposeRow{
			ID: it.InstalmentID.String(), Reference: it.Reference, Operator: it.Designation, Address: it.Address,
			AmountSat: int64(it.Amount), ApprovedAt: it.CreatedAt,
		}
		row.Checked = picked == nil || slices.Contains(picked, row.ID)
		if row.Checked {
			view.SelectedCount++
			view.SelectedSat += row.AmountSat
		}
		view.Due = append(view.Due, row)
	}
	return v.show(status, views.ComposePage(v.page, view))
}

// order reads the form. Only what is no number or no id is refused here.
func (v *visit) order() (payout.Order, views.Compose, []string) {
	picked := v.list("instalment")
	if picked == nil {
		picked = []string{}
	}
	view := views.Compose{FeeSatVB: v.posted("fee_sat_vb_typed"), MaxFeeSatVB: v.posted("max_feerate_sat_vb"), MaxFeeSat: v.posted("max_fee_sat")}
	var o payout.Order
	for _, text := range picked {
		id, err := uuid.Parse(text)
		if err != nil {
			view.Errors = append(view.Errors, views.FieldError{Field: "instalments", Code: "unknown_instalment", Message: "One of these payments does not exist."})
			continue
		}
		o.InstalmentIDs = append(o.InstalmentIDs, id)
	}
	number := func(field, text string) int64 {
		digits := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "٬", "").Replace(asciiDigits(text))
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			view.Errors = append(view.Errors, views.FieldError{Field: field, Code: "whole_number", Message: "Write a whole number."})
		}
		return n
	}
	o.FeeRateSatVB = number("fee_sat_vb_typed", orElse(view.FeeSatVB, v.posted("fee_sat_vb")))
	o.MaxFeeRateSatVB = number("max_feerate_sat_vb", orElse(view.MaxFeeSatVB, "0"))
	o.MaxFeeSat = number("max_fee_sat", orElse(view.MaxFeeSat, "0"))
	return o, view, picked
}

// composeField returns the name that the form has for a field of an order.
func composeField(name string) string {
	switch name {
	case "instalment_ids":
		return "instalments"
	case "fee_sat_vb":
		return "fee_sat_vb_typed"
	}
	return name
}

// refuseOrder shows the form again with what is wrong: at the fields, or as the
// outcome of the dry run.
func (s *Site) refuseOrder(v *visit, view views.Compose, picked []string, err error) error {
	wrong := fieldErrors(err)
	for i := range wrong {
		wrong[i].Field = composeField(wrong[i].Field)
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	view.Errors = wrong
	if len(wrong) == 0 {
		view.Result = &views.DryRun{Checks: []views.Check{{Level: "bad", Msg: words}}}
	}
	return s.showCompose(v, status, view, picked)
}

// postDryRun shows what the order would build now.
func (s *Site) postDryRun(v *visit) error {
	o, view, picked := v.order()
	if len(view.Errors) > 0 {
		return s.showCompose(v, http.StatusUnprocessableEntity, view, picked)
	}
	p, err := s.cfg.Payouts.DryRun(v.ctx(), v.by, o)
	if err != nil {
		return s.refuseOrder(v, view, picked, err)
	}
	view.Result = &views.DryRun{
		OK: true, AmountSat: int64(p.Total), FeeSat: int64(p.Fee), ChangeSat: int64(p.Change),
		VSize: p.Summary.VSize, Weight: p.Summary.Weight, FeeRateSatVB: feeRate(p.Summary.FeeRate), FeePercent: percent(int64(p.Fee), int64(p.Total)),
		Inputs: len(p.Summary.Inputs), Payments: len(p.Items), Tx: transaction(p.Summary, p.Items),
		Checks: batchChecks(payout.Batch{MaxFeeRateSatVB: p.Order.MaxFeeRateSatVB, MaxFee: btcutil.Amount(p.Order.MaxFeeSat)}, p.Items, p.Summary),
	}
	return s.showCompose(v, http.StatusOK, view, picked)
}

// postCompose freezes the order as a batch. Sending the form twice composes once:
// the payments are no longer free the second time.
func (s *Site) postCompose(v *visit) error {
	o, view, picked := v.order()
	if len(view.Errors) > 0 {
		return s.showCompose(v, http.StatusUnprocessableEntity, view, picked)
	}
	b, err := s.cfg.Payouts.Compose(v.ctx(), v.by, o)
	if err != nil {
		return s.refuseOrder(v, view, picked, err)
	}
	return v.see("/batches/" + b.ID.String())
}
