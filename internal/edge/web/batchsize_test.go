package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// largestPage is how long a staff page with 200 payees may be, in bytes: a third of what
// the batch page was.
const largestPage = 90_000

// grantedToMany makes n approved grants to the longest addresses that there are: one as
// people make it, and the others as copies of its rows with notes of their own.
func (r *rig) grantedToMany(n int) {
	r.t.Helper()
	ctx := r.t.Context()
	r.fundTreasury(30_000_000, 30_000_000)
	params, err := wallet.Params(network)
	must(r.t, err)
	seed := sha256.Sum256([]byte{3})
	payees, err := wallet.DescriptorFromSeed(seed[:], wallet.KindTR, params)
	must(r.t, err)
	first, err := payees.Address(wallet.ChainDeposit, 0)
	must(r.t, err)
	ada, bo := r.hire("Ada", identity.RoleReviewer), r.hire("Bo", identity.RoleReviewer)
	r.approve(ada, bo, r.idOf(r.apply(0, func(p *grant.Proposal) { p.PayoutAddress = first })))

	due, err := r.payouts.Payable(ctx, identity.System("test"))
	must(r.t, err)
	conn, err := r.owner.Pool().Acquire(ctx)
	must(r.t, err)
	defer conn.Release()
	sql := func(text string, args ...any) {
		r.t.Helper()
		if _, err := conn.Exec(ctx, text, args...); err != nil {
			r.t.Fatalf("%s: %v", text, err)
		}
	}
	sql("SET session_replication_role = replica")
	for i := 1; i < n; i++ {
		note, err := decision.Parse([]byte(due[0].Note))
		must(r.t, err)
		note.Decision, note.Grant = uuid.New(), uuid.New()
		var to decision.Payee
		to.Address, err = payees.Address(wallet.ChainDeposit, uint32(i))
		must(r.t, err)
		to.Script, err = payees.Script(wallet.ChainDeposit, uint32(i))
		must(r.t, err)
		note.Payees = []decision.Payee{to}
		digest, application := note.Digest(), uuid.New()
		reference, designation := fmt.Sprintf("GR-%08d", i), "amber violet "+letters(100_000+i)
		sql(`INSERT INTO application (id, fund_id, reference, designation, state, revision, version, protocols, region, language, amount_sat, payee_index, data_key, key_id, submitted_at, changed_at)
			SELECT $1, fund_id, $2, $3, state, revision, version, protocols, region, language, amount_sat, $4, data_key, key_id, submitted_at, changed_at
			FROM application WHERE reference = $5`, application, reference, designation, digest[:], due[0].Reference)
		sql(`INSERT INTO application_revision SELECT $1, revision, body, body_sha256, amount_sat, created_at FROM application_revision LIMIT 1`, application)
		sql(`INSERT INTO decision SELECT $1, $2, revision, $3, $4, note, amount_sat, created_at FROM decision LIMIT 1`, note.Decision, application, note.Grant, digest[:])
		sql(`INSERT INTO grants SELECT $1, $2, fund_id, $3, $4, state, amount_sat, version, created_at FROM grants LIMIT 1`, note.Grant, application, reference, designation)
		sql(`INSERT INTO instalment SELECT $1, $2, period, $3, $4, $5, $6, $7, amount_sat, due_at, until_at, state, held_reason, version, created_at, changed_at FROM instalment LIMIT 1`,
			uuid.New(), note.Grant, note.Decision, digest[:], string(note.Encode()), to.Script, to.Address)
	}
	sql("RESET session_replication_role")
	sql(`WITH t AS (INSERT INTO ledger_transfer (kind, ref, at) SELECT kind, 'copies', at FROM ledger_transfer ORDER BY id DESC LIMIT 1 RETURNING id)
		INSERT INTO ledger_posting SELECT t.id, p.account, p.amount_sat * $1 FROM t, ledger_posting p WHERE p.transfer_id = (SELECT max(id) FROM ledger_transfer)`, n-1)
}

// putBatch says how far the only batch has come, without the blocks that it takes.
func (r *rig) putBatch(state, instalments string) {
	r.t.Helper()
	conn, err := r.owner.Pool().Acquire(r.t.Context())
	must(r.t, err)
	defer conn.Release()
	for _, sql := range []string{
		"SET session_replication_role = replica",
		"UPDATE batch SET state = '" + state + "'",
		"UPDATE instalment SET state = '" + instalments + "'",
		"RESET session_replication_role",
	} {
		_, err := conn.Exec(r.t.Context(), sql)
		must(r.t, err)
	}
}

// rows returns the texts of the cells of a list, a row a payee.
func (p page) rows(class string) (rows [][]string) {
	p.t.Helper()
	for n := range p.doc.Descendants() {
		if n.Data != "table" || !strings.Contains(attr(n, "class"), class) {
			continue
		}
		for row := range n.Descendants() {
			if row.Data != "tr" || row.Parent.Data != "tbody" {
				continue
			}
			var cells []string
			for c := row.FirstChild; c != nil; c = c.NextSibling {
				if c.Type == html.ElementNode {
					cells = append(cells, textOf(c))
				}
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestABatchPageOf200PayeesIsLean reads the pages of a full batch at each of its states.
// Whoever approves sees every payee and every amount on the page with the button, and
// the file beside it is what the digest is of.
func TestABatchPageOf200PayeesIsLean(t *testing.T) {
	t.Parallel()
	const payees = 200
	r := newRig(t)
	r.grantedToMany(payees)
	tove, tage := r.hire("Tove", identity.RoleTreasurer), r.hire("Tage", identity.RoleTreasurer)
	lean := func(what string, p page) page {
		t.Helper()
		t.Logf("%s: %d bytes", what, len(p.body))
		if len(p.body) > largestPage {
			t.Errorf("%s has %d bytes, want %d at most", what, len(p.body), largestPage)
		}
		return p.wants(200)
	}
	due, err := r.payouts.Payable(t.Context(), identity.System("test"))
	must(t, err)

	compose := lean("compose", tove.get("/batches/new"))
	if got := compose.rows("due"); len(got) != payees || got[7][3] != due[7].Address || got[7][5] != "200\u202f000" {
		t.Errorf("the composer lists %d payments, the eighth as %q", len(got), got[7])
	}
	batch := lean("composed", tove.submit(compose, "/batches", nil)).wants(200, "Approve this batch")
	path := batch.path
	file, err := csv.NewReader(bytes.NewReader(tove.get(path + "/csv").wants(200).body)).ReadAll()
	must(t, err)
	list := batch.rows("payees")
	if len(list) != payees || len(file) != payees+1 {
		t.Fatalf("the page lists %d payees and the file %d, want %d", len(list), len(file)-1, payees)
	}
	seen := map[string]bool{}
	for i, cells := range list {
		want := file[i+1]
		if cells[1] != want[2] || cells[2] != want[1] || cells[3] != want[3] || strings.ReplaceAll(cells[4], "\u202f", "") != want[4] {
			t.Fatalf("row %d says %q, the file %q", i+1, cells, want)
		}
		seen[cells[3]] = true
	}
	if len(seen) != payees {
		t.Errorf("the page has %d addresses, want %d", len(seen), payees)
	}
	note := tove.get(path + "/note").wants(200)
	if digest := decision.Digest(sha256.Sum256(note.body)).String(); fields(batch.form(path+"/approve")).Get("digest") != digest || !strings.Contains(batch.text(), digest) {
		t.Errorf("the file has the digest %s, which the page does not show or send", digest)
	}

	lean("approved", tove.submit(batch, path+"/approve", url.Values{"typed_number": {"1"}}))
	r.conduct()
	lean("signing", tove.get(path)).wants(200, "Waiting for the signer")
	if flows := lean("transaction", tove.get(path+"/transaction")).rows("flows"); len(flows) < payees+3 { // the inputs, the change and the fee beside them
		t.Errorf("the transaction has %d inputs and outputs", len(flows))
	}
	form := lean("the form to take it back", tove.get(path+"/void"))
	ticks := fields(form.form(path + "/void"))
	asked := url.Values{"reason": {"An address was stolen."}}
	for n := range form.form(path + "/void").Descendants() {
		if attr(n, "name") == "cancel" {
			asked.Add("cancel", attr(n, "value"))
		}
	}
	if len(asked["cancel"]) != payees || len(ticks["cancel"]) != 0 {
		t.Errorf("%d payments can be cancelled, %d are ticked", len(asked["cancel"]), len(ticks["cancel"]))
	}
	lean("taken back", tove.submit(form, path+"/void", asked)).wants(200, "200 payments are cancelled")
	lean("taken back, for the second person", tage.get(path)).wants(200, "Approve taking it back")
	for _, s := range []struct{ batch, instalments string }{{"broadcast", "maybe_paid"}, {"mined", "mined"}, {"paid", "paid"}, {"final", "final"}, {"voided", "payable"}, {"voided", "cancelled"}, {"cancelled", "payable"}} {
		r.putBatch(s.batch, s.instalments)
		lean(s.batch+" with "+s.instalments, tove.get(path))
	}
	r.putBatch("final", "final")
	sums, err := r.payouts.Sums(t.Context(), identity.System("test"))
	must(t, err)
	listed, _, err := r.payouts.Batches(t.Context(), identity.System("test"), payout.BatchFilter{}, 10)
	must(t, err)
	if len(listed) != 1 || listed[0].Payees != payees || listed[0].Total != payees*200_000 || sums.Payments != payees || sums.Balances[ledger.InFlight]+sums.Balances[ledger.Committed] != payees*200_000 {
		t.Errorf("the sums are %+v, the list of batches is %+v", sums, listed)
	}
	if older, _, err := r.payouts.Batches(t.Context(), identity.System("test"), payout.BatchFilter{Before: listed[0].Number}, 10); err != nil || len(older) != 0 {
		t.Errorf("before the first batch there are %d: %v", len(older), err)
	}
	record, err := r.payouts.Batch(t.Context(), identity.System("test"), uuid.MustParse(strings.TrimPrefix(path, "/batches/")))
	must(t, err)
	// No block has the payment: but its certificate was asked for, and no other.
	led := tove.get(path+"/certificate?n=200").wants(404, "no payment of this in a block")
	if want := "/treasury/payments/" + record.Items[payees-1].InstalmentID.String() + "/certificate"; led.path != want {
		t.Errorf("the 200th certificate is at %s, want %s", led.path, want)
	}
	for _, n := range []string{"", "0", "201", "x"} {
		tove.get(path+"/certificate?n="+n).wants(404, "nothing at this address")
	}
}

// BenchmarkBatchPage serves the page of a batch of 200 payees, in the process of the
// server and with a real database behind it. bytes/page is the length of the HTML.
func BenchmarkBatchPage(b *testing.B) {
	r := newRig(b)
	r.grantedToMany(200)
	tove := r.hire("Tove", identity.RoleTreasurer)
	batch := tove.submit(tove.get("/batches/new"), "/batches", nil).wants(200)
	site, err := url.Parse(tove.base)
	must(b, err)
	serve := func(b *testing.B) {
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, tove.base+batch.path, http.NoBody)
			req.Header = tove.header.Clone()
			for _, c := range tove.client.Jar.Cookies(site) {
				req.AddCookie(c)
			}
			w := httptest.NewRecorder()
			r.http.Handler.ServeHTTP(w, req)
			if w.Code != http.StatusOK {
				b.Fatalf("status %d: %s", w.Code, w.Body)
			}
			n = w.Body.Len()
		}
		b.ReportMetric(float64(n), "bytes/page")
	}
	b.Run("composed", serve)
	tove.submit(batch, batch.path+"/approve", url.Values{"typed_number": {"1"}}).wants(200)
	r.conduct()
	b.Run("signing", serve)
	r.putBatch("final", "final")
	b.Run("final", serve)
}
