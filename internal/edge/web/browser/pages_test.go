package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// testPages looks at every page that has an address of its own; those behind a
// form are looked at on the journey.
func testPages(t *testing.T, h *house) {
	public := h.tab(t)
	for _, p := range []struct{ name, path string }{{"home", "/"}, {"apply", "/apply"}, {"status", "/status"}} {
		public.visit(p.path)
		public.lookClosely(p.name)
	}
	public.visit("/?ui=ru")
	public.look("home ru")
	public.visit("/apply?ui=ru")
	public.look("apply ru")

	reviewer := h.tab(t)
	reviewer.visit(h.link(t, "Mara"))
	reviewer.lookClosely("sign-in link")
	reviewer.press("main form button")
	reviewer.visit("/review")
	reviewer.look("review nothing selected")
	reviewer.visit(eval[string](reviewer, `document.querySelector('.row-item:nth-child(2) a').getAttribute('href')`))
	reviewer.lookClosely("review")
	reviewer.visit(eval[string](reviewer, `document.querySelector('.row-item a').dataset.detail.split('?')[0].replace(/\/detail$/, '')`))
	reviewer.lookClosely("application")
	reviewer.visit("/fleet")
	reviewer.lookClosely("fleet")
	reviewer.visit("/profile")
	reviewer.lookClosely("profile")

	treasurer := h.tab(t)
	treasurer.signIn("Lin")
	for _, p := range []struct{ name, path string }{{"batches", "/batches"}, {"grants", "/grants"}, {"treasury", "/treasury"}, {"import", "/batches/import"}} {
		treasurer.visit(p.path)
		treasurer.lookClosely(p.name)
	}
	treasurer.visit("/batches")
	treasurer.press("tbody tr:last-child a")
	treasurer.look("batch")
	treasurer.copies(".addr")
	batch := eval[string](treasurer, `location.pathname`)
	treasurer.visit(batch + "/transaction")
	treasurer.lookClosely("transaction")
	treasurer.visit("/batches/new")
	treasurer.look("compose")
	admin := h.tab(t)
	admin.signIn("Noor")
	admin.visit("/charter")
	admin.lookClosely("charter none")
	h.charter(t)
	admin.visit("/charter")
	admin.lookClosely("charter")
	for _, p := range []struct{ name, path string }{{"staff", "/staff"}, {"audit", "/audit"}, {"breakers", "/treasury/breakers"}, {"probers", "/fleet/vantages"}} {
		admin.visit(p.path)
		admin.lookClosely(p.name)
	}
}

// testDocs looks at the page of the API, which has no script: the list of calls stands at
// its side, and on a phone it unfolds where it is asked for.
func testDocs(t *testing.T, h *house) {
	const list = `getComputedStyle(document.querySelector('#calls')).display !== 'none'`
	const there = `Math.abs(document.querySelector('#approveBatch').getBoundingClientRect().top) < 100`
	b := h.tab(t)
	b.visit("/docs/api")
	b.lookClosely("docs", "header", "nav", "#start", "#errors", "#submitApplication", "#schema-Problem")
	b.shows("the list at the side", list)
	b.do(chromedp.EmulateViewport(phone.width, phone.height))
	b.shows("a phone without the list", "!("+list+")")
	b.do(chromedp.Click(chromedp.CSS(".to-list")))
	b.shows("the list on a phone", list)
	b.do(chromedp.Click(chromedp.CSS(`#calls a[href="#approveBatch"]`)))
	b.shows("the call, and no list", "!("+list+") && "+there)
}

// testNoScript sees that the staff's pages can at least be read and filtered
// without JavaScript, and that the door says why it stays shut.
func testNoScript(t *testing.T, h *house) {
	b := h.tab(t)
	b.scriptsOff()
	b.visit("/sign-in")
	b.says("main", "passkey.noscript")
	b.signIn("Mara")
	b.press(".row-item a")
	b.read("#detail [data-title]", `\S`)
	b.press(".filters noscript button")
	b.says("h1", "review.title")
}
