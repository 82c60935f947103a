package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// signing composes and approves a batch of n payments and lets the worker take it
// as far as the signer, which never answers. It returns the batch's page.
func (r *rig) signing(n uint32, tove *browser) page {
	r.t.Helper()
	r.granted(n)
	batch := tove.submit(tove.get("/batches/new"), "/batches", nil).wants(200)
	tove.submit(batch, batch.path+"/approve", url.Values{"typed_number": {"1"}}).wants(200)
	r.conduct()
	p := tove.get(batch.path).wants(200, "Waiting for the signer", "Being signed")
	p.lacks("Maybe paid")
	return p
}

// signed is a PSBT with the treasury's signatures.
func (r *rig) signed(psbt []byte) []byte {
	r.t.Helper()
	params, err := wallet.Params(network)
	must(r.t, err)
	sum := sha256.Sum256([]byte{1})
	account, _, err := wallet.AccountXprv(sum[:], wallet.KindWPKH, params)
	must(r.t, err)
	packet, err := txbuild.ParsePSBT(psbt)
	must(r.t, err)
	must(r.t, wallet.SignPSBT(packet, account, r.account()))
	raw, err := txbuild.EncodePSBT(packet)
	must(r.t, err)
	return raw
}

func (r *rig) account() *wallet.Descriptor { return account(r.t, 1) }

func TestPeopleBringSignatures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := r.hire("Tove", identity.RoleTreasurer)
	p := r.signing(2, tove)
	back := p.path + "/psbt"
	given := tove.get(back).wants(200).body

	tove.submit(p, back, nil).wants(422, "Fill this in")
	odd := tove.submit(p, back, url.Values{"psbt": {"cHNidP8 is no transaction"}}).wants(422)
	if fields(odd.form(back)).Get("psbt") == "" {
		t.Error("the form forgot what was pasted")
	}
	const secret = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	if got := tove.submit(p, back, url.Values{"psbt": {secret}}).wants(422, "treat it as stolen"); strings.Contains(string(got.body), secret) {
		t.Error("a private key is shown again")
	}
	tove.submit(p, back, url.Values{"psbt": {base64.StdEncoding.EncodeToString(given)}}).wants(422, "This file has no new signature")
	other := bytes.Replace(given, []byte{0x40, 0x0d, 0x03, 0, 0, 0, 0, 0}, []byte{0x41, 0x0d, 0x03, 0, 0, 0, 0, 0}, 1)
	if bytes.Equal(other, given) {
		t.Fatal("no output was changed")
	}
	tove.upload(p, back, "psbt_file", r.signed(other)).wants(422)
	tove.upload(p, back, "psbt_file", r.signed(given)).wants(200, "The signature is valid and stored: 1 of 1", "Tove brought the signature of")

	r.conduct()
	r.conduct()
	out := tove.get(p.path).wants(200, "Sent, waiting for a block", "Raise the fee", "Add a child", "Take the batch back", "What happened and when")
	tove.submit(out, p.path+"/bump", url.Values{"feerate": {"x"}}).wants(422, "digits and a point")
	tove.submit(out, p.path+"/bump", url.Values{"feerate": {"9.1234"}}).wants(422, "at most three decimals")
	tove.submit(out, p.path+"/bump", url.Values{"feerate": {"101"}}).wants(422, "and the approved 100 sat/vB")
	asked := tove.submit(out, p.path+"/bump", url.Values{"feerate": {"9.125"}}).wants(200, "9.125 sat/vB were asked for already", "asked for a higher fee")
	child := tove.submit(asked, p.path+"/child", nil).wants(200, "B-0002", "Spends the change of a batch that waits", "Approve this batch")
	tove.get("/batches").wants(200, "child")
	if tove.submit(asked, p.path+"/bump", url.Values{"version": {"1"}, "feerate": {"10"}}).wants(409, "Two versions"); child.links(child.path + "/void") {
		t.Error("a composed batch is offered to be taken back, not to be cancelled")
	}
}

// lacks fails when a page says what it should not.
func (p page) lacks(words ...string) {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.text(), w) {
			p.t.Errorf("%s says %q", p.path, w)
		}
	}
}

// TestMaybePaidIsAnAlarmOnlyWhenSomethingIsOff follows one batch that waits for a
// block: first as every batch does, then gone from the mempool, then past its
// deadline. The batch page, the grants, the API and the operator's page agree.
func TestMaybePaidIsAnAlarmOnlyWhenSomethingIsOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := r.hire("Tove", identity.RoleTreasurer)
	p := r.signing(1, tove)
	back := p.path + "/psbt"
	tove.upload(p, back, "psbt_file", r.signed(tove.get(back).wants(200).body)).wants(200)
	r.conduct()
	r.conduct()
	id := uuid.MustParse(strings.TrimPrefix(p.path, "/batches/"))
	record, err := r.store.Batch(t.Context(), id)
	must(t, err)
	trouble := func(code errs.Code, message string) {
		must(t, r.store.SetError(t.Context(), r.epoch, id, code, message, r.clock.Now()))
	}
	look := func(alarm payout.Alarm, says string) {
		t.Helper()
		found, err := r.store.Batch(t.Context(), id)
		must(t, err)
		if found.Batch.State != payout.Broadcast || found.Batch.Alarm != alarm {
			t.Fatalf("the batch is %s with alarm %q, want broadcast with %q", found.Batch.State, found.Batch.Alarm, alarm)
		}
		batch, grants := tove.get(p.path).wants(200, says), tove.get("/grants").wants(200)
		if alarm == "" {
			batch.wants(200, "Sent, waiting for a block").lacks("Maybe paid")
			grants.wants(200, "Sent, waiting for a block").lacks("Maybe paid")
		} else {
			batch.wants(200, "Maybe paid", "Do not pay by hand")
			grants.wants(200, "Maybe paid")
		}
	}
	trouble("", "")
	look("", "Any miner may include it")
	trouble("node_down", "btcd does not answer.")
	look("", "may still be made by the transaction that is out. Do not pay by hand")
	trouble("not_relayed", "The node did not take it.")
	look(payout.AlarmNotInMempool, "The node did not take the transaction when it was last told")
	trouble("", "")
	for range record.Batch.DeadlineBlocks {
		r.connect(&payout.OwnTx{})
	}
	look(payout.AlarmPastDeadline, "No block took the transaction by its deadline")
}

// upload sends a form of p with a file.
func (b *browser) upload(p page, action, name string, file []byte) page {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for field, list := range fields(p.form(action)) {
		for _, value := range list {
			if field != name {
				must(b.t, w.WriteField(field, value))
			}
		}
	}
	part, err := w.CreateFormFile(name, "file")
	must(b.t, err)
	_, err = part.Write(file)
	must(b.t, err)
	must(b.t, w.Close())
	return b.send("POST", action, w.FormDataContentType(), body.Bytes())
}

func TestTwoPeopleTakeABatchBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove, tage := r.hire("Tove", identity.RoleTreasurer), r.hire("Tage", identity.RoleTreasurer)
	p := r.signing(2, tove)
	ask, yes := p.path+"/void", p.path+"/void/approve"

	form := tove.get(ask).wants(200, "The batch may still be paid")
	first := ""
	for n := range form.form(ask).Descendants() {
		if attr(n, "name") == "cancel" {
			first = attr(n, "value")
		}
	}
	kept := tove.submit(form, ask, url.Values{"cancel": {first}}).wants(422)
	if got := fields(kept.form(ask))["cancel"]; len(got) != 1 || got[0] != first {
		t.Errorf("the form keeps %v of the payments to cancel", got)
	}
	tove.submit(form, ask, url.Values{"reason": {"x"}, "cancel": {"x"}}).wants(400)
	asked := tove.submit(form, ask, url.Values{"reason": {"An address was stolen."}, "cancel": {first}}).
		wants(200, "Nothing has changed yet", "An address was stolen.", "1 payment is cancelled", "1 payment becomes payable again", "Withdraw the request")
	tove.get(ask).wants(200, "cannot be taken back now, or somebody has already asked")
	if asked.has(yes) || asked.links(ask) || !asked.has(p.path+"/psbt") {
		t.Error("who asked is offered to approve or to ask again, or cannot sign the payment any more")
	}
	withdrawn := tage.submit(tage.get(p.path), p.path+"/void/withdraw", nil).wants(200, "withdrew the request to take the batch back")
	if withdrawn.has(yes) || !withdrawn.links(ask) {
		t.Error("after it was withdrawn it is offered to be approved, or cannot be asked for again")
	}
	asked = tove.submit(tove.get(ask), ask, url.Values{"reason": {"An address was stolen."}, "cancel": {first}}).wants(200, "Nothing has changed yet")
	other := tage.get(p.path).wants(200, "Approve taking it back", "Another treasurer asks to take the batch back", "causeway/void/v2")
	tage.submit(other, yes, url.Values{"typed_number": {"2"}}).wants(422, "not the number of this batch")
	tage.submit(other, yes, url.Values{"typed_number": {"1"}, "digest": {strings.Repeat("0", 64)}}).wants(409, "not the digest")
	tove.post(yes, merge(fields(other.form(yes)), url.Values{"typed_number": {"1"}, "csrf": {fields(asked.form("/sign-out")).Get("csrf")}})).wants(403, "another treasurer must agree")
	done := tage.submit(other, yes, url.Values{"typed_number": {"1"}}).wants(200, "The replacement that pays nobody is being made", "approved by Tage", "Being taken back")
	if done.has(yes) || done.has(p.path+"/void/withdraw") {
		t.Error("it is offered to be approved twice, or to be withdrawn after that")
	}
	r.conduct()
	tove.get(p.path).wants(200, "Attempt 2: pays nobody", "It pays nobody", "Replaced by attempt 2. Either may still confirm, never both")
	tove.get("/batches?state=voiding").wants(200, "B-0001")
}

// TestARequestThatLapsedIsTold lets a day go by without a second person.
func TestARequestThatLapsedIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tove := r.hire("Tove", identity.RoleTreasurer)
	p := r.signing(1, tove)
	tove.submit(tove.get(p.path+"/void"), p.path+"/void", url.Values{"reason": {"An address was stolen."}}).wants(200, "the request lapses")
	r.clock.Advance(24 * time.Hour)
	r.conduct()
	seen := r.hire("Tia", identity.RoleTreasurer).get(p.path).wants(200, "lapsed because nobody agreed within 24 hours")
	if seen.has(p.path+"/void/approve") || seen.has(p.path+"/void/withdraw") || !seen.links(p.path+"/void") {
		t.Error("a request that lapsed is offered to be approved or withdrawn, or cannot be made again")
	}
}

func TestPayeeListPicksWhatWasDecided(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(3)
	tove := r.hire("Tove", identity.RoleTreasurer)
	due, err := r.payouts.Payable(t.Context(), identity.System("test"))
	must(t, err)
	form := tove.get("/batches/import").wants(200, "An example")
	const action = "/batches/import"

	tove.submit(form, action, nil).wants(422, "Fill this in")
	tove.submit(form, action, url.Values{"list": {"name;price\na;b\n"}}).wants(422, "no money moved")
	list := "reference,address,amount_sat\n" +
		due[0].Reference + "," + due[0].Address + ",200000\n" +
		due[1].Reference + "," + due[2].Address + ",200000\n" +
		due[2].Reference + "," + due[2].Address + ",2.0E+05\n" +
		"GR-NOSUCH," + due[2].Address + ",200000\n" +
		due[2].Reference + "," + due[2].Address + ",200001\n\n"
	p := tove.submit(form, action, url.Values{"list": {list}}).
		wants(200, "1 of 5 rows fit", "7 lines read", "1 empty line", "the decision pays", "No grant has the reference", "200001 sat, but 200000 sat were decided", "amount_sat:", "The other rows stay out")
	if fields(p.form(action)).Get("list") != list {
		t.Error("the list that was pasted is gone")
	}
	same := tove.upload(form, action, "list_file", []byte(list)).wants(200, "1 of 5 rows fit")
	order := tove.submit(same, "/batches/new", nil).wants(200, "Selected1")
	if got := fields(order.form("/batches"))["instalment"]; len(got) != 1 || got[0] != due[0].InstalmentID.String() {
		t.Errorf("the order has %v", got)
	}
	tove.submit(order, "/batches", nil).wants(200, "B-0001", "200 000")
	tove.submit(form, action, url.Values{"list": {list}}).wants(200, "0 of 5 rows fit", "its state is allocated")
}
