package claim

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// readable is an endpoint that can be checked: what is known of it and its text.
type readable struct {
	spec link.Spec
	text string
}

// Claims are endpoints as they were read. One that cannot be checked, because protocol,
// host and port do not say enough, is listed and stays unproven.
type Claims struct {
	Endpoints []Endpoint  // with what their links say
	read      []*readable // as Endpoints; nil for one that cannot be checked
	bad       []errs.Field
}

// Read understands a list of endpoints. More than MaxEndpoints are not read.
func Read(list []Endpoint) Claims {
	if len(list) > MaxEndpoints {
		return Claims{Endpoints: list}
	}
	c := Claims{Endpoints: slices.Clone(list)}
	var seen []link.Spec
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		prefix := prefix(i)
		one := e.read(prefix, &c.bad)
		if one != nil && slices.ContainsFunc(seen, func(s link.Spec) bool { return link.Digest(nil, s) == link.Digest(nil, one.spec) }) {
			c.bad = append(c.bad, errs.Field{Field: prefix + e.named(), Code: "endpoint_twice", Message: "This server is already in the list."})
		}
		if one != nil {
			seen = append(seen, one.spec)
		}
		c.read = append(c.read, one)
	}
	return c
}

func prefix(i int) string { return "endpoints[" + strconv.Itoa(i) + "]." }

// Refused returns every field that breaks a rule.
func (c Claims) Refused() []errs.Field {
	var bad []errs.Field
	switch {
	case len(c.Endpoints) == 0:
		bad = append(bad, errs.Field{Field: "endpoints", Code: "required", Message: "Name at least one server."})
	case len(c.Endpoints) > MaxEndpoints:
		bad = append(bad, errs.Field{Field: "endpoints", Code: "too_many", Message: "Name at most " + strconv.Itoa(MaxEndpoints) + " servers."})
	}
	for i, e := range c.Endpoints {
		bad = append(bad, e.refused(prefix(i))...)
	}
	return append(bad, c.bad...)
}

// named is the field that a refusal of the whole endpoint names.
func (e *Endpoint) named() string {
	if e.Link != "" {
		return "link"
	}
	return "host"
}

func (e *Endpoint) read(prefix string, bad *[]errs.Field) *readable {
	if e.Link == "" {
		text := e.text()
		if spec, err := link.Parse(text); text != "" && err == nil {
			return &readable{spec, text}
		}
		return nil
	}
	spec, err := link.Parse(e.Link)
	if err != nil {
		*bad = append(*bad, linkFields(prefix+"link", err)...)
		return nil
	}
	at := spec.Server()
	e.Protocol, e.Host, e.Port = strings.ReplaceAll(string(spec.Protocol()), "_", "-"), at.Host.String(), int(at.Port)
	e.Username, e.Secret = "", "" // what counts is in the link
	return &readable{spec, e.Link}
}

// linkFields turns what link.Parse refused into errors of one field; each says
// which line or parameter it means.
func linkFields(field string, err error) []errs.Field {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []errs.Field{{Field: field, Code: "link_refused", Message: "This cannot be read."}}
	}
	var out []errs.Field
	for _, f := range e.Fields {
		message := f.Message
		if f.Field != "endpoint" {
			message = strings.ToUpper(f.Field[:1]) + f.Field[1:] + ": " + message
		}
		params := map[string]string{"where": f.Field, "reason": f.Code}
		if n := f.Params["line"]; n != "" {
			params["line"] = n
		}
		out = append(out, errs.Field{Field: field, Code: "link_refused", Message: message, Params: params})
	}
	return out
}

// text writes the fields of a form as a link; "" where they do not say enough.
func (e *Endpoint) text() string {
	server := net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	user := ""
	if e.Username != "" || e.Secret != "" {
		user = escape(e.Username) + ":" + escape(e.Secret) + "@"
	}
	switch e.Protocol {
	case "socks5":
		return "socks5://" + user + server
	case "http-connect":
		return "http://" + user + server
	case "mtproto":
		return "tg://proxy?server=" + e.Host + "&port=" + strconv.Itoa(e.Port) + "&secret=" + escape(e.Secret)
	case "trojan":
		return "trojan://" + escape(e.Secret) + "@" + server
	}
	return ""
}

// escape writes a word so that nothing in it separates parts of a link.
func escape(word string) string {
	return strings.NewReplacer(":", "%3A", "@", "%40", "&", "%26").Replace(url.PathEscape(word))
}
