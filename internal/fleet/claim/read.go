package claim

import (
	"errors"
	"iter"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Readable is an endpoint that can be checked: what is known of it, and its text.
type Readable struct {
	Spec link.Spec
	Text string
}

// Claims are endpoints as they were read. One that cannot be checked, because protocol,
// host and port do not say enough, is listed and stays unproven.
type Claims struct {
	Endpoints []Endpoint  // with what their links say
	read      []*Readable // as Endpoints; nil for one that cannot be checked
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
		if one != nil &&
			slices.ContainsFunc(
				seen,
				func(s link.Spec) bool { return link.Digest(nil, s) == link.Digest(nil, one.Spec) },
			) {
			c.bad = append(
				c.bad,
				errs.Field{
					Field:   prefix + e.named(),
					Code:    CodeEndpointTwice,
					Message: "This server is already in the list.",
				},
			)
		}
		if one != nil {
			seen = append(seen, one.Spec)
		}
		c.read = append(c.read, one)
	}
	return c
}

// Readable goes through those that can be checked, each with its place in the list.
func (c Claims) Readable() iter.Seq2[int, Readable] {
	return func(yield func(int, Readable) bool) {
		for i, one := range c.read {
			if one != nil && !yield(i, *one) {
				return
			}
		}
	}
}

func prefix(i int) string { return "endpoints[" + strconv.Itoa(i) + "]." }

// Refused returns every field that breaks a rule.
func (c Claims) Refused() []errs.Field {
	var bad []errs.Field
	switch {
	case len(c.Endpoints) == 0:
		bad = append(bad, errs.Field{Field: "endpoints", Code: errs.CodeRequired, Message: "Name at least one server."})
	case len(c.Endpoints) > MaxEndpoints:
		bad = append(
			bad,
			errs.Field{
				Field:   "endpoints",
				Code:    errs.CodeTooMany,
				Message: "Name at most " + strconv.Itoa(MaxEndpoints) + " servers.",
			},
		)
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

func (e *Endpoint) read(prefix string, bad *[]errs.Field) *Readable {
	if e.Link == "" {
		text := e.text()
		if spec, err := link.Parse(text); text != "" && err == nil {
			return &Readable{spec, text}
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
	return &Readable{spec, e.Link}
}

// linkFields turns what link.Parse refused into errors of one field; each says
// which line or parameter it means.
func linkFields(field string, err error) []errs.Field {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return []errs.Field{{Field: field, Code: CodeLinkRefused, Message: "This cannot be read."}}
	}
	var out []errs.Field
	for _, f := range e.Fields {
		message := f.Message
		if f.Field != "endpoint" {
			message = strings.ToUpper(f.Field[:1]) + f.Field[1:] + ": " + message
		}
		params := map[string]string{"where": f.Field, "reason": string(f.Code)}
		if n := f.Params["line"]; n != "" {
			params["line"] = n
		}
		out = append(out, errs.Field{Field: field, Code: CodeLinkRefused, Message: message, Params: params})
	}
	return out
}

// text writes the fields of a form as a link; "" where they do not say enough.
func (e *Endpoint) text() string {
	port := strconv.Itoa(e.Port)
	u := url.URL{Host: net.JoinHostPort(e.Host, port)}
	if e.Username != "" || e.Secret != "" {
		u.User = url.UserPassword(e.Username, e.Secret)
	}
	switch e.Protocol {
	case "socks5":
		u.Scheme = "socks5"
	case "http-connect":
		u.Scheme = "http"
	case "mtproto":
		query := url.Values{"server": {e.Host}, "port": {port}, "secret": {e.Secret}}.Encode()
		// Encode's plus sign is a space. link.Parse reads it as itself, as Telegram does.
		u = url.URL{Scheme: "tg", Host: "proxy", RawQuery: strings.ReplaceAll(query, "+", "%20")}
	case "trojan":
		u.Scheme, u.User = "trojan", url.User(e.Secret)
	default:
		return ""
	}
	return u.String()
}
