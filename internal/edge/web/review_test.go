package web_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html/atom"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// vote casts a vote on the page of an application.
func (b *browser) vote(id, verdict, note string) page {
	b.t.Helper()
	path := "/review/" + id
	return b.submit(b.get(path), path+"/vote", url.Values{"button": {"verdict=" + verdict}, "note": {note}})
}

// ask sends the operator of an application a question.
func (b *browser) ask(id, question string) page {
	b.t.Helper()
	path := "/review/" + id
	return b.submit(b.get(path), path+"/ask", url.Values{"question": {question}})
}

// approve takes an application through two votes and the decision.
func (r *rig) approve(one, two *browser, id string) {
	r.t.Helper()
	one.vote(id, "approve", "The applications of a test are alike.").wants(200)
	two.vote(id, "approve", "The applications of a test are alike.").wants(200)
	path := "/review/" + id
	one.submit(one.get(path), path+"/decide", url.Values{"button": {"outcome=approve"}}).wants(200, "Approved")
}

func TestReviewersApproveAnApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	id := r.idOf(r.apply(0))
	path := "/review/" + id
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)

	queue := ada.get("/review?view=open&protocol=socks5").wants(200, "A proxy for students", "1 application", "0 %")
	beside := ada.get("/review?view=open&protocol=socks5&id="+id).wants(200, "192.0.2.7:1080", "Iran", "causeway/decision/v2")
	if !strings.Contains(string(queue.body), path+"?back=") || strings.Contains(string(beside.body), "hunter2") {
		t.Error("a row lacks the address of its pane, or a secret is shown")
	}
	claimed := ada.submit(beside, path+"/claim", nil).wants(200, "Let go")
	if claimed.path != "/review?id="+id+"&protocol=socks5&view=open" {
		t.Errorf("after a claim the list is at %s", claimed.path)
	}
	hers := bo.get(path).wants(200, "Ada is on it until")
	if hers.has(path + "/vote") {
		t.Error("a vote is offered on what somebody else holds")
	}
	bo.submit(hers, path+"/note", url.Values{"text": {"Same host as another one?"}}).wants(200, "Same host as another one?")
	bo.post(path+"/claim", url.Values{"csrf": {fields(hers.form(path + "/note")).Get("csrf")}}).wants(409, "Ada is working on this one")

	ada.vote(id, "approve", "Good work.").wants(200, "voted to approve", "You have voted on this revision.")
	before := ada.get(path)
	if before.has(path + "/decide") {
		t.Error("a decision is offered without a quorum")
	}
	bo.vote(id, "decline", "").wants(422, "Fill this in")
	bo.vote(id, "approve", "").wants(200)
	ready := ada.get(path).wants(200, "Ready to decide")
	bo.submit(bo.get(path), path+"/message", url.Values{"text": {"We are about to decide."}}).wants(200)

	stale := ada.submit(ready, path+"/decide", url.Values{"button": {"outcome=approve"}}).wants(409, "Two versions", "Your form was not used")
	yours, now := fields(ready.form(path+"/decide")).Get("version"), fields(ada.get(path).form(path+"/decide")).Get("version")
	stale.wants(409, "You looked at version "+yours+"; it is now at version "+now)

	declined := ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=decline"}, "reason_code": {"unclear"}, "message": {"Kept words"}})
	declined.wants(409, "There are not enough votes for this decision")
	if got := fields(declined.form(path + "/decide")).Get("message"); got != "Kept words" {
		t.Errorf("the form forgot the message: %q", got)
	}
	ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=approve"}}).wants(200, "Approved", "The review has ended")
	ada.get("/review?view=approved").wants(200, "1 application")
}

func TestAskingShowsTheOperatorTheQuestion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.apply(0)
	id := r.idOf(code)
	ada, operator := r.hire("Ada", identity.RoleReviewer), r.browse()

	ada.ask(id, "How many people use it?").wants(200, "The operator was asked a question")
	asked := operator.post("/status", url.Values{"code": {code}}).wants(200, "The reviewers ask", "How many people use it?", "Reviewers asked you a question")
	if strings.Contains(asked.text(), "Ada") {
		t.Error("the operator reads a reviewer's name")
	}
	operator.submit(asked, "/status/messages", url.Values{"text": {"About 700."}}).wants(200, "You answered")

	ada.get("/review/"+id).wants(200, "About 700.", "In review")
}

func TestVotesStayInside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.apply(0)
	ada := r.hire("Ada", identity.RoleReviewer)

	ada.vote(r.idOf(code), "approve", "Good work.").wants(200)
	path := "/review/" + r.idOf(code)
	ada.submit(ada.get(path), path+"/note", url.Values{"text": {"One more vote to go."}}).wants(200)
	seen := r.browse().post("/status", url.Values{"code": {code}}).wants(200, "Reviewers are looking at it")

	lines := 0
	for n := range seen.doc.Descendants() {
		if n.DataAtom == atom.Li && n.Parent != nil && attr(n.Parent, "class") == "feed" {
			lines++
			if strings.HasPrefix(strings.TrimSpace(textOf(n)), "2026") {
				t.Error("a line of the timeline says nothing")
			}
		}
	}
	if lines != 2 || strings.Contains(seen.text(), "Good work") || strings.Contains(seen.text(), "vote") {
		t.Errorf("%d lines, want what was received and that the review began:\n%s", lines, seen.text())
	}
}

func TestDeclineReasonReachesTheOperatorInTheirLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.apply(0, func(p *grant.Proposal) { p.Language = "ru" })
	id := r.idOf(code)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	ada.vote(id, "decline", "Too dear.")
	bo.vote(id, "decline", "Too dear.")
	path := "/review/" + id

	ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=decline"}, "reason_code": {"too_expensive"}}).wants(200, "Declined")

	r.browse().post("/status", url.Values{"code": {code}}).wants(200, "Declined", "Расходы заметно выше")
}

func TestFiltersFailClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.idOf(r.apply(0))
	b := r.hire("Ada", identity.RoleReviewer)

	for query, says := range map[string]string{
		"view=evrything": "view=evrything", "protocol=sock5": "protocol=sock5", "colour=red": "colour",
	} {
		p := b.get("/review?"+query).wants(200, "There is no filter “"+says+"”")
		if strings.Contains(string(p.body), id) {
			t.Errorf("%s shows an application", query)
		}
	}
	for _, query := range []string{"region=ZZ", "lang=xx", "q=nothing+like+it", "view=mine", "view=declined"} {
		if p := b.get("/review?"+query).wants(200, "No application fits"); strings.Contains(string(p.body), id) {
			t.Errorf("%s shows an application", query)
		}
	}
	b.get("/review?cursor=nonsense").wants(400)
	b.get("/review?id=" + strings.Repeat("0", 8) + "-0000-0000-0000-000000000000").wants(404)
	b.get("/review?id=nonsense").wants(200, "Pick an application")
}

func TestSearchWalksThePages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range uint32(60) {
		r.clock.Advance(1e9)
		r.apply(i, func(p *grant.Proposal) { p.Title = "Server number " + strconv.Itoa(int(i)) })
	}
	b := r.hire("Ada", identity.RoleReviewer)

	first := b.get("/review").wants(200, "60 applications", "Server number 59")
	next := ""
	for n := range first.doc.Descendants() {
		if attr(n, "rel") == "next" {
			next = attr(n, "href")
		}
	}
	second := b.get(next).wants(200, "Server number 9", "Server number 0", "First page")

	if strings.Contains(first.text(), "Server number 9 ") || strings.Contains(second.text(), "Server number 10 ") {
		t.Error("pages overlap")
	}
	b.get("/review?q=NUMBER+7&view=all").wants(200, "Server number 7")
	b.get("/review?view=to_vote").wants(200, "60 applications")
}

func TestPaneIsAFragment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := "/review/" + r.idOf(r.apply(0))
	b := r.hire("Ada", identity.RoleReviewer)
	b.header.Set("HX-Request", "true")

	pane := b.get(path+"?part=detail&back=%2Freview%3Fview%3Dmine").wants(200, "A proxy for students")

	if strings.Contains(string(pane.body), "<html") || !strings.Contains(string(pane.body), `value="/review?view=mine"`) {
		t.Errorf("the pane is a page, or forgot the way back: %s", pane.body)
	}
	back := fields(b.get(path + "?back=https%3A%2F%2Fevil.example").form(path + "/claim")).Get("back")
	if back != "/review" {
		t.Errorf("the way back leads to %q", back)
	}
}

// copies adds n applications like the only one there is, all older, with another
// region and without text.
func (r *rig) copies(n int) {
	r.t.Helper()
	_, err := r.owner.Pool().Exec(r.t.Context(), `WITH copy AS (
			INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index,
				data_key, key_id, submitted_at, changed_at)
			SELECT gen_random_uuid(), fund_id, 'GR-' || lpad(n::text, 8, '0'), 'copy of ' || n, state, revision, version, protocols, 'CN', language, amount_sat, payee_index,
				NULL, key_id, submitted_at - n * interval '1 second', changed_at FROM application, generate_series(1, $1::integer) n RETURNING id)
		INSERT INTO application_revision SELECT c.id, 1, r.body, r.body_sha256, r.amount_sat, r.created_at FROM copy c, application_revision r`, n)
	must(r.t, err)
}

func TestMoreThan500AreShownAs500AndMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(0)
	r.copies(510)
	b := r.hire("Ada", identity.RoleReviewer)

	list := b.get("/review?view=to_vote").wants(200, "500+ applications")
	if got := strings.Count(list.text(), "500+"); got != 4 { // open, to vote, all, and the list
		t.Errorf("%d counts end at 500, want those of three views and the list", got)
	}
	b.get("/review?region=IR").wants(200, "1 application", "A proxy for students")
	b.get("/review?region=CN").wants(200, "500+ applications")
	b.get("/review?q=students").wants(200, "1 application", "A proxy for students")
	b.get("/review?view=mine").wants(200, "0 applications")
}

func TestAFilterThatFewFitOffersTheOlderOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(0, func(p *grant.Proposal) {
		p.Endpoints[0].Protocol = "mtproto"
		p.Endpoints[0].Secret = "00112233445566778899aabbccddeeff"
	})
	r.copies(2_100)
	must(t, exec(r, "UPDATE application SET protocols = '{socks5}', submitted_at = submitted_at + interval '1 day' WHERE data_key IS NULL"))
	b := r.hire("Ada", identity.RoleReviewer)

	first := b.get("/review?protocol=mtproto").wants(200, "None of the newest applications fits", "0+ applications", "Next page")
	next := ""
	for n := range first.doc.Descendants() {
		if attr(n, "rel") == "next" {
			next = attr(n, "href")
		}
	}
	b.get(next).wants(200, "A proxy for students")
	b.get("/review?protocol=trojan&region=IR").wants(200, "No application fits")
}

func exec(r *rig, sql string) error {
	_, err := r.owner.Pool().Exec(r.t.Context(), sql)
	return err
}

func TestANameFindsItsApplicationInAnyView(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.apply(0)
	r.apply(1)
	s, err := r.grants.Status(t.Context(), code)
	must(t, err)
	_, err = r.grants.Withdraw(t.Context(), code)
	must(t, err)
	b := r.hire("Ada", identity.RoleReviewer)

	for _, q := range []string{s.Application.Reference, strings.ToLower(s.Application.Reference[3:]), strings.ToUpper(s.Application.Designation)} {
		p := b.get("/review?view=ready&region=CN&q="+url.QueryEscape(q)).wants(200, "1 application", s.Application.Designation)
		if !strings.Contains(string(p.body), s.Application.ID.String()) {
			t.Errorf("%q does not lead to the application", q)
		}
	}
	b.get("/review?q="+strings.Repeat("x", grant.MaxSearch+1)).wants(200, "at most 120 characters", "0 applications")
}

// TestUnansweredMessagesHaveALimit fills a receipt with messages on the operator's page.
func TestUnansweredMessagesHaveALimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.apply(0)
	b := r.browse()
	for range grant.MaxUnanswered {
		status := b.post("/status", url.Values{"code": {code}})
		b.submit(status, "/status/messages", url.Values{"text": {"Are you there?"}}).wants(200)
	}
	status := b.post("/status", url.Values{"code": {code}})
	b.submit(status, "/status/messages", url.Values{"text": {"Kept words"}}).wants(422, "Your last 10 messages are unanswered", "Kept words")
}
