package web

import (
	"net/http"
	"slices"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func (s *Site) getStatus(v *visit) error {
	return v.show(http.StatusOK, views.StatusPage(v.page, views.Status{}))
}

func (s *Site) postStatus(v *visit) error { return s.showStatus(v, http.StatusOK, "", nil) }

// postStatusMessage hands on what the operator wrote. A refused text comes back
// on the same page.
func (s *Site) postStatusMessage(v *visit) error {
	text := v.posted("text")
	_, err := s.cfg.Grants.Reply(v.ctx(), v.posted("code"), text)
	if wrong := fieldErrors(err); len(wrong) > 0 {
		return s.showStatus(v, http.StatusUnprocessableEntity, text, wrong)
	}
	return s.afterChange(v, err, "flash.sent")
}

func (s *Site) postStatusWithdraw(v *visit) error {
	_, err := s.cfg.Grants.Withdraw(v.ctx(), v.posted("code"))
	return s.afterChange(v, err, "flash.withdrawn")
}

// afterChange shows the status again, in the answer to the form: an address to
// be sent on to would have to hold the code.
func (s *Site) afterChange(v *visit, err error, done string) error {
	if err == nil {
		v.page.Flash = &views.Flash{Tone: "ok", Msg: views.Msg{Key: done}}
		return s.showStatus(v, http.StatusOK, "", nil)
	}
	if errs.KindOf(err) == errs.NotFound {
		return s.unknownCode(v)
	}
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	return s.showStatus(v, status, "", nil)
}

func (s *Site) unknownCode(v *visit) error {
	code := v.posted("code")
	view := views.Status{Code: code, CodeError: "unknown"}
	if _, err := identity.ParseReceipt(code); err != nil {
		view.CodeError = "malformed"
	}
	return v.show(http.StatusNotFound, views.StatusPage(v.page, view))
}

func (s *Site) showStatus(v *visit, status int, answer string, wrong []views.FieldError) error {
	code := v.posted("code")
	found, err := s.cfg.Grants.Status(v.ctx(), code)
	if errs.KindOf(err) == errs.NotFound && err != nil {
		return s.unknownCode(v)
	}
	if err != nil {
		return err
	}
	a := found.Application
	view := views.Status{
		Code: code, Found: true, Reference: a.Reference, Title: found.Body.Title, Lang: a.Language,
		State: string(a.State), SubmittedAt: a.SubmittedAt, Timeline: timeline(found),
		AwaitingAnswer: a.State == grant.NeedsInfo, Answer: answer, Errors: wrong,
		CanWithdraw: !a.State.Closed(),
	}
	if view.Title == "" {
		view.Title = a.Reference
	}
	for _, m := range found.Messages {
		from := "team"
		if m.FromOperator {
			from = "operator"
		}
		view.Messages = append(view.Messages, views.Message{At: m.At, From: from, Audience: "operator", Text: m.Text})
	}
	if view.Servers, err = s.myServers(v, code); err != nil {
		return err
	}
	view.Payment = statusPayment(found)
	return v.show(status, views.StatusPage(v.page, view))
}

// timeline tells what happened in words that operators have a use for; who did
// it, and how the votes fell, stays inside.
func timeline(found grant.Status) []views.StatusEvent {
	var list []views.StatusEvent
	for _, h := range found.History {
		e := views.StatusEvent{At: h.At}
		switch h.Action {
		case "application.submitted":
			e.Code = "received"
		case "application.opened":
			e.Code = "in_review"
		case "application.answered", "application.revised":
			e.Code = "answered"
		case "application.message_from_operator":
			e.Code = "message"
		case "application.approved":
			e.Code, e.Tone = "approved", "ok"
		case "application.declined":
			e.Code, e.Tone = "declined", "bad"
		case "application.withdrawn":
			e.Code = "withdrawn"
		case "application.purged":
			e.Code = "purged"
		case "application.asked":
			e.Code, e.Tone = "needs_info", "warn"
		case "application.voted":
			if h.From == string(grant.Submitted) {
				e.Code = "in_review"
			}
		}
		if e.Code != "" {
			list = append(list, e)
		}
	}
	for _, p := range found.Payments {
		code := paymentEvent[p.State]
		if p.State == grant.MaybePaid && p.Standing != grant.StandingSigning {
			code = "broadcast"
		}
		if code != "" {
			list = append(list, views.StatusEvent{At: p.ChangedAt, Code: code, Tone: "now"})
		}
	}
	slices.SortStableFunc(list, func(a, b views.StatusEvent) int { return a.At.Compare(b.At) })
	return list
}

var paymentEvent = map[grant.InstalmentState]string{
	grant.Allocated: "queued",
	grant.MaybePaid: "signing",
	grant.Mined:     "mined",
	grant.Paid:      "paid",
	grant.Final:     "final",
}

// whereabouts are the words for a payment that a signer was asked for.
var whereabouts = map[grant.Standing]string{
	grant.StandingSigning: "signing", grant.StandingSent: "broadcast", grant.Standing(grant.MaybePaid): "delayed",
}

// statusPayment tells where the money is: of the newest payment that is owed, or
// of the amount that was asked for while nothing is decided.
func statusPayment(found grant.Status) views.StatusPayment {
	a := found.Application
	if a.State == grant.Declined || a.State == grant.Withdrawn {
		return views.StatusPayment{}
	}
	view := views.StatusPayment{AmountSat: int64(a.Amount), Address: found.Body.PayoutAddress}
	if len(found.Payments) == 0 {
		return view
	}
	p := found.Payments[len(found.Payments)-1]
	view.AmountSat = int64(p.Amount)
	view.TxID, view.Vout, view.Height = p.TxID, int(p.Vout), int64(p.Height)
	view.Needed, view.Confirmations = int(found.PaidDepth), int64(p.Confirmations)
	switch p.State {
	case grant.Payable, grant.Held:
		view.State = "waiting"
	case grant.Allocated:
		view.State = "queued"
	case grant.MaybePaid:
		view.State = whereabouts[p.Standing]
	case grant.Mined:
		view.State = "confirming"
	case grant.Paid, grant.Final:
		view.State = "paid"
	case grant.Cancelled:
		return views.StatusPayment{}
	}
	if view.State == "waiting" || view.State == "queued" || view.State == "signing" {
		view.TxID = "" // it may never be sent in this form
	}
	return view
}
