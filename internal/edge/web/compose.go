package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
)

const (
	// firstFloors is the feerate that a new batch begins with when there is no
	// estimate to rely on, in multiples of what the network relays from on.
	firstFloors = 2

	// patient is the target that is chosen for a new batch, in blocks.
	patient = 36

	// oldEstimate is the age from which an estimate is no longer offered.
	oldEstimate = 2 * time.Hour

	// coinChoices is how many coins can be chosen from by hand.
	coinChoices = 200
)

func (s *Site) getCompose(v *visit) error {
	return s.showCompose(v, http.StatusOK, v.freshOrder(), draft{})
}

// postPicked shows the form with the payments that a list of payees picked.
func (s *Site) postPicked(v *visit) error {
	picked := v.list("instalment")
	if picked == nil {
		picked = []string{}
	}
	return s.showCompose(v, http.StatusOK, v.freshOrder(), draft{picked: picked})
}

func (v *visit) freshOrder() views.Compose {
	return views.Compose{
		MaxFeeRate: money.FormatFeeRate(
			v.fund.MaxFeeRateSatKVB,
		),
		MaxFeeSat:      strconv.FormatInt(int64(v.fund.MaxFee), 10),
		DeadlineBlocks: strconv.Itoa(int(v.fund.DeadlineBlocks)),
	}
}

// draft is what the form has that its texts do not say.
type draft struct {
	picked []string // instalments; nil ticks everything that fits into an order
	rate   string   // of the offer that was chosen; empty: the patient one
	typed  bool     // the form was sent, so that an empty rate stays empty
	coins  []string
	priced []treasurer.FeeAt // what the offers cost, when known
	pays   int64             // what the first batch pays, in sat
}

// showCompose draws the form.
func (s *Site) showCompose(v *visit, status int, view views.Compose, d draft) error {
	due, err := s.cfg.Payouts.Payable(v.ctx(), v.by)
	if err != nil {
		return err
	}
	treasury, err := s.cfg.Payouts.Treasury(v.ctx(), v.by)
	if err != nil {
		return err
	}
	view.AvailableSat = int64(treasury.Balances[ledger.Available])
	v.offerFees(&view, treasury, d)
	offerCoins(&view, treasury.Coins, d.coins)
	for i, it := range due {
		if i == payout.MaxOrder {
			view.Truncated = int64(len(due) - i)
			break
		}
		row := views.ComposeRow{
			ID: it.InstalmentID.String(), Reference: it.Reference, Operator: it.Designation, Address: it.Address,
			AmountSat: int64(it.Amount), ApprovedAt: it.CreatedAt,
		}
		row.Checked = d.picked == nil || slices.Contains(d.picked, row.ID)
		if row.Checked {
			view.SelectedCount++
			view.SelectedSat += row.AmountSat
		}
		view.Due = append(view.Due, row)
	}
	return v.show(status, views.ComposePage(v.page, view))
}

// offerFees lists the targets of the estimate, or says why there are none.
func (v *visit) offerFees(view *views.Compose, t treasurer.Treasury, d draft) {
	trouble := noEstimate(t.Estimate, v.page.Now)
	if trouble.Key != "" {
		view.NoEstimate = trouble
		if view.FeeRate == "" && !d.typed && t.Estimate != nil {
			view.FeeRate = money.FormatFeeRate(min(firstFloors*t.Estimate.FloorSatKVB, v.fund.MaxFeeRateSatKVB))
		}
		return
	}
	view.EstimatedAt = t.Estimate.At
	for _, target := range t.Estimate.Targets {
		choice := feeChoice(target)
		choice.Checked = view.FeeRate == "" && (d.rate == choice.Value || (d.rate == "" && target.Blocks == patient)) &&
			!slices.ContainsFunc(view.Fees, func(f views.FeeChoice) bool { return f.Checked })
		for _, p := range d.priced {
			if p.Blocks == target.Blocks {
				choice.CostSat, choice.Share, choice.Refused = int64(p.Fee), shareOf(int64(p.Fee), d.pays), p.Refused
			}
		}
		view.Fees = append(view.Fees, choice)
	}
}

func feeChoice(t fee.Target) views.FeeChoice {
	rate := money.FormatFeeRate(t.RateSatKVB)
	return views.FeeChoice{Value: rate, Rate: rate, Blocks: t.Blocks}
}

// noEstimate says why there is no estimate to rely on; its key is empty when there
// is one.
func noEstimate(e *fee.Estimate, now time.Time) views.Msg {
	switch {
	case e == nil:
		return views.Msg{Key: "estimate.none"}
	case !e.Trusted:
		return views.Msg{Key: "estimate.doubtful", Params: map[string]string{"Why": e.Why}, Text: e.Why}
	case now.Sub(e.At) > oldEstimate:
		return views.Msg{Key: "estimate.old"}
	}
	return views.Msg{}
}

func offerCoins(view *views.Compose, coins []payout.Coin, chosen []string) {
	view.CoinsChosen = len(chosen)
	for _, c := range coins {
		if !c.Spendable() || len(view.Coins) == coinChoices {
			view.CoinsKept++
			continue
		}
		coin := plainCoin(c)
		coin.Chosen = slices.Contains(chosen, c.OutPoint.String())
		view.Coins = append(view.Coins, coin)
	}
}

// order reads the form. Only what is no number, no id and no coin is refused here.
func (v *visit) order() (treasurer.Order, views.Compose, draft) {
	d := draft{picked: v.list("instalment"), rate: v.posted("feerate"), coins: v.list("coin"), typed: true}
	if d.picked == nil {
		d.picked = []string{}
	}
	view := views.Compose{
		FeeRate: v.posted("feerate_typed"), MaxFeeRate: v.posted("max_feerate"), MaxFeeSat: v.posted("max_fee_sat"),
		DeadlineBlocks: v.posted("deadline_blocks"),
	}
	var o treasurer.Order
	for _, text := range d.picked {
		id, err := uuid.Parse(text)
		if err != nil {
			view.Errors = append(
				view.Errors,
				views.FieldError{
					Field:   "instalments",
					Code:    "unknown_instalment",
					Message: "One of these payments does not exist.",
				},
			)
			continue
		}
		o.InstalmentIDs = append(o.InstalmentIDs, id)
	}
	for _, text := range d.coins {
		op, err := wire.NewOutPointFromString(text)
		if err != nil {
			view.Errors = append(
				view.Errors,
				views.FieldError{Field: "coins", Code: "unknown_coin", Message: "One of these coins does not exist."},
			)
			continue
		}
		o.Coins = append(o.Coins, *op)
	}
	number := func(field, text string) int64 {
		n, wrong := wholeNumber(field, text)
		if wrong != nil {
			view.Errors = append(view.Errors, *wrong)
		}
		return n
	}
	if view.FeeRate != "" {
		d.rate = ""
	}
	rate := func(field, text string) int64 {
		r, wrong := feeRate(field, text)
		if wrong != nil {
			view.Errors = append(view.Errors, *wrong)
		}
		return r
	}
	o.FeeRateSatKVB = rate("feerate_typed", orElse(view.FeeRate, d.rate))
	o.MaxFeeRateSatKVB = rate("max_feerate", view.MaxFeeRate)
	if o.MaxFeeRateSatKVB == v.fund.MaxFeeRateSatKVB {
		o.MaxFeeRateSatKVB = 0 // as the form came: older decisions may allow less, and the dry run says so
	}
	o.MaxFeeSat = number("max_fee_sat", orElse(view.MaxFeeSat, "0"))
	if blocks := number("deadline_blocks", orElse(view.DeadlineBlocks, "0")); blocks >= 0 && blocks <= maxDeadline {
		o.DeadlineBlocks = int32(blocks)
	} else {
		view.Errors = append(view.Errors, views.FieldError{Field: "deadline_blocks", Code: "out_of_range"})
	}
	return o, view, d
}

// maxDeadline keeps the number of blocks within its type; the use case is stricter.
const maxDeadline = 1 << 20

// composeField returns the name that the form has for a field of an order.
func composeField(name string) string {
	switch name {
	case "instalment_ids":
		return "instalments"
	case "feerate":
		return "feerate_typed"
	}
	return name
}

// refuseOrder shows the form again with what is wrong: at the fields, or as the
// outcome of the dry run.
func (s *Site) refuseOrder(v *visit, view views.Compose, d draft, err error) error {
	wrong := limitErrors(err)
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
	return s.showCompose(v, status, view, d)
}

// postDryRun shows what the order would build now.
func (s *Site) postDryRun(v *visit) error {
	o, view, d := v.order()
	if len(view.Errors) > 0 {
		return s.showCompose(v, http.StatusUnprocessableEntity, view, d)
	}
	p, err := s.cfg.Payouts.DryRun(v.ctx(), v.by, o)
	if err != nil {
		return s.refuseOrder(v, view, d, err)
	}
	first := paidIn(p)
	d.priced, d.pays = p.AtTargets, sumOf(first)
	view.Result = result(p, first)
	return s.showCompose(v, http.StatusOK, view, d)
}

// result shows a dry run. Of an order that becomes several batches the transaction
// is the first one's.
func result(p treasurer.Preview, first []payout.Item) *views.DryRun {
	caps := payout.Batch{MaxFeeRateSatKVB: p.Order.MaxFeeRateSatKVB, MaxFee: btcutil.Amount(p.Order.MaxFeeSat)}
	view := &views.DryRun{
		OK:          true,
		AmountSat:   int64(p.Total),
		FeeSat:      int64(p.Fee),
		ChangeSat:   int64(p.Change),
		HeadroomSat: p.Order.MaxFeeSat - int64(p.Fee),
		FreeAfterSat: int64(
			p.FreeAfter,
		),
		VSize:   p.Summary.VSize,
		Weight:  p.Summary.Weight,
		FeeRate: perVB(p.Summary.FeeRate),
		FeeShare: shareOf(
			int64(p.Fee),
			sumOf(first),
		),
		Inputs:   len(p.Summary.Inputs),
		Payments: len(p.Items),
		Batches:  p.Batches,
		Tx:       transaction(p.Summary, p.Items),
		Checks:   batchChecks(caps, first, p.Summary),
	}
	for _, n := range p.Notes {
		view.Notes = append(view.Notes, views.Msg{Text: n.Text})
	}
	return view
}

// paidIn returns those items that the transaction of the dry run pays: an order is
// parted in its own sequence.
func paidIn(p treasurer.Preview) []payout.Item {
	payments := 0
	for _, o := range p.Summary.Outputs {
		if !o.IsChange {
			payments++
		}
	}
	return p.Items[:min(payments, len(p.Items))]
}

func sumOf(items []payout.Item) (sat int64) {
	for _, it := range items {
		sat += int64(it.Amount)
	}
	return sat
}

// postCompose freezes the order as one batch or as many as it takes. Sending the
// form twice composes once: the payments are no longer free the second time.
func (s *Site) postCompose(v *visit) error {
	o, view, d := v.order()
	if len(view.Errors) > 0 {
		return s.showCompose(v, http.StatusUnprocessableEntity, view, d)
	}
	list, err := s.cfg.Payouts.ComposeAll(v.ctx(), v.by, o)
	if err != nil {
		return s.refuseOrder(v, view, d, err)
	}
	if len(list) == 1 {
		return v.see("/batches/" + list[0].ID.String())
	}
	return v.see("/batches?state=" + string(payout.Composed))
}
