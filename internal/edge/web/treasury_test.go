package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// estimate is what the worker thinks that transactions should pay.
func (r *rig) estimate(change func(*fee.Estimate)) {
	r.t.Helper()
	e := fee.Estimate{
		At: r.clock.Now().Add(-4 * time.Minute), Height: r.tip.Height, FloorSatKVB: 1000, RelaySatKVB: 1000, Trusted: true,
		Targets: []fee.Target{{Blocks: 6, RateSatKVB: 18_400}, {Blocks: 36, RateSatKVB: 6100}, {Blocks: 144, RateSatKVB: 2000}},
		Votes: []fee.Vote{
			{Name: fee.VoteMempool, RatesSatKVB: []int64{18_400, 6100, 2000}, Used: true, AgeSec: 60},
			{Name: fee.VoteEstimateFee, Why: "It has said the same for a day."},
		},
	}
	if change != nil {
		change(&e)
	}
	must(r.t, r.store.SetEstimate(r.t.Context(), r.epoch, e))
}

func TestComposerOffersTheEstimate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(2)
	tove := r.hire("Tove", identity.RoleTreasurer)

	_, err := r.owner.Pool().Exec(t.Context(), "DELETE FROM fee_estimate")
	must(t, err)
	none := tove.get("/batches/new").wants(200, "made no estimate yet")
	tove.submit(none, "/batches", url.Values{"feerate_typed": {"2"}}).wants(409, "from which feerate its node relays")
	r.estimate(func(e *fee.Estimate) { e.Trusted, e.Why = false, "The node has no peers." })
	untrusted := tove.get("/batches/new").wants(200, "no reliable estimate", "The node has no peers.")
	if got := fields(untrusted.form("/batches")).Get("feerate_typed"); got != "2" {
		t.Errorf("without an estimate to rely on %q sat/vB are suggested, want twice the floor", got)
	}
	tove.get("/treasury").wants(200, "not to be relied on", "The node has no peers.")
	r.estimate(func(e *fee.Estimate) { e.At = e.At.Add(-3 * time.Hour) })
	tove.get("/batches/new").wants(200, "more than two hours old")

	r.estimate(nil)
	form := tove.get("/batches/new").wants(200, "Within an hour", "18.4 sat/vB", "Within six hours", "6.1 sat/vB", "Estimated 4 min")
	if got := fields(form.form("/batches")); got.Get("feerate") != "6.1" || got.Get("feerate_typed") != "" {
		t.Errorf("the form starts with %q, typed %q", got.Get("feerate"), got.Get("feerate_typed"))
	}
	coin := r.coin()
	dry := tove.submit(form, "/batches", url.Values{"button": {"/batches/dry-run"}, "feerate": {"2"}, "coin": {coin}, "deadline_blocks": {"12"}, "max_feerate": {"10"}}).
		wants(200, "can be paid", "Headroom", "Available afterwards", "above the highest that the batch allows", "1 chosen")
	got := fields(dry.form("/batches"))
	if got.Get("feerate") != "2" || got.Get("coin") != coin || got.Get("deadline_blocks") != "12" {
		t.Errorf("after the dry run the form has rate %q, coin %q, deadline %q", got.Get("feerate"), got.Get("coin"), got.Get("deadline_blocks"))
	}
	for field, bad := range map[string]string{"deadline_blocks": "2017", "coin": "no:coin"} {
		tove.submit(dry, "/batches", url.Values{field: {bad}}).wants(422)
	}
	tove.submit(dry, "/batches", nil).wants(200, "B-0001", "Approve this batch")
	tove.get("/treasury").wants(200, "to be relied on", "18.4 sat/vB", "The node’s own guess", "It has said the same for a day.")
}

// coin returns the outpoint of the treasury's smallest coin.
func (r *rig) coin() string {
	r.t.Helper()
	t, err := r.payouts.Treasury(r.t.Context(), identity.System("test"))
	must(r.t, err)
	return t.Coins[len(t.Coins)-1].OutPoint.String()
}

func TestCoinsAreLockedAndJoined(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.fundTreasury(10_000_000, 3_000_000)
	tove, aude := r.hire("Tove", identity.RoleTreasurer), r.hire("Aude", identity.RoleAuditor)
	const lock, unlock, upkeep = "/treasury/coins/lock", "/treasury/coins/unlock", "/treasury/upkeep"
	page := tove.get("/treasury").wants(200, "Can be spent now13 000 000", "Locked0", "All that is approved can be paid now", "Join 2 coins")
	if p := aude.get("/treasury").wants(200, "10 000 000"); strings.Contains(p.text(), "Why a coin is locked") || p.has(upkeep) {
		t.Error("an auditor is offered to lock coins, or to join them")
	}

	tove.submit(page, lock, url.Values{"outpoint": {"rubbish"}}).wants(404)
	tove.submit(page, lock, url.Values{"outpoint": {r.coin()}}).wants(422, "One field needs another look")
	locked := tove.submit(page, lock, url.Values{"outpoint": {r.coin()}, "reason": {"A gift to be given back"}}).
		wants(200, "Locked", "A gift to be given back", "Locked3 000 000", "Can be spent now10 000 000", "Join 1 coin")
	tove.submit(locked, lock, url.Values{"outpoint": {r.coin()}, "reason": {"again"}}).wants(409)
	tove.submit(locked, upkeep, url.Values{"kind": {"consolidate"}, "feerate": {"2"}}).wants(422, "2 to 200 coins")
	tove.post(unlock, url.Values{"outpoint": {r.coin()}, "csrf": {fields(locked.form(lock)).Get("csrf")}}).wants(200, "Locked0")

	tove.submit(page, upkeep, url.Values{"kind": {"king"}}).wants(400)
	tove.submit(page, upkeep, url.Values{"kind": {"split"}, "outputs": {"x"}, "feerate": {"2"}}).wants(422, "Write a whole number")
	bad := tove.submit(page, upkeep, url.Values{"kind": {"split"}, "outputs": {"40"}, "feerate": {"2"}}).wants(422)
	if fields(bad.form(upkeep)).Get("outputs") != "40" {
		t.Error("the form forgot into how many parts")
	}
	split := tove.submit(page, upkeep, url.Values{"kind": {"split"}, "outputs": {"3"}, "feerate": {"2"}}).wants(200, "Splits a coin of the treasury", "Approve this batch")
	tove.submit(split, split.path+"/approve", url.Values{"typed_number": {"1"}}).wants(200)
	r.conduct()
	tove.get(split.path).wants(200, "It pays nobody", "in as many parts as were asked for", "5 of 5 pass")
	tove.get("/batches").wants(200, "split a coin")
}

func TestPaymentsAreExported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	aude := r.hire("Aude", identity.RoleAuditor)
	aude.get("/treasury").wants(200, "Payments as files", "BIP329")
	for format, name := range map[string]string{"csv": "payments.csv", "json": "payments.json", "ledger": "payments.ledger", "beancount": "payments.beancount", "bip329": "labels.jsonl"} {
		p := aude.get("/treasury/payments?from=2026-01-01&until=2026-12-31&format=" + format).wants(200)
		if got := p.header.Get("Content-Disposition"); !strings.Contains(got, name) {
			t.Errorf("%s is sent as %q", format, got)
		}
	}
	aude.get("/treasury/payments?format=csv").wants(200, "grant")
	aude.get("/treasury/payments?format=xls").wants(400, "written as csv")
	aude.get("/treasury/payments?format=csv&from=yesterday").wants(400, "Write days as")
	aude.get("/treasury/payments/x/certificate").wants(404)
	aude.get("/treasury/payments/00000000-0000-0000-0000-000000000000/certificate").wants(404, "no payment of this in a block")
}

func TestAdminsSeeTheBreakersAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.store.Trip(t.Context(), 0, payout.Finding{Code: payout.ForeignSpend, Subject: "x", Detail: "Somebody spent a coin.", At: epoch}))
	noor, tove := r.hire("Noor", identity.RoleAdmin), r.hire("Tove", identity.RoleTreasurer)
	const reset = "/treasury/breakers/1/reset"

	noor.get("/treasury").wants(403)
	p := noor.get("/treasury/breakers").wants(200, "All signing is stopped", "Somebody else may hold the key")
	if strings.Contains(p.text(), "Descriptor") {
		t.Error("an admin is shown the treasury")
	}
	after := noor.submit(p, reset, nil).wants(200, "1 of 2 people", "Another person has to agree")
	if after.path != "/treasury/breakers" || after.has(reset) {
		t.Errorf("after the reset the admin is at %s", after.path)
	}
	tove.submit(tove.get("/treasury/breakers"), reset, nil).wants(200)
	noor.get("/treasury/breakers").wants(200, "Nothing is stopped")
	r.hire("Aude", identity.RoleAuditor).get("/treasury/breakers").wants(200)
	r.hire("Ada", identity.RoleReviewer).get("/treasury/breakers").wants(403)
}

// A fund that wants more coins ready is proposed a split while fees are at the floor;
// the form has all that it takes, so one click composes it.
func TestAProposedSplitIsOneClick(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.granted(1)
	tove := r.hire("Tove", identity.RoleTreasurer)
	floor := func(e *fee.Estimate) { e.Targets = []fee.Target{{Blocks: 36, RateSatKVB: 1000}} }
	r.estimate(floor)
	if page := tove.get("/treasury").wants(200); strings.Contains(page.text(), "Compose this split") {
		t.Error("a split is proposed to a fund that wants none")
	}
	must(t, r.owner.SetReadyCoins(t.Context(), 20, audit.Entry{
		Actor: identity.System("admin"), Action: "fund.ready_coins", ObjectKind: "fund", ObjectID: r.fund.ID.String(), At: r.clock.Now(),
	}))
	r.estimate(nil)
	if page := tove.get("/treasury").wants(200); strings.Contains(page.text(), "Compose this split") {
		t.Error("a split is proposed while fees are above the floor")
	}
	r.estimate(floor)
	page := tove.get("/treasury").wants(200, "The fund wants 20", "Compose this split")
	if got := fields(page.form("/treasury/upkeep")); got.Get("outputs") == "" || got.Get("feerate") != "1" {
		t.Errorf("the form holds %v", got)
	}
	tove.submit(page, "/treasury/upkeep", url.Values{"kind": {"split"}}).wants(200, "Splits a coin of the treasury", "Approve this batch")
	if page := tove.get("/treasury").wants(200); strings.Contains(page.text(), "Compose this split") {
		t.Error("the split is proposed again while it waits for its approval")
	}
}
