package web_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// What is written in a test for colleagues alone, and what for the operator.
const (
	forColleagues = "colleagues-only-7c1f"
	forOperator   = "operator-reads-4b2e"
)

// operatorSees returns all that the holder of a receipt code is shown: the status
// page, the status of the API, and what the domain hands to either.
func (r *rig) operatorSees(code string) string {
	r.t.Helper()
	page := r.browse().post("/status", url.Values{"code": {code}}).wants(200)
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+"/v1/application", nil)
	must(r.t, err)
	req.Header.Set(api.HeaderReceipt, code)
	res, err := (&http.Client{}).Do(req)
	must(r.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(r.t, err)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), "GR-") {
		r.t.Fatalf("/v1/application answers %d: %s", res.StatusCode, body)
	}
	return string(page.body) + string(body)
}

// TestNotesForColleaguesNeverReachTheOperator walks every way in which a reviewer
// writes, in every order that leads to a decision. What is for colleagues is never
// in front of the operator, before the decision and after it; what is for the
// operator is there word for word.
func TestNotesForColleaguesNeverReachTheOperator(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	ada, bo, cy := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer), r.hire("Cy", identity.RoleReviewer)
	for i, outcome := range []grant.Verdict{grant.VerdictApprove, grant.VerdictDecline} {
		other := map[grant.Verdict]grant.Verdict{grant.VerdictApprove: grant.VerdictDecline, grant.VerdictDecline: grant.VerdictApprove}[outcome]
		code := r.apply(uint32(i))
		id := r.idOf(code)
		path := "/review/" + id
		clean := func(when string) {
			t.Helper()
			if strings.Contains(r.operatorSees(code), forColleagues) {
				t.Fatalf("%s, %s: the operator reads what was written for colleagues", outcome, when)
			}
		}
		ada.submit(ada.get(path), path+"/note", url.Values{"text": {forColleagues + " note"}}).wants(200, forColleagues+" note")
		clean("after a note")
		ada.ask(id, forOperator+" question").wants(200, forOperator+" question")
		clean("after a question")
		operator := r.browse()
		operator.submit(operator.post("/status", url.Values{"code": {code}}), "/status/messages", url.Values{"text": {"An answer."}}).wants(200)
		cy.vote(id, string(other), forColleagues+" minority").wants(200)
		ada.vote(id, string(outcome), forColleagues+" vote").wants(200)
		clean("after two votes")
		bo.vote(id, string(outcome), forColleagues+" last vote").wants(200, forColleagues+" minority", forColleagues+" vote", forColleagues+" last vote")
		clean("with a quorum")
		ada.submit(ada.get(path), path+"/message", url.Values{"text": {forOperator + " message"}}).wants(200)
		ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=" + string(outcome)}, "message": {forOperator + " decision"}, "decide_note": {forColleagues + " with the decision"}}).wants(200, forColleagues+" with the decision")
		clean("after the decision")
		seen := r.operatorSees(code)
		for _, words := range []string{" question", " message", " decision"} {
			if strings.Count(seen, forOperator+words) < 2 {
				t.Errorf("%s: page and API do not both show the operator what was written for them: %q", outcome, words)
			}
		}
	}
}

// TestEachBoxNamesItsReader holds the two boxes of the review page apart.
func TestEachBoxNamesItsReader(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.idOf(r.apply(0))
	ada := r.hire("Ada", identity.RoleReviewer)
	page := ada.get("/review/"+id).wants(200, "Note for colleagues", "Only reviewers read this", "Message to the operator", "The operator reads this word for word")
	boxes := map[string]struct{ field, class string }{"/vote": {"note", "talk internal"}, "/ask": {"question", "talk outgoing"}}
	for action, want := range boxes {
		form := page.form("/review/" + id + action)
		if form == nil {
			t.Fatalf("no form for %s", action)
		}
		if got := attr(form, "class"); got != want.class {
			t.Errorf("%s is of class %q, want %q", action, got, want.class)
		}
		sent := fields(form)
		if _, ok := sent[want.field]; !ok {
			t.Errorf("%s does not send %q but %v", action, want.field, sent)
		}
		for other, x := range boxes {
			if _, ok := sent[x.field]; ok && other != action {
				t.Errorf("%s sends the words of %s as well", action, other)
			}
		}
	}
	ada.ask(id, " ").wants(422, "Fill this in")
	ada.vote(id, "decline", "").wants(422, "Fill this in")
}

// TestTheHomePageShowsOnlyTotals grants one application and looks for its traces.
func TestTheHomePageShowsOnlyTotals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	code := r.apply(0)
	id := r.idOf(code)
	r.approve(r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer), id)
	status, err := r.grants.Status(t.Context(), code)
	must(t, err)
	home := r.browse().get("/").wants(200, "Paid so far")
	for _, word := range []string{status.Application.Reference, status.Application.Designation, status.Body.Title, status.Body.PayoutAddress, "192.0.2.7", id} {
		if word == "" || strings.Contains(string(home.body), word) {
			t.Errorf("the home page shows %q of an application", word)
		}
	}
}
