package web_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// browser is one without JavaScript: it follows links, sends forms and keeps
// cookies. Every page that it gets is held against the rules of all pages.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
	header http.Header // sent with every request
}

func (r *rig) browse() *browser {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	must(r.t, err)
	return &browser{t: r.t, base: r.url, client: &http.Client{Jar: jar}, header: http.Header{"Accept": {"text/html"}}}
}

// page is an answer.
type page struct {
	t       testing.TB
	path    string // after redirects
	status  int
	header  http.Header
	body    []byte
	doc     *html.Node
	cookies []*http.Cookie
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", nil)
}

func (b *browser) post(path string, form url.Values) page {
	b.t.Helper()
	return b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (b *browser) send(method, path, contentType string, body []byte) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, bytes.NewReader(body))
	must(b.t, err)
	req.Header = b.header.Clone()
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := b.client.Do(req)
	must(b.t, err)
	p := page{t: b.t, path: resp.Request.URL.RequestURI(), status: resp.StatusCode, header: resp.Header, cookies: resp.Cookies()}
	p.body, err = io.ReadAll(resp.Body)
	must(b.t, err)
	must(b.t, resp.Body.Close())
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		p.doc, err = html.Parse(bytes.NewReader(p.body))
		must(b.t, err)
		p.check(method + " " + path)
	}
	return p
}

// check holds a page against what all pages promise.
func (p page) check(what string) {
	p.t.Helper()
	csp := p.header.Get("Content-Security-Policy")
	_, rest, _ := strings.Cut(csp, "'nonce-")
	nonce, _, _ := strings.Cut(rest, "'")
	if nonce == "" || strings.Contains(csp, "unsafe") {
		p.t.Errorf("%s: Content-Security-Policy %q", what, csp)
	}
	if p.header.Get("Cache-Control") != "no-store" {
		p.t.Errorf("%s may be kept: Cache-Control %q", what, p.header.Get("Cache-Control"))
	}
	if _, key, found := bytes.Cut(p.body, []byte("⟦")); found {
		p.t.Errorf("%s has a message without words: %.60s", what, key)
	}
	headings := 0
	for n := range p.doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.DataAtom == atom.H1 {
			headings++
		}
		if n.DataAtom == atom.Style || (n.DataAtom == atom.Script && (attr(n, "src") == "" || attr(n, "nonce") != nonce)) {
			p.t.Errorf("%s has an inline <%s>, or one without the nonce", what, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				p.t.Errorf("%s: <%s %s=%q>", what, n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(a.Key, "hx-") && a.Key != "hx-ignore" && attr(n, "hx-nonce") != nonce {
				p.t.Errorf("%s: <%s %s> without the nonce", what, n.Data, a.Key)
			}
		}
	}
	if whole := bytes.Contains(p.body, []byte("<!doctype html>")); whole && headings != 1 {
		p.t.Errorf("%s has %d first headings", what, headings)
	}
}

// submit sends the form of p with this action as a browser does: all that is
// filled in, changed by set. A name "go=next" or "do=x" in set's key "button"
// stands for the button that is pressed.
func (b *browser) submit(p page, action string, set url.Values) page {
	b.t.Helper()
	form := p.form(action)
	values := fields(form)
	for name, list := range set {
		if name != "button" {
			values[name] = list
		}
	}
	target := action
	if button := set.Get("button"); button != "" {
		name, value, _ := strings.Cut(button, "=")
		values.Set(name, value)
		if strings.HasPrefix(button, "/") {
			target = button
			values.Del(name)
		}
	}
	return b.post(target, values)
}

func (p page) form(action string) *html.Node {
	p.t.Helper()
	if p.doc == nil {
		p.t.Fatalf("%s: status %d is no page: %s", p.path, p.status, p.body)
	}
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.Form && attr(n, "action") == action {
			return n
		}
	}
	p.t.Fatalf("%s (status %d) has no form for %s:\n%s", p.path, p.status, action, p.text())
	return nil
}

// has reports whether the page has a form with this action.
func (p page) has(action string) bool {
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.Form && attr(n, "action") == action {
			return true
		}
	}
	return false
}

// links reports whether the page has a link to this address.
func (p page) links(path string) bool {
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.A && attr(n, "href") == path {
			return true
		}
	}
	return false
}

// fields returns what a browser would send of a form, without a button.
func fields(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attr(n, "name")
		if n.Type != html.ElementNode || name == "" || hasAttr(n, "disabled") {
			continue
		}
		switch n.DataAtom {
		case atom.Input:
			kind := attr(n, "type")
			if (kind != "checkbox" && kind != "radio") || hasAttr(n, "checked") {
				values.Add(name, attr(n, "value"))
			}
		case atom.Textarea:
			values.Add(name, strings.TrimPrefix(textOf(n), "\n"))
		case atom.Select:
			values.Add(name, chosen(n))
		}
	}
	return values
}

func chosen(sel *html.Node) string {
	first, found := "", false
	for n := range sel.Descendants() {
		if n.DataAtom != atom.Option {
			continue
		}
		if hasAttr(n, "selected") {
			return attr(n, "value")
		}
		if !found {
			first, found = attr(n, "value"), true
		}
	}
	return first
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// text is what the page says, with single spaces.
func (p page) text() string {
	if p.doc == nil {
		return string(p.body)
	}
	return strings.Join(strings.Fields(textOf(p.doc)), " ")
}

// wants fails unless the page has this status and says all of these.
func (p page) wants(status int, says ...string) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s: status %d, want %d:\n%s", p.path, p.status, status, p.text())
	}
	for _, s := range says {
		if !strings.Contains(p.text(), s) {
			p.t.Errorf("%s does not say %q:\n%s", p.path, s, p.text())
		}
	}
	return p
}
