package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// measurable gives an application a server whose configuration is known.
func measurable(p *grant.Proposal) {
	p.Endpoints = []claim.Endpoint{{Link: "socks5://user:hunter2-not-for-eyes@192.0.2.7:1080"}}
}

// TestAHighCheckAsksWhoApprovesForANote takes two applications to one address over
// the page, without a note and with one.
func TestAHighCheckAsksWhoApprovesForANote(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	alone := r.idOf(r.apply(0, measurable))
	path := "/review/" + alone
	seen := ada.get(path).wants(200, "Automatic checks", "PASS Payout address. No other application has this payout address.", "PASS Statement. No statement like this one was found.", "LOW Servers. 0 of 1 server was up at the latest check; 1 not checked yet")
	if strings.Contains(seen.text(), "HIGH Payout") {
		t.Error("an address that nobody else has is high")
	}
	ada.vote(alone, "approve", "").wants(200)
	twin := r.idOf(r.apply(0, measurable, func(p *grant.Proposal) { p.Title = "Another title" }))

	seen = bo.get(path).wants(200, "HIGH Payout address. 1 other application has the same payout address: 1 open or approved, 0 declined or withdrawn.", "HIGH Statement.", "HIGH Shared servers.")
	if !strings.Contains(string(seen.body), `href="/review/`+twin+`"`) || strings.Index(seen.text(), "HIGH") > strings.Index(seen.text(), "PASS") {
		t.Error("the other application is not a link, or the worst is not first")
	}
	bo.vote(alone, "approve", "").wants(422, "Automatic checks are HIGH: payout address, statement, shared servers. To approve, tell your colleagues why that is acceptable.")
	bo.vote(alone, "approve", "The same operator in two regions.").wants(200, "Ready to decide")
	bo.submit(bo.get(path), path+"/decide", url.Values{"button": {"outcome=approve"}}).wants(200, "Approved")

	path = "/review/" + twin
	for _, b := range []*browser{ada, bo} {
		b.vote(twin, "decline", "Twice the same.").wants(200)
	}
	ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=decline"}, "message": {"We have it already."}}).wants(200, "Declined")
}

// TestADecisionOnWhatBecameHighKeepsTheForm holds the note's place in the form of
// the decision.
func TestADecisionOnWhatBecameHighKeepsTheForm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	id := r.idOf(r.apply(0, measurable))
	path := "/review/" + id
	ada.vote(id, "approve", "").wants(200)
	bo.vote(id, "approve", "").wants(200)
	r.apply(0, measurable)

	refused := ada.submit(ada.get(path), path+"/decide", url.Values{"button": {"outcome=approve"}, "message": {"Kept words"}})
	refused.wants(422, "Automatic checks are HIGH: payout address, statement, shared servers.")
	if got := fields(refused.form(path + "/decide")).Get("message"); got != "Kept words" {
		t.Errorf("the form forgot the message: %q", got)
	}
	done := ada.submit(refused, path+"/decide", url.Values{"button": {"outcome=approve"}, "decide_note": {"Somebody copied it."}})
	done.wants(200, "Approved", "Somebody copied it.")
}
