package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// approvalsNeeded is how many treasurers approve a batch.
const approvalsNeeded = 1

func (s *Site) record(v *visit) (payout.Record, error) {
	id, err := v.id()
	if err != nil {
		return payout.Record{}, err
	}
	return s.cfg.Payouts.Batch(v.ctx(), v.by, id)
}

func (s *Site) getBatch(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.showBatch(v, http.StatusOK, r, nil)
}

// getTransaction shows every input and output of the batch's transaction.
func (s *Site) getTransaction(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	view, err := s.batch(v, r)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, views.TransactionPage(v.page, view))
}

// getBatchCertificate leads to the certificate of one of the batch's payments, counted
// from 1 as the page counts them: a list of hundreds has no room for their addresses.
func (s *Site) getBatchCertificate(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.QueryParam("n"))
	if err != nil || n < 1 || n > len(r.Items) {
		return errs.New(errs.NotFound, errs.CodeNotFound, "The batch has no payment of this number.")
	}
	return v.see("/treasury/payments/" + r.Items[n-1].InstalmentID.String() + "/certificate")
}

func (s *Site) showBatch(v *visit, status int, r payout.Record, change func(*views.Batch)) error {
	s.liven(v)
	view, err := s.batch(v, r)
	if err != nil {
		return err
	}
	if change != nil {
		change(&view)
	}
	return v.show(status, views.BatchPage(v.page, view))
}

func (s *Site) batch(v *visit, r payout.Record) (views.Batch, error) {
	b := r.Batch
	base := "/batches/" + b.ID.String()
	view := views.Batch{
		Number: batchNumber(
			b.Number,
		),
		BaseURL:         base,
		Kind:            string(b.Kind),
		State:           string(b.State),
		Version:         b.Version,
		CreatedAt:       b.CreatedAt,
		By:              b.ComposerName,
		Step:            views.BatchStep(string(b.State)),
		Payments:        len(r.Items),
		Live:            b.State != payout.Final && b.State != payout.Cancelled,
		Approvals:       len(r.Approvals),
		ApprovalsNeeded: approvalsNeeded,
		MaxFeeSat:       int64(b.MaxFee),
		Digest:          views.SignedText{Text: b.Note, Digest: b.Digest.String()},
		Events:          events(r.History),
		CSVURL:          base + "/csv",
		NoteURL:         base + "/note",
		CanCancel:       b.State.BeforeSigning() && v.by.Can(identity.PermBatchCompose),
	}
	if slices.Contains([]payout.State{payout.Cancelled, payout.Conflicted, payout.Voiding, payout.Voided}, b.State) {
		view.Side = string(b.State)
	}
	for _, a := range r.Approvals {
		view.ApprovedBy = append(view.ApprovedBy, views.Vote{Who: a.StaffName, Verdict: "approve", At: a.CreatedAt})
	}
	now := r.Current()
	for i, it := range r.Items {
		view.AmountSat += int64(it.Amount)
		view.Recipients = append(view.Recipients, recipient(i+1, it, r.Batch, now))
	}
	if err := s.engine(v, r, &view); err != nil {
		return view, err
	}
	if now == nil {
		return view, nil
	}
	return view, s.decoded(v, r, *now, &view)
}

func recipient(n int, it payout.Item, b payout.Batch, now *payout.Attempt) views.Recipient {
	return views.Recipient{
		N:           n,
		ID:          it.InstalmentID.String(),
		Operator:    it.Designation,
		Reference:   it.Reference,
		Address:     it.Address,
		AmountSat:   int64(it.Amount),
		State:       string(grant.StandingOf(it.State, string(b.State), b.Alarm != "")),
		Vout:        voutOf(now, it.InstalmentID),
		Certificate: onChain(it.State),
	}
}

// onChain reports whether a block holds the payment.
func onChain(s grant.InstalmentState) bool {
	return s == grant.Mined || s == grant.Paid || s == grant.Final
}

// decoded shows the transaction that counts, from its bytes alone.
func (s *Site) decoded(v *visit, r payout.Record, now payout.Attempt, view *views.Batch) error {
	b := r.Batch
	summary, err := s.cfg.Payouts.Describe(v.ctx(), now)
	if err != nil {
		return fmt.Errorf("decode attempt %d of batch %s: %w", now.No, b.ID, err)
	}
	view.HasTx, view.Tx, view.TxID, view.PSBTURL = true, transaction(
		summary,
		r.Items,
	), now.TxID.String(), view.BaseURL+"/psbt"
	view.FeeSat, view.FeeRate, view.VSize = int64(summary.Fee), perVB(summary.FeeRate), summary.VSize
	view.FeeShare = shareOf(int64(summary.Fee), view.AmountSat)
	view.Checks = batchChecks(capsOf(b, now), paidBy(r, now), summary)
	for _, o := range summary.Outputs {
		if o.IsChange {
			view.ChangeSat += int64(o.Amount)
			view.ChangeNote = fmt.Sprintf("1/%d", o.ChangeIndex)
		}
	}
	view.Confirmations, view.Needed = int64(now.Confirmations(r.Tip)), int64(b.State.ConfirmationsNeeded(v.fund))
	if now.Kind != payout.Voids && b.State != payout.Cancelled {
		view.Blocks = int(v.fund.PaidDepth)
		for i := range min(view.Confirmations, int64(view.Blocks)) {
			view.Heights = append(view.Heights, int64(now.Height)+i)
		}
	}
	switch {
	case b.State == payout.Paid:
		view.Deep = "final"
	case b.State == payout.Voiding && view.Confirmations > 0:
		view.Deep = "void"
	}
	return nil
}

// paidBy returns the payments that an attempt has to make.
func paidBy(r payout.Record, a payout.Attempt) []payout.Item {
	if a.Kind == payout.Voids {
		return nil
	}
	return r.Items
}

func voutOf(a *payout.Attempt, instalment uuid.UUID) int {
	if a == nil {
		return -1
	}
	for _, o := range a.Outputs {
		if o.InstalmentID != nil && *o.InstalmentID == instalment {
			return int(o.Vout)
		}
	}
	return -1
}

// transaction is the drawing's view of the bytes: outputs in their own order.
func transaction(s txbuild.Summary, items []payout.Item) views.Tx {
	names := make(map[string]string, len(items))
	for _, it := range items {
		names[string(it.Script)] = it.Designation
	}
	tx := views.Tx{FeeSat: int64(s.Fee), VSize: s.VSize, FeeRate: perVB(s.FeeRate)}
	for _, in := range s.Inputs {
		label := in.OutPoint.Hash.String()[:12] + ":" + strconv.FormatUint(uint64(in.OutPoint.Index), 10)
		tx.Inputs = append(tx.Inputs, views.Flow{Label: label, AmountSat: int64(in.Amount)})
	}
	for _, o := range s.Outputs {
		tx.Outputs = append(
			tx.Outputs,
			views.Flow{
				Label:     orElse(names[string(o.Script)], o.Address),
				AmountSat: int64(o.Amount),
				Change:    o.IsChange,
			},
		)
	}
	return tx
}

// capsOf is what an attempt is held against. A void out-pays many outputs with one, and
// a child pays for its parent: the fee alone bounds them.
func capsOf(b payout.Batch, a payout.Attempt) payout.Batch {
	if a.Kind == payout.Voids || b.Kind == payout.Child {
		b.MaxFeeRateSatKVB = int64(txbuild.AnyFeeRate)
	}
	if a.Kind == payout.Voids && b.Kind == payout.Split {
		b.Kind = payout.Consolidate // all to one output
	}
	return b
}

// batchChecks holds the decoded transaction against what was approved, from the
// bytes alone.
func batchChecks(b payout.Batch, items []payout.Item, s txbuild.Summary) []views.Check {
	owed := map[string]int{}
	for _, it := range items {
		owed[string(it.Script)+"\n"+strconv.FormatInt(int64(it.Amount), 10)]++
	}
	strangers, changes, sum := 0, 0, int64(s.Fee)
	for _, o := range s.Outputs {
		sum += int64(o.Amount)
		key := string(o.Script) + "\n" + strconv.FormatInt(int64(o.Amount), 10)
		switch {
		case owed[key] > 0:
			owed[key]--
		case o.IsChange:
			changes++
		default:
			strangers++
		}
	}
	missing := 0
	for _, n := range owed {
		missing += n
	}
	for _, in := range s.Inputs {
		sum -= int64(in.Amount)
	}
	returns := changes <= 1
	if b.Kind == payout.Split {
		returns = changes == b.Outputs
	}
	check := func(ok bool, name string) views.Check {
		if ok {
			return views.Check{Level: "ok", Msg: views.Msg{Key: "check." + name}}
		}
		return views.Check{Level: "bad", Msg: views.Msg{Key: "check." + name + "_bad"}}
	}
	list := []views.Check{
		check(missing == 0, "tx_pays_all"),
		check(strangers == 0, "tx_pays_nobody_else"),
		check(returns, "tx_change"),
		check(s.Fee <= b.MaxFee && s.Fee <= txbuild.FeeRate(b.MaxFeeRateSatKVB).Fee(s.Weight), "tx_fee"),
		check(sum == 0, "tx_sum"),
	}
	if len(items) == 0 {
		list[0] = check(strangers == 0, "tx_pays_nobody")
	}
	if b.Kind == payout.Split {
		list[2] = check(returns, "tx_split")
	}
	return list
}

// perVB writes a feerate in sat/vB, as 6.201.
func perVB(r txbuild.FeeRate) string { return money.FormatFeeRate(int64(r)) }

// shareOf writes part of whole in per cent, rounded to three decimals, as 0.011 %: fees
// are less than a thousandth of what they pay for.
func shareOf(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	mill := (part*100_000 + whole/2) / whole
	return fmt.Sprintf("%d.%03d\u202f%%", mill/1000, mill%1000)
}
