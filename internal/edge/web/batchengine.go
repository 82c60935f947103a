package web

import (
	"slices"
	"strconv"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// engine shows the attempts of a batch, whose signatures are missing, and what can
// be done about it.
func (s *Site) engine(v *visit, r payout.Record, view *views.Batch) error {
	status, err := s.cfg.Payouts.Signatures(v.ctx(), r)
	waits := err == nil
	if err != nil && errs.CodeOf(err) != errs.CodeWrongState {
		return err
	}
	compose := v.by.Can(identity.PermBatchCompose)
	if waits && (r.Batch.State != payout.Voiding || r.Attempts[len(r.Attempts)-1].Kind == payout.Voids) {
		view.Signing = signing(r, status)
	}
	view.Void = v.void(r)
	view.Attempts = attempts(r)
	view.MaybePaid, view.Alarm = v.doubt(r), views.Msg{Key: "alarm." + string(r.Batch.Alarm)}
	view.PaidAnyway = paidAnyway(r)
	view.Next = v.nextAct(r, status, waits)
	if !compose || len(r.Attempts) == 0 {
		return nil
	}
	newest, _ := r.Newest()
	b := r.Batch
	if x := r.Raise; x != nil {
		view.Bump = &views.Bump{
			Least:    money.FormatFeeRate(x.LeastSatKVB),
			Limit:    money.FormatFeeRate(x.MostSatKVB),
			LastStep: x.Last,
		}
		if b.WantedSatKVB > 0 {
			view.Bump.Wanted = money.FormatFeeRate(b.WantedSatKVB)
		}
		if words, _, ok := refusal(x.Refused); ok {
			view.Bump.Refused = words
		}
	}
	view.CanChild = b.State == payout.Broadcast &&
		slices.ContainsFunc(newest.Outputs, func(o payout.AttemptOutput) bool { return o.ChangeIndex != nil })
	if r.Void == nil && (b.State == payout.Signing || b.State == payout.Signed || b.State == payout.Broadcast) {
		view.VoidForm = &views.VoidForm{}
	}
	return nil
}

func signing(r payout.Record, status payout.SignatureStatus) *views.Signing {
	view := &views.Signing{
		Needed:  status.Needed,
		Total:   status.Total,
		Signed:  status.Signed,
		Missing: status.Missing,
		Bare:    status.Bare,
	}
	for _, p := range r.Attempts[len(r.Attempts)-1].Partial {
		view.Brought = append(view.Brought, views.Brought{Keys: p.Source, Who: p.Name, At: p.At})
	}
	return view
}

// nextAct is the one thing to do, or what is being waited for.
func (v *visit) nextAct(r payout.Record, status payout.SignatureStatus, waits bool) views.BatchNext {
	var asked *payout.SignatureStatus
	if waits {
		asked = &status
	}
	due := r.Next(asked)
	if due == payout.NextApproveVoid && !v.mayAgree(r) {
		r.Void = nil // somebody else's answer: to this reader the batch goes on meanwhile
		due = r.Next(asked)
	}
	next := views.BatchNext{Detail: views.Msg{Text: r.Batch.Trouble()}, Kind: v.nextKind(r.Batch.State, due, status)}
	next.Params = map[string]string{
		"Have": strconv.Itoa(
			len(status.Signed),
		),
		"Need":    strconv.Itoa(status.Needed),
		"Missing": strconv.Itoa(status.Missing),
		"Paid":    strconv.Itoa(int(v.fund.PaidDepth)),
		"Final":   strconv.Itoa(int(v.fund.FinalDepth)),
	}
	return next
}

// nextKind is the word that the page has for what moves a batch on.
func (v *visit) nextKind(state payout.State, due payout.Next, status payout.SignatureStatus) string {
	if state == payout.Voiding {
		return nextOfVoid(due)
	}
	switch due {
	case payout.NextApprove:
		if v.by.Can(identity.PermBatchApprove) {
			return "approve"
		}
		return "await_approval"
	case payout.NextBuild:
		return "await_build"
	case payout.NextSigner, payout.NextSign:
		if status.Needed > 1 {
			return "signatures"
		}
		return "await_signer"
	case payout.NextApproveVoid:
		return "approve_void"
	case payout.NextBroadcast:
		return "await_broadcast"
	case payout.NextBlock:
		return "await_block"
	case payout.NextDepth:
		if state == payout.Mined {
			return "confirming"
		}
		return "done"
	case payout.NextInvestigate:
		if state == payout.Broadcast {
			return "stuck"
		}
	case payout.NextNone:
		if state == payout.Final {
			return "done"
		}
	}
	return string(state)
}

// mayAgree reports whether the reader is a second person whom a request to take the
// batch back waits for.
func (v *visit) mayAgree(r payout.Record) bool {
	return r.Void != nil && !r.Void.Agreed() && v.by.Can(identity.PermBatchApprove) && r.Void.AskedBy != v.by.StaffID
}

func nextOfVoid(due payout.Next) string {
	switch due {
	case payout.NextDepth:
		return "void_confirming"
	case payout.NextBlock:
		return "void_waiting"
	default:
		return "void_signing"
	}
}

// void shows the request to take the batch back.
func (v *visit) void(r payout.Record) *views.Void {
	x := r.Void
	if x == nil {
		return nil
	}
	view := &views.Void{
		Reason:     x.Reason,
		AskedBy:    x.AskedByName,
		AskedAt:    x.AskedAt,
		ApprovedBy: x.ApproverName,
		FeeRate:    money.FormatFeeRate(x.FeeRateSatKVB),
		FeeSat:     int64(x.Fee),
		Again:      len(r.Items) - len(x.CancelIDs),
		Digest:     views.SignedText{Text: x.Note, Digest: x.Digest.String()},
		OwnRequest: x.AskedBy == v.by.StaffID,
	}
	view.CanApprove = v.mayAgree(r)
	if !x.Agreed() {
		view.LapsesAt, view.CanWithdraw = x.LapsesAt(), v.by.Can(identity.PermBatchCompose)
	}
	if x.ApprovedAt != nil {
		view.ApprovedAt = *x.ApprovedAt
	}
	for _, it := range r.Items {
		if slices.Contains(x.CancelIDs, it.InstalmentID) {
			view.Cancel = append(view.Cancel, it.Reference)
		}
	}
	return view
}

// doubt says what would resolve whether a batch is paid, while something is off.
// Without an alarm the batch was sent and waits for a block, as every batch does.
func (v *visit) doubt(r payout.Record) []views.Msg {
	if r.Batch.Alarm == "" ||
		!slices.ContainsFunc(r.Items, func(it payout.Item) bool { return it.State == grant.MaybePaid }) {
		return nil
	}
	params := map[string]string{
		"Paid":  strconv.Itoa(int(v.fund.PaidDepth)),
		"Final": strconv.Itoa(int(v.fund.FinalDepth)),
	}
	list := []views.Msg{{Key: "maybe.mined", Params: params}, {Key: "maybe.dead", Params: params}}
	switch {
	case r.Batch.State == payout.Conflicted:
		list = append(list, views.Msg{Key: "maybe.conflicted", Params: params})
	case r.Void == nil:
		list = append(list, views.Msg{Key: "maybe.void"})
	case !r.Void.Agreed():
		list = append(list, views.Msg{Key: "maybe.void_asked"})
	default:
		list = append(list, views.Msg{Key: "maybe.void_sent"})
	}
	return list
}

// paidAnyway lists the payments that a block made although they were cancelled, or
// were to be.
func paidAnyway(r payout.Record) []views.Recipient {
	var list []views.Recipient
	for i, it := range r.Items {
		if r.PaidAfterCancel(it) {
			list = append(list, recipient(i+1, it, r.Batch, nil))
		}
	}
	return list
}

// attempts shows every transaction of a batch with what became of it.
func attempts(r payout.Record) []views.Attempt {
	now := r.Current()
	list := make([]views.Attempt, len(r.Attempts))
	for i, a := range r.Attempts {
		list[i] = views.Attempt{
			N:       a.No + 1,
			Kind:    string(a.Kind),
			State:   string(r.Fate(i)),
			Fate:    fate(r, i),
			TxID:    a.TxID.String(),
			FeeSat:  int64(a.Fee),
			FeeRate: perVB(txbuild.FeeRateOf(a.Fee, a.Weight)),
			Height:  int64(a.Height),
			At:      a.CreatedAt,
			Now:     now == &r.Attempts[i],
		}
		for _, e := range a.Events {
			list[i].Events = append(list[i].Events, attemptEvent(e))
		}
	}
	return list
}

func attemptEvent(e payout.AttemptEvent) views.Event {
	view := views.Event{At: e.At, Msg: views.Msg{Key: "event.attempt." + e.Event, Text: e.Event}}
	if e.Detail != "" {
		view.Msg = views.Msg{
			Key:    "event.attempt." + e.Event + "_detail",
			Params: map[string]string{"Detail": e.Detail},
			Text:   e.Detail,
		}
	}
	switch e.Event {
	case "paid", "final":
		view.Tone = "ok"
	case "conflicted", "dead":
		view.Tone = "bad"
	case "reorged":
		view.Tone = "warn"
	}
	return view
}

// fate says in plain words what became of attempt i.
func fate(r payout.Record, i int) views.Msg {
	a, now := &r.Attempts[i], r.Current()
	other := map[string]string{"N": strconv.Itoa(now.No + 1)}
	switch what := r.Fate(i); {
	case what == payout.FateDead:
		return views.Msg{Key: "fate.dead"}
	case what == payout.FateConflicted:
		return views.Msg{Key: "fate.conflicted"}
	case a == now && now.Height > 0 && a.Kind == payout.Voids:
		return views.Msg{Key: "fate.void_mined"}
	case a == now && now.Height > 0:
		return views.Msg{Key: "fate.mined"}
	case now.Height > 0:
		return views.Msg{Key: "fate.lost", Params: other}
	case a != now:
		return views.Msg{Key: "fate.replaced", Params: other}
	case !a.Released():
		return views.Msg{Key: "fate.not_asked"}
	case len(a.Raw) == 0:
		return views.Msg{Key: "fate.signing"}
	}
	return views.Msg{Key: "fate.waits"}
}
