package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/decision"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/identity"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/txbuild"
	"github.com/causeway-fund/causeway/internal/web/views"
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

func (s *Site) showBatch(v *visit, status int, r payout.Record, change func(*views.Batch)) error {
	view, err := s.batch(v, r)
	if err != nil {
		return err
	}
	if change != nil {
		change(&view)
	}
	return v.show(status, views.BatchPage(v.page, view))
}

// getBatchLive is the part of the page that is asked for again. When the batch
// has gone on to another state, the whole page is out of date.
func (s *Site) getBatchLive(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	if seen := v.QueryParam("state"); seen != "" && seen != string(r.Batch.State) {
		v.Response().Header().Set("HX-Refresh", "true")
	}
	view, err := s.batch(v, r)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, views.BatchLive(v.page, view))
}

func (s *Site) batch(v *visit, r payout.Record) (views.Batch, error) {
	b := r.Batch
	base := "/batches/" + b.ID.String()
	view := views.Batch{
		Number: batchNumber(b.Number), BaseURL: base, State: string(b.State), Version: b.Version, CreatedAt: b.CreatedAt, By: b.ComposerName,
		Step: views.BatchStep(string(b.State)), Next: v.nextAct(b), Payments: len(r.Items),
		Approvals: len(r.Approvals), ApprovalsNeeded: approvalsNeeded, MaxFeeSat: int64(b.MaxFee),
		Digest: views.SignedText{Text: b.Note, Digest: b.Digest.String()}, Events: events(r.History),
		CSVURL: base + "/csv", NoteURL: base + "/note",
		CanCancel: b.State.BeforeSigning() && v.by.Can(identity.PermBatchCompose),
	}
	if b.State == payout.Cancelled || b.State == payout.Conflicted {
		view.Side = string(b.State)
	}
	if b.State != payout.Paid && b.State != payout.Final && b.State != payout.Cancelled {
		view.LiveURL = base + "/live?state=" + string(b.State)
	}
	for _, a := range r.Approvals {
		view.ApprovedBy = append(view.ApprovedBy, views.Vote{Who: a.StaffName, Verdict: "approve", At: a.CreatedAt})
	}
	for _, a := range r.Attempts {
		view.Attempts = append(view.Attempts, attempt(a))
	}
	now := current(r.Attempts)
	for i, it := range r.Items {
		view.AmountSat += int64(it.Amount)
		view.Recipients = append(view.Recipients, views.Recipient{
			N: i + 1, Operator: it.Designation, Reference: it.Reference, Address: it.Address, AmountSat: int64(it.Amount),
			State: string(it.State), Vout: voutOf(now, it.InstalmentID),
		})
	}
	if now == nil {
		return view, nil
	}
	summary, err := s.cfg.Payouts.Describe(v.ctx(), *now)
	if err != nil {
		return view, fmt.Errorf("decode attempt %d of batch %s: %w", now.No, b.ID, err)
	}
	view.HasTx, view.Tx, view.TxID, view.PSBTURL = true, transaction(summary, r.Items), now.TxID.String(), base+"/psbt"
	view.FeeSat, view.FeeRateSatVB, view.VSize = int64(summary.Fee), feeRate(summary.FeeRate), summary.VSize
	view.FeePercent = percent(int64(summary.Fee), view.AmountSat)
	view.Checks = batchChecks(b, r.Items, summary)
	for _, o := range summary.Outputs {
		if o.IsChange {
			view.ChangeSat += int64(o.Amount)
			view.ChangeNote = fmt.Sprintf("1/%d", o.ChangeIndex)
		}
	}
	if b.State != payout.Cancelled {
		view.Confirmations, view.Needed = confirmations(v, now, r.Tip), int(v.fund.PaidDepth)
		for i := range view.Confirmations {
			view.Heights = append(view.Heights, int64(now.Height)+int64(i))
		}
	}
	return view, nil
}

// nextAct is the one thing to do, or what is being waited for.
func (v *visit) nextAct(b payout.Batch) views.BatchNext {
	next := views.BatchNext{Detail: views.Msg{Text: b.LastError}}
	switch b.State {
	case payout.Composed:
		next.Kind = "await_approval"
		if v.by.Can(identity.PermBatchApprove) {
			next.Kind = "approve"
		}
	case payout.Approved, payout.Built:
		next.Kind = "await_build"
	case payout.Signing:
		next.Kind = "await_signer"
	case payout.Signed:
		next.Kind = "await_broadcast"
	case payout.Announced:
		next.Kind = "await_block"
	case payout.Mined:
		next.Kind = "confirming"
	case payout.Paid, payout.Final:
		next.Kind = "done"
	case payout.Cancelled:
		next.Kind = "cancelled"
	case payout.Conflicted:
		next.Kind = "conflicted"
	}
	return next
}

func attempt(a payout.Attempt) views.Attempt {
	view := views.Attempt{
		N: a.No + 1, State: "built", TxID: a.TxID.String(), FeeSat: int64(a.Fee), FeeRateSatVB: feeRate(txbuild.FeeRateOf(a.Fee, a.Weight)), At: a.CreatedAt,
	}
	if n := len(a.Events); n > 0 {
		view.State, view.Outcome = a.Events[n-1].Event, views.Msg{Text: a.Events[n-1].Detail}
	}
	return view
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
	tx := views.Tx{FeeSat: int64(s.Fee), VSize: s.VSize, FeeRateSatVB: feeRate(s.FeeRate)}
	for _, in := range s.Inputs {
		label := in.OutPoint.Hash.String()[:12] + ":" + strconv.FormatUint(uint64(in.OutPoint.Index), 10)
		tx.Inputs = append(tx.Inputs, views.Flow{Label: label, AmountSat: int64(in.Amount)})
	}
	for _, o := range s.Outputs {
		tx.Outputs = append(tx.Outputs, views.Flow{Label: orElse(names[string(o.Script)], o.Address), AmountSat: int64(o.Amount), Change: o.IsChange})
	}
	return tx
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
	check := func(ok bool, name string) views.Check {
		if ok {
			return views.Check{Level: "ok", Msg: views.Msg{Key: "check." + name}}
		}
		return views.Check{Level: "bad", Msg: views.Msg{Key: "check." + name + "_bad"}}
	}
	return []views.Check{
		check(missing == 0, "tx_pays_all"),
		check(strangers == 0, "tx_pays_nobody_else"),
		check(changes <= 1, "tx_change"),
		check(s.Fee <= b.MaxFee && s.FeeRate <= txbuild.SatPerVB(b.MaxFeeRateSatVB), "tx_fee"),
		check(sum == 0, "tx_sum"),
	}
}

// feeRate writes a rate in sat/vB with one decimal, as 6.2.
func feeRate(r txbuild.FeeRate) string {
	return strconv.FormatInt(int64(r)/1000, 10) + "." + strconv.FormatInt(int64(r)%1000/100, 10)
}

// percent writes part of whole, rounded to three decimals, as 0.011 %.
func percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	mill := (part*100_000 + whole/2) / whole
	return fmt.Sprintf("%d.%03d\u202f%%", mill/1000, mill%1000)
}

// numberIs reports whether typed names the batch: "B-0042", "b42" or "42".
func numberIs(typed string, number uint32) bool {
	digits := strings.TrimLeft(strings.ToUpper(asciiDigits(typed)), "B- ")
	n, err := strconv.ParseUint(digits, 10, 32)
	return err == nil && uint32(n) == number
}

// postApprove takes a treasurer's yes: the digest that the page showed, and the
// number typed by hand, so that no slip of a finger moves money.
func (s *Site) postApprove(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	typed := v.posted("typed_number")
	if !numberIs(typed, r.Batch.Number) {
		return s.showBatch(v, http.StatusUnprocessableEntity, r, func(b *views.Batch) {
			b.TypedNumber, b.Errors = typed, []views.FieldError{{Field: "typed_number", Code: "number_differs"}}
		})
	}
	return s.actOnBatch(v, r, func(version int64) error {
		digest, err := decision.ParseDigest(v.posted("digest"))
		if err != nil {
			return errs.New(errs.Conflict, "stale_digest", "This is not the digest of the batch. Nothing was approved and no money moved.")
		}
		_, err = s.cfg.Payouts.Approve(v.ctx(), v.by, r.Batch.ID, version, digest)
		return err
	})
}

func (s *Site) postCancel(v *visit) error {
	r, err := s.record(v)
	if err != nil {
		return err
	}
	return s.actOnBatch(v, r, func(version int64) error {
		_, err := s.cfg.Payouts.Cancel(v.ctx(), v.by, r.Batch.ID, version)
		return err
	})
}

// actOnBatch does something to the version of the batch that the form names, and
// goes back to its page; a refusal is shown there.
func (s *Site) actOnBatch(v *visit, r payout.Record, do func(version int64) error) error {
	version, err := strconv.ParseInt(v.posted("version"), 10, 64)
	if err != nil {
		return errs.New(errs.Precondition, "version_missing", "The form does not say which version it is about. Nothing was changed: load the page again.")
	}
	page := "/batches/" + r.Batch.ID.String()
	err = do(version)
	if err == nil {
		return v.see(page)
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	now := v.page.Say(views.Msg{Key: "state.batch." + string(r.Batch.State), Text: string(r.Batch.State)})
	if done, sent := v.clash(err, version, page, views.Change{Label: "state", New: now}); done {
		return sent
	}
	v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	return s.showBatch(v, status, r, nil)
}
