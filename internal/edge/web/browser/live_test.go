package browser_test

import (
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
)

// testLive sees that a page is brought up to date by itself, and that what was
// typed and where the cursor stood survive it.
func testLive(t *testing.T, h *house) {
	b := h.tab(t)
	b.signIn("Lin")
	b.visit("/treasury")
	by := h.people["Lin"].Actor
	treasury, err := h.Services.Payouts.Treasury(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	at := len(treasury.Coins) - 1
	for at > 0 && treasury.Coins[at].ReservedBy != nil {
		at--
	}
	b.fill("#reason", "half a rea")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#reason').setSelectionRange(4, 4);
		for (const d of document.querySelectorAll('main details')) d.open = true`))
	const reason = "held by the test of live pages"
	if _, err := h.Services.Payouts.LockCoin(t.Context(), by, treasury.Coins[at].OutPoint, reason); err != nil {
		t.Fatal(err)
	}
	b.shows("the lock is seen without a reload", `document.querySelector('#coins').textContent.includes(`+strconv.Quote(reason)+`)`)
	becomes(b, "focus, text and cursor", `(() => { const r = document.querySelector('#reason'); return [document.activeElement.id, r.value, r.selectionStart].join('|') })()`, "reason|half a rea|4")
	becomes(b, "whether all that was opened is open", `[...document.querySelectorAll('main details')].every((d) => d.open)`, true)
	if _, err := h.Services.Payouts.UnlockCoin(t.Context(), by, treasury.Coins[at].OutPoint); err != nil {
		t.Fatal(err)
	}
	b.shows("the lock is gone again", `!document.querySelector('#coins').textContent.includes(`+strconv.Quote(reason)+`)`)
}
