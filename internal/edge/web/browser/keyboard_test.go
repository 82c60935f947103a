package browser_test

import (
	"strconv"
	"testing"
)

// testKeyboard works the queue without a mouse.
func testKeyboard(t *testing.T, h *house) {
	b := h.tab(t)
	b.signIn("Idris")
	b.visit("/review")
	ids := eval[[]string](b, `[...document.querySelectorAll('.row-item a')].map((a) => a.dataset.detail)`)
	if len(ids) < 3 {
		t.Fatalf("the queue has %d rows", len(ids))
	}
	at := func(i int) {
		t.Helper()
		b.shows("row "+strconv.Itoa(i)+" is open", `(() => {
			const on = document.querySelector('.row-item.on a');
			const title = document.querySelector('#detail [data-title]');
			return on?.dataset.detail === `+strconv.Quote(ids[i])+` && title?.textContent.trim() === on.querySelector('.title').textContent.trim();
		})()`)
	}
	focus := func(what, selector string) {
		t.Helper()
		b.shows("the focus is on "+what, `document.activeElement?.matches(`+strconv.Quote(selector)+`) ?? false`)
	}
	start := 0
	if eval[bool](b, `document.querySelector('.row-item.on') === null`) {
		start = -1
	}
	b.keys("j")
	at(start + 1)
	b.keys("j")
	at(start + 2)
	b.keys("k")
	at(start + 1)
	b.keys("o")
	focus("the title of the application", "#detail [data-title]")
	b.keys("Escape")
	focus("the row", ".row-item.on a")
	b.keys("Enter")
	focus("the title again", "#detail [data-title]")
	b.keys("c")
	focus("the note", "#note-text")
	b.keys("j", "k", "?")
	becomes(b, "the note, into which jk? was typed", `document.querySelector('#note-text').value`, "jk?")
	at(start + 1)
	b.keys("Escape")
	b.keys("?")
	b.shows("the help is open", `document.querySelector('#help').open`)
	b.look("help")
	b.keys("Escape")
	b.shows("the help is closed", `!document.querySelector('#help').open && !document.querySelector('#help').contains(document.activeElement)`)
	b.keys("/")
	focus("the search", "#q")
	b.keys("Escape")
	b.keys("g", "r")
	b.shows("the queue is open anew", `location.pathname === '/review' && document.querySelector('.row-item.on') === null || location.search === ''`)

	treasurer := h.tab(t)
	treasurer.signIn("Lin")
	treasurer.visit("/batches")
	for _, jump := range []struct{ key, path string }{{"t", "/treasury"}, {"b", "/batches"}} {
		treasurer.keys("g", jump.key)
		treasurer.shows("g "+jump.key+" leads to "+jump.path, `location.pathname === `+strconv.Quote(jump.path)+` && document.readyState === 'complete'`)
	}
}
