package web_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html/atom"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// granted makes n approved grants in a funded treasury.
func (r *rig) granted(n uint32) (codes []string) {
	r.t.Helper()
	r.fundTreasury(10_000_000, 3_000_000)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	for i := range n {
		code := r.apply(i)
		r.approve(ada, bo, r.idOf(code))
		codes = append(codes, code)
	}
	return codes
}

func TestTreasurerReleasesABatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	codes := r.granted(3)
	tove := r.hire("Tove", identity.RoleTreasurer)

	tove.get("/batches").wants(200, "3 approved instalments wait", "600 000")
	tove.get("/grants").wants(200, "3 grants", "To be paid")
	form := tove.get("/batches/new").wants(200, "600 000", "12 400 000")
	dry := tove.submit(form, "/batches", url.Values{"button": {"/batches/dry-run"}}).wants(200, "can be paid", "Every approved payment is in the transaction")
	if labels := drawn(dry); len(labels) < 4 {
		t.Errorf("the drawing has %d bands", len(labels))
	}
	batch := tove.submit(dry, "/batches", nil).wants(200, "B-0001", "Approve this batch", "waiting for a treasurer", "100 000sat at most")
	tove.submit(dry, "/batches", nil).wants(409, "no longer free")

	path := batch.path
	wrong := tove.submit(batch, path+"/approve", url.Values{"typed_number": {"B-0002"}}).wants(422, "This is not the number of this batch")
	if fields(wrong.form(path+"/approve")).Get("typed_number") != "B-0002" {
		t.Error("the form forgot what was typed")
	}
	tove.submit(batch, path+"/approve", url.Values{"typed_number": {"B-0001"}, "digest": {strings.Repeat("0", 64)}}).wants(409, "not the digest")
	tove.get(path + "/psbt").wants(404)
	tove.submit(batch, path+"/approve", url.Values{"typed_number": {"b-1"}}).wants(200, "The worker is choosing coins", "Tove")
	tove.submit(batch, path+"/cancel", nil).wants(409, "Two versions")
	r.browse().post("/status", url.Values{"code": {codes[0]}}).wants(200, "Your payment is in a batch")

	r.conduct()
	signing := tove.get(path).wants(200, "Waiting for the signer", "5 of 5 pass", "All inputs and outputs as a table")
	if labels := drawn(signing); len(labels) < 4 {
		t.Errorf("the drawing has %d bands", len(labels))
	}
}

func TestBatchFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	codes := r.granted(2)
	tove := r.hire("Tove", identity.RoleTreasurer)
	batch := tove.submit(tove.get("/batches/new"), "/batches", nil)
	path := batch.path
	tove.submit(batch, path+"/approve", url.Values{"typed_number": {"1"}}).wants(200)
	r.conduct()

	psbt := tove.get(path + "/psbt").wants(200)
	if _, err := txbuild.ParsePSBT(psbt.body); err != nil || psbt.header.Get("Content-Disposition") != `attachment; filename="B-0001-1.psbt"` {
		t.Errorf("no PSBT: %v, %q", err, psbt.header.Get("Content-Disposition"))
	}
	rows, err := csv.NewReader(bytes.NewReader(tove.get(path + "/csv").wants(200).body)).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][4] != "200000" || rows[1][7] == "" {
		t.Errorf("recipients: %v, %v", err, rows)
	}
	if note := tove.get(path + "/note").wants(200); !bytes.HasPrefix(note.body, []byte("causeway/batch/v2\n")) {
		t.Errorf("note: %s", note.body)
	}
	p := tove.get(path).wants(200, "Signing", "The signer does not answer")
	if p.has(path+"/cancel") || p.has(path+"/approve") {
		t.Error("what can be paid is offered to be cancelled")
	}
	tove.get("/batches").wants(200, "B-0001", "Signing")
	tove.get("/batches?state=signing").wants(200, "B-0001")
	tove.get("/batches?state=composed").wants(200, "No batch yet")
	tove.get("/batches?state=nonsense").wants(200, "No batch yet")
	tove.get("/treasury").wants(200, "Ledger and chain agree", "Reserved", "B-0001", "13 000 000")
	r.browse().post("/status", url.Values{"code": {codes[1]}}).wants(200, "Your payment is being signed")
}

// A filter by state is asked of the database: a page is full however far apart its batches are.
func TestBatchesAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := r.hire("Tove", identity.RoleTreasurer)
	_, err := r.owner.Pool().Exec(t.Context(), `INSERT INTO batch (id, fund_id, number, state, version, note, digest, treasury, until, feerate_sat_kvb, max_feerate_sat_kvb,
			max_fee_sat, seed, composed_by, created_at, changed_at)
		SELECT gen_random_uuid(), f.id, n, CASE WHEN n % 10 = 0 THEN 'composed' ELSE 'cancelled' END, 1, 'note', sha256(n::text::bytea), 0, now() + interval '7 d', 5000, 50000,
			100000, sha256('s'), s.id, now(), now()
		FROM fund f, (SELECT id FROM staff LIMIT 1) s, generate_series(1, 220) n`)
	must(t, err)
	numbers := func(p page) (list []string) {
		for _, cells := range p.rows("cards-narrow") {
			list = append(list, cells[0])
		}
		return list
	}
	all := tove.get("/batches").wants(200)
	if got := numbers(all); len(got) != 20 || got[0] != "B-0220" || got[19] != "B-0201" || !all.links("/batches?cursor=201") {
		t.Errorf("the first page has %v", got)
	}
	if got := numbers(tove.get("/batches?cursor=201").wants(200)); len(got) != 20 || got[0] != "B-0200" {
		t.Errorf("the second page has %v", got)
	}
	few := tove.get("/batches?state=composed").wants(200)
	if got := numbers(few); len(got) != 20 || got[0] != "B-0220" || got[19] != "B-0030" || !few.links("/batches?cursor=30&state=composed") {
		t.Errorf("the first page of those composed has %v", got)
	}
	last := tove.get("/batches?cursor=30&state=composed").wants(200)
	if got := numbers(last); len(got) != 2 || got[1] != "B-0010" || last.links("/batches?cursor=10&state=composed") {
		t.Errorf("the last page of those composed has %v", got)
	}
	tove.get("/batches?state=final").wants(200, "No batch yet")
}

// drawn returns the labels of the drawing.
func drawn(p page) (labels []string) {
	for n := range p.doc.Descendants() {
		if n.Data == "path" {
			labels = append(labels, attr(n, "d"))
		}
	}
	return labels
}

func TestRefusedOrderComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(1)
	tove := r.hire("Tove", identity.RoleTreasurer)
	form := tove.get("/batches/new")

	for _, c := range []struct {
		set  url.Values
		says string
	}{
		{url.Values{"feerate_typed": {"1,5"}}, "digits and a point"},
		{url.Values{"feerate_typed": {"1.2345"}}, "at most three decimals"},
		{url.Values{"feerate_typed": {"0"}}, "must be more than zero"},
		{url.Values{"feerate_typed": {"0.999"}}, "from 1 sat/vB, from which on the node relays"},
		{url.Values{"max_feerate": {"100.001"}}, "the fund's limit of 100 sat/vB"},
		{url.Values{"max_fee_sat": {"9999999"}}, "the fund's limit of 100000 sat"},
		{url.Values{"max_fee_sat": {"100"}}, "cannot be paid like this"},
		{url.Values{"instalment": nil}, "Fill this in"},
		{url.Values{"instalment": {"nonsense"}}, "does not exist"},
	} {
		p := tove.submit(form, "/batches", merge(c.set, url.Values{"button": {"/batches/dry-run"}})).wants(422, c.says)
		for name := range c.set {
			if name != "instalment" && fields(p.form("/batches")).Get(name) != c.set.Get(name) {
				t.Errorf("%v: the form forgot", c.set)
			}
		}
		tove.submit(form, "/batches", url.Values{"instalment": {"00000000-0000-0000-0000-000000000000"}}).wants(409, "no longer free")
	}
}

func merge(a, b url.Values) url.Values {
	out := url.Values{}
	for _, v := range []url.Values{a, b} {
		for k, list := range v {
			out[k] = list
		}
	}
	return out
}

func TestWhoReviewedDoesNotPay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000)
	both, bo := r.hire("Both", identity.RoleReviewer, identity.RoleTreasurer), r.hire("Bo", identity.RoleReviewer)
	r.approve(both, bo, r.idOf(r.apply(0)))

	form := both.get("/batches/new").wants(200)
	both.submit(form, "/batches", url.Values{"button": {"/batches/dry-run"}}).wants(403, "You reviewed one of these applications")
	both.submit(form, "/batches", nil).wants(403, "You reviewed one of these applications")
}

func TestTwoPeopleCloseABreaker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.store.Trip(t.Context(), 0, payout.Finding{Code: payout.ForeignSpend, Subject: "x", Detail: "Somebody spent a coin.", At: epoch}))
	one, two := r.hire("Tove", identity.RoleTreasurer), r.hire("Tage", identity.RoleTreasurer)
	aude := r.hire("Aude", identity.RoleAuditor)
	const reset = "/treasury/breakers/1/reset"

	if p := aude.get("/treasury").wants(200, "All signing is stopped", "Somebody spent a coin."); p.has(reset) {
		t.Error("an auditor is offered to reset")
	}
	seen := two.get("/treasury")
	first := one.submit(one.get("/treasury"), reset, nil).wants(200, "1 of 2 people", "You have agreed")
	if first.has(reset) {
		t.Error("one person is offered to reset twice")
	}
	must(t, r.store.Trip(t.Context(), 0, payout.Finding{Code: payout.ForeignSpend, Subject: "y", Detail: "Somebody spent another coin.", At: epoch}))
	two.submit(seen, reset, nil).wants(409, "Something else was found")
	one.submit(one.get("/treasury").wants(200, "0 of 2 people", "Somebody spent a coin.", "Somebody spent another coin."), reset, nil).wants(200, "1 of 2 people")
	if p := two.submit(two.get("/treasury"), reset, nil).wants(200); strings.Contains(p.text(), "All signing is stopped") {
		t.Error("two resets did not close it")
	}
	two.submit(seen, reset, nil).wants(409, "Two people have already agreed to this")
	two.submit(seen, "/treasury/breakers/1/reset", url.Values{"button": {"/treasury/breakers/77/reset"}}).wants(404, "no breaker with this number")
}

func TestAuditPageNamesTheRows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(1)
	rows := postgres.AuditStore{DB: r.owner}
	vkey := r.auditKey.PublicKey()
	_, _, err := audit.NewLog(rows, r.clock, vkey).Checkpoint(t.Context(), r.auditKey)
	must(t, err)
	aude := r.hire("Aude", identity.RoleAuditor)

	aude.get("/audit").wants(200, "application.approved", "Ada", "Bo", "causeway/"+r.fund.ID.String(), "signed")
	approved := aude.get("/audit?action=application.approved&actor=ada").wants(200, "application.approved")
	if n := rowsOf(approved); n != 1 {
		t.Errorf("%d rows fit, want 1", n)
	}
	for _, query := range []string{"action=no.such", "actor=nobody-here", "object=nothing", "colour=red"} {
		if n := rowsOf(aude.get("/audit?"+query).wants(200, "No row fits")); n != 0 {
			t.Errorf("%s shows %d rows", query, n)
		}
	}
	aude.get("/audit?cursor=-1").wants(400)
	bundle := aude.get("/audit/bundle").wants(200)
	if report, err := audit.VerifyBundle(bytes.NewReader(bundle.body), vkey); err != nil || report.Finding != nil {
		t.Errorf("the bundle does not verify: %v, %+v", err, report)
	}
	if bundle.header.Get("Content-Type") != "application/json" || bundle.status != http.StatusOK {
		t.Errorf("%d %s", bundle.status, bundle.header.Get("Content-Type"))
	}
}

func rowsOf(p page) int {
	n := 0
	for x := range p.doc.Descendants() {
		if x.DataAtom == atom.Tr && x.Parent != nil && x.Parent.DataAtom == atom.Tbody {
			n++
		}
	}
	return n
}
