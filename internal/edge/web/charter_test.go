package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/keytest"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// chartered is the fund of the rig with a charter whose keys the test holds.
func (r *rig) chartered() keytest.Fund {
	r.t.Helper()
	params, err := wallet.Params(network)
	must(r.t, err)
	f := keytest.NewFund(keytest.Plan{
		Net: params, Now: r.clock.Now(), Treasury: account(r.t, 1), Change: func(c *charter.Charter) { c.Fund = r.fund.ID },
	})
	_, err = r.charters.Begin(r.t.Context(), f.Charter.Encode(), f.SignCharter())
	must(r.t, err)
	return f
}

func TestTheCharterIsShownAndChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ann := r.hire("Ann", identity.RoleReviewer)
	const propose = "/charter"
	empty := ann.get("/charter").wants(200, "No charter yet", "causeway admin charter")
	if empty.has(propose) {
		t.Error("a first charter can be proposed on the page")
	}
	f := r.chartered()
	page := ann.get("/charter").wants(200, "Version 1", "Trustee 1", "Reviewer 2", "Treasurer 1", "Of them at a terminal",
		"50 000 000", f.Trustees[0].SSH[0].Fingerprint(), f.Charter.Digest().String())
	text := ann.get("/charter/" + f.Charter.Digest().String())
	if string(text.body) != string(f.Charter.Encode()) {
		t.Error("the text is not the one that the digest is of")
	}
	ann.get("/charter/" + strings.Repeat("0", 64)).wants(404)
	ann.get("/charter/rubbish").wants(404)

	ann.submit(page, propose, url.Values{"text": {"rubbish <b>"}}).wants(422, "Line 1 of the charter", "rubbish <b>")
	ann.submit(page, propose, url.Values{"text": {string(f.Charter.Encode())}}).wants(409, "does not follow")
	two := f.Next(func(c *charter.Charter) { c.Limits.Day, c.HoldHours = 60_000_000, 72 })
	windows := strings.ReplaceAll(string(two.Charter.Encode()), "\n", "\r\n") // as browsers send it
	draft := ann.submit(page, propose, url.Values{"text": {windows}}).
		wants(200, "Draft of version 2", "Ann", "Loosens", "0 of 2 trustees of version 1 signed", "Not signed: Trustee", "causewayctl charter sign")

	sign := "/charter/" + two.Charter.Digest().String() + "/sign"
	signature := func(by *keytest.Person) url.Values {
		return url.Values{"signature": {strings.TrimSpace(string(by.SignSSH(two.Charter.Encode())))}}
	}
	ann.submit(draft, sign, url.Values{"signature": {"rubbish"}}).wants(422, "not an SSH signature")
	ann.submit(draft, sign, signature(f.Reviewers[0])).wants(409, "belongs to no trustee")
	signed := ann.submit(draft, sign, signature(f.Trustees[0])).wants(200, "1 of 2 trustees of version 1 signed", "Signed: Trustee 1")
	done := ann.submit(signed, sign, signature(f.Trustees[1])).wants(200, "Version 2", "60 000 000", "these versions still bind: 1", "All versions")
	if done.has(sign) {
		t.Error("the draft is still there")
	}
	ann.post(sign, signature(f.Trustees[2])).wants(403) // without the form's token
	r.clock.Advance(48 * time.Hour)
	late := r.hire("Bo", identity.RoleAuditor).get("/charter").wants(200, "Version 2")
	if strings.Contains(late.text(), "still bind") {
		t.Error("after its hold version 1 is said to bind")
	}
}

// TestAForgedCharterIsShownAsRefused: who writes into the database is seen on the page.
func TestAForgedCharterIsShownAsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	f := r.chartered()
	forged := f.Next(func(c *charter.Charter) { c.HoldHours = 1 }).Charter
	digest := forged.Digest()
	_, err := r.app.Pool().Exec(t.Context(), "INSERT INTO charter (digest, text, taken_in_at) VALUES ($1, $2, now())", digest[:], forged.Encode())
	must(t, err)
	r.hire("Ann", identity.RoleTreasurer).get("/charter").wants(200, "Version 1", "does not hold", digest.String(), "0 of the 2 trustees")
}
