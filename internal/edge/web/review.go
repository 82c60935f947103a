package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// getApplication shows one application: as a page, or as the pane beside the
// queue that the page's script asks for.
func (s *Site) getApplication(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	d, err := s.cfg.Grants.Show(v.ctx(), v.by, id)
	if err != nil {
		return err
	}
	detail := v.detail(d)
	detail.BackURL = localPath(v.QueryParam("back"), "/review")
	if err := s.addPanel(v, &detail, false); err != nil {
		return err
	}
	if v.QueryParam("part") == "detail" && v.Request().Header.Get("HX-Request") != "" {
		return v.show(http.StatusOK, views.ReviewDetailBody(v.page, detail, "h2"))
	}
	return v.show(http.StatusOK, views.ReviewDetailPage(v.page, detail))
}

// detail is the application as this person may see it and act on it.
func (v *visit) detail(d grant.Detail) views.ReviewDetail {
	a := d.Application
	view := views.ReviewDetail{
		ID:        a.ID.String(),
		Reference: a.Reference,
		BackURL:   "/review",
		BaseURL:   "/review/" + a.ID.String(),
		Title: orElse(
			d.Body.Title,
			a.Reference,
		),
		Lang:           a.Language,
		State:          string(a.State),
		Revision:       a.Revision,
		Version:        a.Version,
		SubmittedAt:    a.SubmittedAt,
		AmountSat:      int64(a.Amount),
		Operator:       a.Designation,
		Region:         regionName(v.page, a.Region),
		Narrative:      d.Body.Narrative,
		Sealed:         true,
		PayoutAddress:  d.Body.PayoutAddress,
		Network:        v.fund.Network,
		VotesNeeded:    d.Quorum,
		MyVerdict:      string(d.MyVote),
		Note:           views.SignedText{Text: d.Note, Digest: d.Decision.Digest.String()},
		Timeline:       events(d.History),
		DeclineReasons: declineReasons(v.page),
		WordsSealed:    d.Sealed,
	}
	for _, e := range d.Body.Endpoints {
		view.Endpoints = append(view.Endpoints, views.EndpointFact{
			Protocol: protocolName(e.Protocol), Address: net.JoinHostPort(e.Host, strconv.Itoa(e.Port)),
			Level: "wait", Finding: views.Msg{Key: keyNotProbed},
		})
	}
	for _, x := range d.Votes {
		view.Votes = append(
			view.Votes,
			views.Vote{Who: x.StaffName, Verdict: string(x.Verdict), Note: d.VoteNotes[x.ID], At: x.CreatedAt},
		)
	}
	for _, m := range d.Messages {
		from, lang := m.StaffName, ""
		if m.FromOperator {
			from, lang = "operator", a.Language
		}
		view.Messages = append(
			view.Messages,
			views.Message{At: m.At, From: from, Audience: string(m.Audience), Text: m.Text, Lang: lang},
		)
	}
	if d.Claim != nil {
		view.ClaimedBy, view.ClaimedUntil, view.ClaimedByMe = d.Claim.StaffName, d.Claim.ExpiresAt, d.Claim.StaffID == v.by.StaffID
	}
	view.Screened = screened(d.Findings)
	v.mayDo(&view, d)
	return view
}

// mayDo offers the buttons that would work now, and says why one is missing.
func (v *visit) mayDo(view *views.ReviewDetail, d grant.Detail) {
	state := d.Application.State
	free := d.Claim == nil || view.ClaimedByMe
	view.CanClaim = free && !state.Closed() && v.by.Can(identity.PermApplicationClaim)
	view.CanVote = free && d.MyVote == "" && !state.Closed() && state != grant.NeedsInfo && !d.Purged && !d.Sealed &&
		v.by.Can(identity.PermApplicationVote)
	view.CanDecide = state == grant.Ready && !d.Purged && !d.Sealed && v.by.Can(identity.PermApplicationDecide)
	switch {
	case view.CanVote || view.CanDecide:
	case d.Sealed:
		view.CannotWhy = views.Msg{Key: "review.why.sealed"}
	case d.Purged:
		view.CannotWhy = views.Msg{Key: "review.why.purged"}
	case state.Closed():
		view.CannotWhy = views.Msg{Key: "review.why.closed"}
	case state == grant.NeedsInfo:
		view.CannotWhy = views.Msg{Key: "review.why.needs_info"}
	case d.MyVote != "":
		view.CannotWhy = views.Msg{Key: "review.why.voted"}
	}
}

// screened are the findings of the automatic checks, with the way to what they are
// about.
func screened(found []screen.Finding) []views.Screened {
	out := make([]views.Screened, len(found))
	for i, f := range found {
		out[i] = views.Screened{Check: string(f.Check), Level: f.Level.String(), Reason: f.Reason}
		for _, o := range f.Others {
			out[i].Others = append(out[i].Others, views.Link{Name: o.Reference, URL: "/review/" + o.ID.String()})
		}
	}
	return out
}

var declineCodes = []string{"out_of_scope", "not_reachable", "too_expensive", "duplicate", "unclear"}

// declineReasons are sentences to begin with; the operator gets them in the
// language of the application.
func declineReasons(p views.Page) []views.Option {
	var list []views.Option
	for _, code := range declineCodes {
		list = append(list, views.Option{Value: code, Label: p.T("decline." + code)})
	}
	return list
}

// events tells an object's history.
func events(history []grant.Happening) []views.Event {
	list := make([]views.Event, 0, len(history))
	for _, h := range history {
		e := views.Event{
			At:   h.At,
			Who:  h.StaffName,
			Tone: eventTone(h.To),
			Msg:  views.Msg{Key: "event." + h.Action, Text: h.Action},
		}
		if verdict := h.Detail["verdict"]; verdict != "" {
			e.Msg = views.Msg{Key: "verdict.done." + verdict, Text: verdict}
			e.Tone = map[string]string{"approve": "ok", "decline": "bad"}[verdict]
		} else if h.Detail["event"] != "" { // the worker's: one state may be reached in several ways
			e.Msg = views.Msg{
				Key:    "event.batch." + h.Detail["event"],
				Params: map[string]string{"Detail": h.Detail["detail"]},
				Text:   h.Detail["detail"],
			}
		}
		list = append(list, e)
	}
	slices.Reverse(list)
	return list
}

func eventTone(state string) string {
	switch state {
	case "approved", "paid", "final", "completed":
		return "ok"
	case "declined", "conflicted", "terminated":
		return "bad"
	case "needs_info", "held", "cancelled", "withdrawn":
		return "warn"
	}
	return ""
}

func (s *Site) postClaim(v *visit) error {
	return s.act(v, func(id uuid.UUID) error {
		_, err := s.cfg.Grants.ClaimApplication(v.ctx(), v.by, id)
		return err
	}, nil)
}

func (s *Site) postRelease(v *visit) error {
	return s.act(v, func(id uuid.UUID) error {
		_, err := s.cfg.Grants.ReleaseApplication(v.ctx(), v.by, id)
		return err
	}, nil)
}

func (s *Site) postVote(v *visit) error {
	note := v.posted("note")
	return s.act(v, func(id uuid.UUID) error {
		digest, err := grant.DecisionDigest("votes", v.posted("digest"))
		if err != nil {
			return err
		}
		_, err = s.cfg.Grants.Vote(
			v.ctx(),
			v.by,
			grant.CastVote{ID: id, Verdict: grant.Verdict(v.posted("verdict")), Digest: digest, Note: note},
		)
		return err
	}, func(d *views.ReviewDetail) { d.Typed.VoteNote = note })
}

func (s *Site) postAsk(v *visit) error {
	question := v.posted("question")
	return s.act(v, func(id uuid.UUID) error {
		digest, err := grant.DecisionDigest("votes", v.posted("digest"))
		if err != nil {
			return err
		}
		_, err = s.cfg.Grants.Ask(v.ctx(), v.by, grant.Question{ID: id, Digest: digest, Message: question})
		return err
	}, func(d *views.ReviewDetail) { d.Typed.Question = question })
}

func (s *Site) postDecide(v *visit) error {
	version, versionErr := strconv.ParseInt(v.posted("version"), 10, 64)
	return s.act(v, func(id uuid.UUID) error {
		digest, err := grant.DecisionDigest("votes", v.posted("digest"))
		if err != nil {
			return err
		}
		if versionErr != nil {
			return errs.New(
				errs.Precondition,
				CodeVersionMissing,
				"The form does not say which version it is about. Nothing was decided: load the page again.",
			)
		}
		cmd := grant.Decide{
			ID:      id,
			Version: version,
			Outcome: grant.Verdict(v.posted("outcome")),
			Digest:  digest,
			Message: v.posted("message"),
			Note:    v.posted("decide_note"),
		}
		if code := v.posted("reason_code"); cmd.Outcome == grant.VerdictDecline && slices.Contains(declineCodes, code) {
			d, err := s.cfg.Grants.Show(v.ctx(), v.by, id)
			if err != nil {
				return err
			}
			cmd.Message = s.text.Pick(d.Application.Language).T("decline."+code) + "\n\n" + cmd.Message
		}
		_, err = s.cfg.Grants.Decide(v.ctx(), v.by, cmd)
		return err
	}, func(d *views.ReviewDetail) {
		d.Typed.Decision, d.Typed.DecideNote = v.posted("message"), v.posted("decide_note")
	})
}

func (s *Site) postNote(v *visit) error {
	return s.write(v, grant.ToTeam, func(d *views.ReviewDetail) { d.Typed.NoteText = v.posted("text") })
}

func (s *Site) postMessage(v *visit) error {
	return s.write(v, grant.ToOperator, func(d *views.ReviewDetail) { d.Typed.MessageText = v.posted("text") })
}

func (s *Site) write(v *visit, to grant.Audience, keep func(*views.ReviewDetail)) error {
	return s.act(v, func(id uuid.UUID) error {
		_, err := s.cfg.Grants.PostMessage(v.ctx(), v.by, id, to, v.posted("text"))
		return err
	}, keep)
}

// act does something to the application of the address and goes back to it. A
// refusal comes back on its page, with what keep puts back into the form.
func (s *Site) act(v *visit, do func(id uuid.UUID) error, keep func(*views.ReviewDetail)) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	page := "/review/" + id.String()
	err = do(id)
	if err == nil {
		return v.see(selected(localPath(v.posted("back"), ""), id, page))
	}
	v.tellWhen(err)
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	d, showErr := s.cfg.Grants.Show(v.ctx(), v.by, id)
	if showErr != nil {
		return showErr
	}
	if yours, parseErr := strconv.ParseInt(v.posted("version"), 10, 64); parseErr == nil {
		now := views.Change{
			Label: "state",
			New: v.page.Say(
				views.Msg{Key: "state.application." + string(d.Application.State), Text: string(d.Application.State)},
			),
		}
		if done, sent := v.clash(err, yours, page, now); done {
			return sent
		}
	}
	detail := v.detail(d)
	if keep != nil {
		keep(&detail)
	}
	if err := s.addPanel(v, &detail, false); err != nil {
		return err
	}
	detail.Errors = fieldErrors(err)
	for i := range detail.Errors {
		detail.Errors[i].Field = inDetail(v.Path(), detail.Errors[i].Field)
	}
	if len(detail.Errors) == 0 {
		detail.Errors = []views.FieldError{{Field: "votes", Code: string(errs.CodeOf(err)), Message: v.page.Say(words)}}
	}
	return v.show(status, views.ReviewDetailPage(v.page, detail))
}

// inDetail returns the name that the page has for a field of several forms.
func inDetail(route, field string) string {
	switch {
	case field == "verdict", field == "outcome":
		return "votes"
	case field == "note" && strings.HasSuffix(route, "/decide"):
		return "decide_note"
	case field == "message" && strings.HasSuffix(route, "/ask"):
		return "question"
	case field == "text" && strings.HasSuffix(route, "/note"):
		return "note_text"
	case field == "text":
		return "message_text"
	}
	return field
}

// selected is the address of the queue that a form came from, with the
// application open in it.
func selected(back string, id uuid.UUID, fallback string) string {
	u, ok := reviewList(back)
	if !ok {
		return fallback
	}
	q := u.Query()
	q.Set("id", id.String())
	u.RawQuery = q.Encode()
	return u.String()
}

// reviewList reads the address of the queue; ok is false for any other.
func reviewList(back string) (u *url.URL, ok bool) {
	u, err := url.Parse(localPath(back, ""))
	return u, err == nil && u.Path == "/review"
}
