package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

// tab is a window of its own: no cookie of another test is in it. It holds what
// the pages wrote to the console; whatever is left at the end fails the test.
type tab struct {
	*house
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the tab in one

	mu   sync.Mutex
	said []string
}

const (
	tabPatience = 3 * time.Minute
	actPatience = 30 * time.Second
)

// width and height of a window in CSS pixels.
type window struct{ width, height int64 }

var (
	desk  = window{1280, 800}
	phone = window{390, 844}
)

func (h *house) tab(t *testing.T) *tab {
	t.Helper()
	b := &tab{house: h, t: t}
	ctx, cancel := chromedp.NewContext(h.browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	ctx, cancelTime := context.WithTimeout(ctx, tabPatience)
	t.Cleanup(cancelTime)
	b.ctx = ctx
	t.Cleanup(func() {
		for _, line := range b.heard() {
			t.Errorf("console: %s", line)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of its first step
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(desk.width, desk.height))
	b.scheme("light")
	return b
}

func (b *tab) listen(ev any) {
	line := ""
	switch e := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			for _, arg := range e.Args {
				line += fmt.Sprint(string(arg.Value), arg.Description, " ")
			}
		}
	case *runtime.EventExceptionThrown:
		line = thrown(e.ExceptionDetails)
	case *log.EventEntryAdded:
		// A refused form is a page with status 422, which Chromium mentions.
		refused := e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "status of 422")
		if !refused && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			line = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if line != "" {
		b.mu.Lock()
		b.said = append(b.said, line)
		b.mu.Unlock()
	}
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// heard returns what the console got since the last call.
func (b *tab) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// do runs steps, each of which must succeed.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	for i, s := range steps {
		err := chromedp.Do(ctx, s)
		if swapped(err) {
			err = chromedp.Do(ctx, s)
		}
		if err != nil {
			b.t.Fatalf("step %d of %d: %v\non %s", i+1, len(steps), err, b.where())
		}
	}
}

// where is what the tab shows, for a failed test.
func (b *tab) where() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + ": " + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// eval returns the value of a script.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", script, err)
	}
	return v
}

// visit loads a page of the dashboard.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.URL + path))
}

// press clicks on something that leads to another page, and waits for that.
func (b *tab) press(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	if swapped(err) {
		_, err = chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	}
	if err != nil {
		b.t.Fatalf("press %s: %v\non %s", selector, err, b.where())
	}
}

// swapped reports whether a step met an element that a live page has just taken
// out: nothing was done to it, and the new one can be asked.
func swapped(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "node")
}

// fill types text into a field that is empty.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// choose picks an option of a list.
func (b *tab) choose(selector, value string) {
	b.t.Helper()
	got := eval[string](b, `(() => { const s = document.querySelector(`+strconv.Quote(selector)+`); s.value = `+strconv.Quote(value)+`; return s.value })()`)
	if got != value {
		b.t.Fatalf("%s has no option %q\non %s", selector, value, b.where())
	}
}

// keys presses keys as a keyboard does: a key that the page takes for itself
// writes nothing.
func (b *tab) keys(list ...string) {
	b.t.Helper()
	for _, k := range list {
		down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: k}
		switch k {
		case "Escape":
			down.WindowsVirtualKeyCode = 27
		case "Enter":
			down.WindowsVirtualKeyCode = 13
		default:
			down.Type, down.Text = input.DispatchKeyEventTypeKeyDown, k
		}
		up := down
		up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, event); err != nil {
				b.t.Fatalf("key %s: %v", k, err)
			}
		}
	}
}

// read waits until the words of an element, as a person sees them, match a pattern,
// and returns the match. Nothing is read without such a wait: a press is over when
// the next page begins, and a live page is swapped at any time, so what is there at
// first may be the old page's.
func (b *tab) read(selector, pattern string) string {
	b.t.Helper()
	words := regexp.MustCompile(pattern)
	found := ""
	b.await(selector+" to say "+pattern, func() (bool, string) {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector(`+strconv.Quote(selector)+`)?.innerText ?? ''`))
		if err != nil {
			return false, err.Error() // between two pages there is nothing to ask
		}
		found = words.FindString(strings.TrimSpace(got))
		return found != "", got
	})
	return found
}

// becomes waits until a script's value is the wanted one.
func becomes[T comparable](b *tab, what, script string, want T) {
	b.t.Helper()
	b.await(fmt.Sprintf("%s to be %v", what, want), func() (bool, string) {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
		if err != nil {
			return false, err.Error()
		}
		return got == want, fmt.Sprint(got)
	})
}

// await asks until it is done, and says what the last answer was when it is not.
func (b *tab) await(what string, ask func() (done bool, got string)) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, got := ask()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("waited in vain for %s; at last it was %q\non %s", what, got, b.where())
		}
	}
}

// shows waits until script is true; the page may load anew meanwhile.
func (b *tab) shows(what, script string) {
	b.t.Helper()
	b.until(b.t, what, func(context.Context) (bool, error) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		return err == nil && ok, nil // between two pages there is nothing to ask
	})
}

// says waits until the element holds the catalogue's words.
func (b *tab) says(selector, key string) {
	b.t.Helper()
	b.read(selector, regexp.QuoteMeta(b.words.T(key)))
}

// signIn follows a person's one-time link.
func (b *tab) signIn(name string) {
	b.t.Helper()
	b.visit(b.link(b.t, name))
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	// A link serves once, and its page is not live: a button that is gone was pressed.
	_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("main form button")))
	if err != nil && !swapped(err) {
		b.t.Fatalf("sign in as %s: %v\non %s", name, err, b.where())
	}
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// look examines the page at both widths, light and dark, and leaves the window
// wide and light.
func (b *tab) look(name string) { b.t.Helper(); b.examine(name) }

// lookClosely also asks axe, once wide and light and once narrow and dark: about the whole
// page, or about the parts that selectors name, where a page repeats itself.
func (b *tab) lookClosely(name string, selectors ...string) {
	b.t.Helper()
	if len(selectors) == 0 {
		selectors = []string{"html"}
	}
	b.examine(name, selectors...)
}

func (b *tab) examine(name string, closely ...string) {
	b.t.Helper()
	for _, w := range []window{desk, phone} {
		b.do(chromedp.EmulateViewport(w.width, w.height))
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			at := fmt.Sprintf("%s %d %s", name, w.width, scheme)
			if scheme == "light" {
				b.measure(at, w)
			}
			if len(closely) > 0 && (w == desk) == (scheme == "light") {
				b.accessible(at, closely)
			}
			b.photograph(at)
		}
	}
	b.do(chromedp.EmulateViewport(desk.width, desk.height))
	b.scheme("light")
	for _, line := range b.heard() {
		b.t.Errorf("%s: console: %s", name, line)
	}
}

// measure checks what must hold of every page.
func (b *tab) measure(at string, w window) {
	b.t.Helper()
	got := eval[struct {
		Width, Titles int64
		Wide          []string
		Lang, Title   string
	}](b, `(() => {
		const over = [...document.querySelectorAll('body *')].filter((e) => {
			const r = e.getBoundingClientRect();
			return r.width > 1 && r.right > innerWidth + 1 && !e.closest('.scroll, .vh, svg, pre');
		});
		return {
			Width: document.documentElement.scrollWidth, Titles: document.querySelectorAll('h1').length,
			Wide: over.slice(0, 5).map((e) => e.localName + '.' + e.className), Lang: document.documentElement.lang, Title: document.title,
		};
	})()`)
	if got.Width > w.width {
		b.t.Errorf("%s: the page is %d pixels wide; beyond the edge: %v", at, got.Width, got.Wide)
	}
	if got.Titles != 1 {
		b.t.Errorf("%s: %d main headings", at, got.Titles)
	}
	if got.Lang == "" || got.Title == "" {
		b.t.Errorf("%s: language %q, title %q", at, got.Lang, got.Title)
	}
}

// accessible asks axe for violations of WCAG 2.0 to 2.2, levels A and AA, in these parts
// of the page.
func (b *tab) accessible(at string, parts []string) {
	b.t.Helper()
	if !eval[bool](b, `typeof axe === "object"`) {
		b.do(chromedp.Evaluate[chromedp.Void](axe))
	}
	include, err := json.Marshal(parts)
	if err != nil {
		b.t.Fatal(err)
	}
	found := eval[[]string](b, `axe.run({ include: `+string(include)+` }, {
		runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }, resultTypes: ['violations'],
	}).then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + n.target.join(' ') + ': ' + n.failureSummary.replace(/\s+/g, ' '))))`)
	for _, f := range found {
		b.t.Errorf("%s: axe: %s", at, f)
	}
}

// copies wants what somebody selects and copies of each of these elements to be its text
// without a space: an address is drawn in groups of four, and pasted in one piece.
func (b *tab) copies(selector string) {
	b.t.Helper()
	got := eval[[][]string](b, `[...document.querySelectorAll(`+"`"+selector+"`"+`)].map((n) => {
		const s = getSelection(); s.removeAllRanges(); s.selectAllChildren(n);
		const copied = s.toString(); s.removeAllRanges(); return [n.textContent.trim(), copied];
	})`)
	for _, pair := range got {
		if pair[0] == "" || pair[0] != pair[1] {
			b.t.Errorf("of %q somebody copies %q", pair[0], pair[1])
		}
	}
	if len(got) == 0 {
		b.t.Errorf("there is no %s to copy", selector)
	}
}

// photograph keeps a picture for whoever wants to look at it.
func (b *tab) photograph(name string) {
	b.t.Helper()
	dir := os.Getenv("CAUSEWAY_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, actPatience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o600)); err != nil {
		b.t.Error(err)
	}
}
