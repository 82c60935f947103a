package apidocs_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	spec "github.com/causeway-fund/causeway/api"
	"github.com/causeway-fund/causeway/internal/edge/apidocs"
)

// page is what a reader finds on the page.
type page struct {
	HTML     string
	Setup    string // the Go in front of all calls
	Handling string // the Go after a call that was refused
	Errors   string // what the codes mean
	Calls    []callOnPage
	IDs      map[string]int
	Links    []string
}

type callOnPage struct{ ID, Curl, Go, Sample, Text string }

func rendered(t *testing.T, source, problems []byte) string {
	t.Helper()
	out, err := apidocs.Render(source, apidocs.Config{
		Styles: []string{"/static/app.css"}, Icons: "/static/icons.svg",
		Errors: problems,
		Caller: func(permission string) apidocs.Caller {
			return apidocs.Caller{Words: "Who holds it.", NoToken: permission == "token.manage"}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func read(t *testing.T) page {
	t.Helper()
	return readOf(t, rendered(t, spec.Document(), spec.Errors()))
}

func readOf(t *testing.T, source string) page {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := page{HTML: source, IDs: map[string]int{}}
	for n := range doc.Descendants() {
		if id := attribute(n, "id"); id != "" {
			p.IDs[id]++
		}
		if href := attribute(n, "href"); strings.HasPrefix(href, "#") {
			p.Links = append(p.Links, href[1:])
		}
		if attribute(n, "class") != "call" {
			continue
		}
		c := callOnPage{ID: attribute(n, "id"), Text: text(n)}
		heading := ""
		for inner := range n.Descendants() {
			switch {
			case inner.Type != html.ElementNode:
			case inner.Data == "h2", inner.Data == "h3", inner.Data == "h4":
				heading = text(inner)
			case inner.Data == "pre" && heading == "curl":
				c.Curl = text(inner)
			case inner.Data == "pre" && heading == "Go":
				c.Go = text(inner)
			case inner.Data == "pre":
				c.Sample = text(inner)
			}
		}
		switch c.ID {
		case "start":
			p.Setup = c.Go
		case "errors":
			p.Handling, p.Errors = c.Go, c.Text
		default:
			p.Calls = append(p.Calls, c)
		}
	}
	return p
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			b.WriteString(inner.Data)
		}
	}
	return b.String()
}
