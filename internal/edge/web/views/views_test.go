package views_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/edge/web/static"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
)

func catalogue(t *testing.T) *i18n.Catalogue {
	t.Helper()
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func frame(t *testing.T, lang string, user bool) views.Page {
	t.Helper()
	assets, err := static.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := views.Page{
		Text: catalogue(t).Pick("", lang), Assets: assets, Now: now, Nonce: "n0nce", Theme: "auto", Path: "/here?x=1",
		Network: "signet", CSRF: "t0ken", Flash: &views.Flash{Tone: "ok", Msg: views.Msg{Text: "Saved."}},
	}
	if user {
		p.User = &views.User{Name: "mara", CanReview: true, CanPay: true, CanAudit: true, CanAdmin: true}
	}
	return p
}

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// each runs a check on every page, empty and full.
func each(t *testing.T, lang string, check func(t *testing.T, pg page, text string)) {
	t.Helper()
	for _, pg := range pages() {
		p := frame(t, lang, !pg.public)
		for kind, component := range map[string]templ.Component{"zero": pg.zero(p), "full": pg.full(p)} {
			t.Run(pg.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				check(t, pg, draw(t, component))
			})
		}
	}
}

func nodes(t *testing.T, text string) []*html.Node {
	t.Helper()
	doc, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(doc.Descendants())
}

func attr(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func TestEveryMessageOfAPageExists(t *testing.T) {
	t.Parallel()
	each(t, "en", func(t *testing.T, _ page, text string) {
		if i := strings.Index(text, "⟦"); i >= 0 {
			t.Errorf("missing message: %.80s", text[i:])
		}
	})
}

func TestPagesHoldToTheContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	each(t, "en", func(t *testing.T, _ page, text string) {
		for _, n := range nodes(t, text) {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" {
				t.Error("a <style> element")
			}
			if src, ok := attr(n, "src"); n.Data == "script" && (!ok || !strings.HasPrefix(src, "/static/") || n.FirstChild != nil) {
				t.Errorf("script with src %q or inline text", src)
			}
			if nonce, _ := attr(n, "nonce"); n.Data == "script" && nonce != "n0nce" {
				t.Errorf("script nonce = %q", nonce)
			}
			hx := false
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
				hx = hx || (strings.HasPrefix(a.Key, "hx-") && a.Key != "hx-ignore")
				if (a.Key == "href" || a.Key == "src") && strings.Contains(a.Val, "//") {
					t.Errorf("<%s %s=%q> leaves the site", n.Data, a.Key, a.Val)
				}
			}
			if nonce, _ := attr(n, "hx-nonce"); hx && nonce != "n0nce" {
				t.Errorf("<%s> has hx- attributes and the nonce %q", n.Data, nonce)
			}
		}
	})
}

func TestPagesAreWellFormedForEveryReader(t *testing.T) {
	t.Parallel()
	each(t, "en", func(t *testing.T, _ page, text string) {
		h1, mains := 0, 0
		ids, labels := map[string]int{}, map[string]bool{}
		var controls []*html.Node
		for _, n := range nodes(t, text) {
			if n.Type != html.ElementNode {
				continue
			}
			if id, ok := attr(n, "id"); ok {
				ids[id]++
			}
			switch n.Data {
			case "h1":
				h1++
			case "main":
				mains++
			case "label":
				id, _ := attr(n, "for")
				labels[id] = true
			case "form":
				action, _ := attr(n, "action")
				if method, _ := attr(n, "method"); method != "dialog" && !strings.HasPrefix(action, "/") {
					t.Errorf("form action %q", action)
				}
				checkToken(t, n)
			case "input", "select", "textarea":
				if kind, _ := attr(n, "type"); kind != "hidden" {
					controls = append(controls, n)
				}
			case "th":
				if _, ok := attr(n, "scope"); !ok {
					t.Error("a <th> without scope")
				}
			}
		}
		if h1 != 1 || mains != 1 {
			t.Errorf("h1 = %d, main = %d, want one of each", h1, mains)
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("id %q occurs %d times", id, n)
			}
		}
		for _, n := range controls {
			if id, _ := attr(n, "id"); !labels[id] {
				name, _ := attr(n, "name")
				t.Errorf("<%s name=%q id=%q> has no label", n.Data, name, id)
			}
		}
		checkReferences(t, text, ids)
	})
}

// checkToken wants the session's form token in every form that posts.
func checkToken(t *testing.T, form *html.Node) {
	t.Helper()
	if method, _ := attr(form, "method"); method != "post" {
		return
	}
	for n := range form.Descendants() {
		if name, _ := attr(n, "name"); name == "csrf" {
			return
		}
	}
	action, _ := attr(form, "action")
	t.Errorf("form %s posts without the form token", action)
}

// checkReferences wants every link within the page and every described-by to
// lead somewhere.
func checkReferences(t *testing.T, text string, ids map[string]int) {
	t.Helper()
	for _, n := range nodes(t, text) {
		for _, key := range []string{"aria-describedby", "aria-labelledby"} {
			v, _ := attr(n, key)
			for _, id := range strings.Fields(v) {
				if ids[id] == 0 {
					t.Errorf("%s=%q leads nowhere", key, id)
				}
			}
		}
		if href, _ := attr(n, "href"); strings.HasPrefix(href, "#") && ids[href[1:]] == 0 {
			t.Errorf("link %q leads nowhere", href)
		}
	}
}

// words is text that a person reads, outside of what is never translated.
var (
	words    = regexp.MustCompile(`\p{L}{3,}`)
	constant = []string{"UTC", "Causeway", "SHA", "Esc", "Enter", "und", "causewayctl uptime verify"}
)

// TestNoPageSpeaksOutsideTheCatalogue draws the pages in a language whose
// catalogue is made of marks, and looks for words that are neither marks nor
// from the view.
func TestNoPageSpeaksOutsideTheCatalogue(t *testing.T) {
	t.Parallel()
	c, err := i18n.LoadFS(marks(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, pg := range pages() {
		p := frame(t, "en", !pg.public)
		p.Text = c.Pick("")
		p.Flash = nil
		given := spoken(reflect.ValueOf(pg.view)) + strings.Join(constant, " ") + " mara signet English Русский"
		for _, component := range []templ.Component{pg.zero(p), pg.full(p)} {
			for _, n := range nodes(t, draw(t, component)) {
				if n.Type != html.TextNode || n.Parent.Data == "kbd" {
					continue
				}
				for _, w := range words.FindAllString(n.Data, -1) {
					if !strings.Contains(given, w) {
						t.Errorf("%s: %q is not from the catalogue: %.60q", pg.name, w, n.Data)
					}
				}
			}
		}
	}
}

// marks is an English catalogue without words.
func marks(t *testing.T) fs.FS {
	t.Helper()
	raw, err := i18n.Raw("en")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("{")
	for key, forms := range raw {
		if b.Len() > 1 {
			b.WriteString(",")
		}
		if len(forms) > 1 {
			fmt.Fprintf(&b, `%q:{"one":"¤","other":"¤"}`, key)
			continue
		}
		fmt.Fprintf(&b, `%q:"¤"`, key)
	}
	b.WriteString("}")
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "catalogue"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "catalogue", "en.json"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(dir)
}

// spoken returns every string of a view.
func spoken(v reflect.Value) string {
	var b strings.Builder
	kind := v.Kind()
	if kind == reflect.String {
		return v.String() + " "
	}
	if kind == reflect.Pointer && !v.IsNil() {
		return spoken(v.Elem())
	}
	if kind == reflect.Slice {
		for i := range v.Len() {
			b.WriteString(spoken(v.Index(i)))
		}
	}
	if kind == reflect.Struct {
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				b.WriteString(spoken(v.Field(i)))
			}
		}
	}
	return b.String()
}

func TestOperatorsTextIsEscaped(t *testing.T) {
	t.Parallel()
	evil := `<img src=x onerror=alert(1)><b hx-get="/sign-out">`
	d := sampleDetail(1)
	d.Title, d.Narrative, d.Messages[0].Text = evil, evil, evil

	text := draw(t, views.ReviewDetailPage(frame(t, "en", true), d))

	if strings.Contains(text, "<img") || strings.Contains(text, `<b hx-get`) {
		t.Error("markup of an operator came through")
	}
}

func TestFieldMessageNeedsAllItsParams(t *testing.T) {
	t.Parallel()
	v := sampleApply(2, false)
	v.Errors = []views.FieldError{{Field: "payout_address", Code: "wrong_network", Message: "English words."}}

	text := draw(t, views.ApplyPage(frame(t, "en", false), v))

	if !strings.Contains(text, "English words.") {
		t.Error("a message without its params is not replaced by the words that came with it")
	}
}

func TestReceiptCodeIsNeverPartOfAURL(t *testing.T) {
	t.Parallel()
	for _, pg := range pages() {
		if !pg.public {
			continue
		}
		for _, n := range nodes(t, draw(t, pg.full(frame(t, "en", false)))) {
			for _, key := range []string{"href", "action", "src", "formaction"} {
				if v, _ := attr(n, key); strings.Contains(v, "7K3FQ") {
					t.Errorf("%s: %s=%q", pg.name, key, v)
				}
			}
		}
	}
}

// TestOperatorsPagesSpeakRussian puts marks where English would show.
func TestOperatorsPagesSpeakRussian(t *testing.T) {
	t.Parallel()
	dir := marks(t)
	ru, err := os.ReadFile("../i18n/catalogue/ru.json")
	if err != nil {
		t.Fatal(err)
	}
	en, err := fs.ReadFile(dir, "catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := i18n.LoadFS(fstest.MapFS{"catalogue/en.json": {Data: en}, "catalogue/ru.json": {Data: ru}})
	if err != nil {
		t.Fatal(err)
	}
	for _, pg := range pages() {
		if !pg.public {
			continue
		}
		p := frame(t, "en", false)
		p.Text = c.Pick("", "ru")
		for _, component := range []templ.Component{pg.zero(p), pg.full(p)} {
			if text := draw(t, component); strings.Contains(text, "¤") {
				t.Errorf("%s is not all Russian: %.120s", pg.name, text[strings.Index(text, "¤")-100:])
			}
		}
	}
}
