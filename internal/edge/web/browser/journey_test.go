package browser_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// The journey's application.
const (
	journeyTitle  = "Two SOCKS5 proxies for a reading room"
	journeyAmount = "1 234 567"
)

// testJourney takes one application through the dashboard: the operator without
// JavaScript, two reviewers, a treasurer, six confirmations.
func testJourney(t *testing.T, h *house) {
	address := payoutAddress(t, h)
	operator := h.tab(t)
	operator.scriptsOff()
	code := operator.apply(address)
	h.tab(t).seeServer(code)

	first, second := h.tab(t), h.tab(t)
	first.signIn("Mara")
	first.openInQueue(journeyTitle)
	reference := first.read("#detail .crumb bdi", `\S+`)
	first.press(`#detail button[data-key="e"]`)
	first.says("#detail .bar", "review.release")
	first.approve("The costs are clear.")
	second.signIn("Idris")
	second.openInQueue(journeyTitle)
	second.approve("Mine too.")
	second.look("review decide")
	second.fill("#message", "Thank you. The next batch pays it.")
	second.press(`#decide button[value="approve"]`)
	second.says("#detail .state", "state.application.approved")

	treasurer := h.tab(t)
	treasurer.signIn("Lin")
	treasurer.visit("/batches/new")
	number := treasurer.compose(reference)
	treasurer.release(number)
	treasurer.shows("the batch page says that it waits", `document.querySelector('#next-t')?.textContent.trim() === `+strconv.Quote(h.words.T("batch.next.await_block")))
	treasurer.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('main details')) d.open = true`))
	treasurer.lookClosely("batch waiting")
	batch := eval[string](treasurer, `location.pathname`)
	for _, p := range []struct{ name, path string }{{"batch transaction", "/transaction"}, {"batch take back", "/void"}} {
		treasurer.visit(batch + p.path)
		treasurer.lookClosely(p.name)
	}
	treasurer.visit(batch)
	h.mineBatch(t, number)
	treasurer.shows("the batch page says paid", `document.querySelector('#next-t')?.textContent.trim() === `+strconv.Quote(h.words.T("batch.next.done")))
	treasurer.says("#road .done:last-child", "batch.step5")
	treasurer.lookClosely("batch paid")
	txid := treasurer.read("#road .hash", `[0-9a-f]{64}`)

	operator.visit("/status")
	operator.fill("#code", code)
	operator.press("main form.stack button")
	operator.says("main .lead", "status.line.paid")
	for _, shown := range []string{txid + ":", address} {
		becomes(operator, "whether the operator is shown "+shown, `document.querySelector('main')?.textContent.includes(`+strconv.Quote(shown)+`) ?? false`, true)
	}
	operator.look("status paid")
}

// payoutAddress is one that no sample application has.
func payoutAddress(t *testing.T, h *house) string {
	t.Helper()
	params, err := h.Services.Fund.Params()
	if err != nil {
		t.Fatal(err)
	}
	d, err := wallet.DescriptorFromSeed([]byte("an operator of the browser tests"), wallet.KindTR, params)
	if err != nil {
		t.Fatal(err)
	}
	address, err := d.Address(wallet.ChainDeposit, 7)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (b *tab) scriptsOff() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// apply fills the three sections in, stumbles once, and proves that the receipt
// code was kept. It returns the code.
func (b *tab) apply(address string) string {
	b.t.Helper()
	const next = `form button.primary[name="go"]`
	b.visit("/apply")
	b.press(next)
	b.says(".summary", "field.required")
	b.look("apply errors")
	b.fill("#title", journeyTitle)
	b.fill(`[name="endpoint_link"]`, "socks5://reader:library@reading.example.org:1080")
	b.press(`button[value="read"]`)
	if got := b.read("fieldset .note.ok", `(?s).*reading\.example\.org:1080.*`); strings.Contains(got, "library") {
		b.t.Errorf("what was understood of the link shows its secret: %q", got)
	}
	b.press(`button[value="add"]`)
	b.do(chromedp.Click(chromedp.CSS("fieldset + fieldset summary")))
	b.choose(`fieldset + fieldset [name="endpoint_protocol"]`, "socks5")
	b.fill(`fieldset + fieldset [name="endpoint_host"]`, "reading2.example.org")
	b.fill(`fieldset + fieldset [name="endpoint_port"]`, "1080")
	b.choose("#region", "EG")
	b.choose("#language", "en")
	b.fill("#narrative", "Two proxies that the readers of a small library use. The grant pays three months of rent.")
	b.look("apply service")
	b.press(next)
	b.fill("#amount-sat", journeyAmount)
	b.fill("#payout-address", address)
	b.fill("#contact", "matrix: @reader:example.org")
	b.look("apply costs")
	b.press(next)
	b.look("apply check")
	b.press(`button[value="send"]`)

	code := strings.Join(strings.Fields(b.read(".code", `(?s)\S.*`)), "-")
	b.look("receipt")
	b.fill("#typed", "not-the-code")
	b.press("main form button")
	b.says("main form .err", "field.receipt_differs")
	b.fill("#typed", code)
	b.press("main form button")
	b.says("h1", "receipt.kept")
	b.look("receipt kept")
	b.press("main form button")
	b.says("main .lead", "status.line.submitted")
	b.look("status submitted")
	return code
}

// seeServer opens the page of an application's first server.
func (b *tab) seeServer(code string) {
	b.t.Helper()
	b.visit("/status")
	b.fill("#code", code)
	b.press("main form.stack button")
	b.press("#servers button")
	b.says("#proof .tag", "server.unproven")
	b.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('main details')) d.open = true`))
	b.lookClosely("server")
}

// openInQueue finds an application in the list by its title and opens it beside
// the list.
func (b *tab) openInQueue(title string) {
	b.t.Helper()
	b.visit("/review?q=" + strings.ReplaceAll(title, " ", "+"))
	b.do(chromedp.Click(chromedp.CSS(".row-item a")))
	b.shows("the application is open beside the list", `document.querySelector('#detail [data-title]')?.textContent.trim() === `+strconv.Quote(title))
}

func (b *tab) approve(note string) {
	b.t.Helper()
	if note != "" {
		b.fill("#note", note)
	}
	b.press("#vote button[value=approve]")
	b.says("#votes .votes", "verdict.done.approve")
}

// compose leaves only the application's instalment ticked, tries it dry, and
// makes the batch, whose number it returns.
func (b *tab) compose(reference string) string {
	b.t.Helper()
	b.lookClosely("compose")
	b.do(chromedp.Evaluate[chromedp.Void](`for (const row of document.querySelectorAll('#instalments tbody tr')) {
		if (!row.textContent.includes(` + strconv.Quote(reference) + `)) row.querySelector('input').click();
	}`))
	b.press(`button[formaction="/batches/dry-run"]`)
	b.says("#dry-run .tag", "compose.would_work")
	becomes(b, "the ticked instalments after the dry run", `document.querySelectorAll('#instalments input:checked:not([data-tick-all])').length`, 1)
	b.lookClosely("compose dry run")
	b.press("main form button.primary")
	b.says("#next-t", "batch.next.approve")
	number := b.read("h1", `B-\d+`)
	b.lookClosely("batch composed")
	return number
}

// release approves the batch, which takes its number typed by hand.
func (b *tab) release(number string) {
	b.t.Helper()
	b.fill("#typed-number", "B-9999")
	b.press(`form[action$="/approve"] button`)
	b.read("#typed-number-e", `\S`)
	b.do(chromedp.Clear(chromedp.CSS("#typed-number")))
	b.fill("#typed-number", number)
	b.press(`form[action$="/approve"] button`)
	b.shows("another act is next after the approval",
		`![undefined, '', `+strconv.Quote(b.words.T("batch.next.approve"))+`].includes(document.querySelector('#next-t')?.textContent.trim())`)
}

// mineBatch waits until the network has the batch's transaction and buries it.
func (h *house) mineBatch(t *testing.T, number string) {
	t.Helper()
	by := h.people["Lin"].Actor
	list, _, err := h.Services.Payouts.Batches(t.Context(), by, payout.BatchFilter{}, 1)
	if err != nil || len(list) == 0 || fmt.Sprintf("B-%04d", list[0].Number) != number {
		t.Fatalf("the newest batch is %+v, want %s: %v", list, number, err)
	}
	in := func(states ...payout.State) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			r, err := h.Services.Payouts.Batch(ctx, by, list[0].ID)
			for _, s := range states {
				if r.Batch.State == s {
					return true, nil
				}
			}
			return false, err
		}
	}
	h.until(t, "the network has the transaction", in(payout.Broadcast))
	if _, err := h.Devnet.Mine(t.Context(), int(h.Services.Fund.PaidDepth)); err != nil {
		t.Fatal(err)
	}
	h.until(t, "the batch is paid", in(payout.Paid, payout.Final))
}
