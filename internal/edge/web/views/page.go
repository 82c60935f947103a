package views

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/edge/web/static"
)

// Page is what every page needs beside its own view.
type Page struct {
	Text    *i18n.Localizer // required
	Assets  *static.Assets  // required
	Now     time.Time       // for "3 min ago"
	Nonce   string          // of this response's Content-Security-Policy
	Theme   string          // "auto", "light" or "dark"
	Path    string          // path and query of this page, to come back to
	Section string          // tab that is current, e.g. "review"
	Fund    string          // name of the fund; empty shows the program's name
	Network string          // "mainnet", "testnet3", "signet", "simnet", "regtest"
	CSRF    string          // form token of the session; empty when there is none
	User    *User           // signed-in staff, nil for the public
	Pulse   string          // what had happened when the page was drawn; empty: it is not kept up to date
	Flash   *Flash          // what the last form did, shown once
}

// User is the signed-in member of staff and what the menu may offer.
type User struct {
	Name                                  string
	CanReview, CanPay, CanAudit, CanAdmin bool
	CanFleet                              bool // endpoints are checked here, and this person may see them
	KeysOff                               bool // single-key shortcuts switched off (WCAG 2.1.4)
}

// Flash is one line on top of a page.
type Flash struct {
	Tone string // "ok", "warn" or "bad"
	Msg  Msg
}

// Msg is a sentence that comes from outside the templates: a catalogue key
// with its values, and English words to fall back on.
type Msg struct {
	Key    string
	Params map[string]string
	Text   string
}

// FieldError names an input and the rule it broke. Its message is the
// catalogue's "field.<Code>" when that exists with all its Params, else
// Message.
type FieldError struct {
	Field   string // e.g. "payout_address", "endpoints[0].host"
	Code    string
	Message string
	Params  map[string]string
}

// Option is one choice of a select or a set of boxes.
type Option struct {
	Value, Label string
}

// Paging is the way to the next page of a list, as whole URLs; empty means
// there is none.
type Paging struct {
	First, Next string
}

// T returns a message of the page's language.
func (p Page) T(key string, kv ...any) string { return p.Text.T(key, kv...) }

// N returns a message that counts.
func (p Page) N(key string, n int64, kv ...any) string { return p.Text.N(key, n, Group(n), kv...) }

// about returns a message that counts to a bound.
func (p Page) about(key string, t Total) string { return p.Text.N(key, t.N, t.String()) }

// Say returns the words of a Msg.
func (p Page) Say(m Msg) string {
	if m.Key != "" {
		if s, ok := p.Text.Try(m.Key, p.params(m.Params)); ok {
			return s
		}
	}
	return m.Text
}

func (p Page) params(in map[string]string) map[string]any {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]any, len(in))
	for k, v := range in {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && strings.HasSuffix(k, "_sat") {
			v = Group(n)
		}
		out[k] = p.Text.Isolate(v)
	}
	return out
}

// Brand is the name on every page.
func (p Page) Brand() string {
	if p.Fund != "" {
		return p.Fund
	}
	return p.T("brand")
}

// TestNetwork reports whether coins on the page's network have no value.
func (p Page) TestNetwork() bool { return p.Network != "" && p.Network != "mainnet" }

func (p Page) fieldError(errs []FieldError, field string) string {
	for _, e := range errs {
		if e.Field == field {
			return p.fieldMessage(e)
		}
	}
	return ""
}

// fieldErrorsOf returns all that is wrong with one field.
func fieldErrorsOf(errs []FieldError, field string) []FieldError {
	var out []FieldError
	for _, e := range errs {
		if e.Field == field {
			out = append(out, e)
		}
	}
	return out
}

func (p Page) fieldMessage(e FieldError) string {
	return p.Say(Msg{Key: "field." + e.Code, Params: e.Params, Text: e.Message})
}

// labels are the words that stand beside the fields of forms long enough for a
// list of errors to need them.
var labels = map[string]string{
	"title":          "apply.name",
	"region":         "apply.region",
	"language":       "apply.language",
	"narrative":      "apply.narrative",
	"amount_sat":     "apply.amount",
	"payout_address": "apply.address",
	"contact":        "apply.contact",
	"protocol":       "apply.protocol",
	"host":           "apply.host",
	"port":           "apply.port",
	"username":       "apply.username",
	"secret":         "apply.secret",
}

// fieldLine is a field's message with the name of the field before it.
func (p Page) fieldLine(e FieldError) string {
	name := e.Field[strings.LastIndex(e.Field, ".")+1:]
	key, known := labels[name]
	if row, ok := strings.CutPrefix(e.Field, "endpoints["); ok && name == "link" {
		if i, err := strconv.Atoi(strings.TrimSuffix(row, "].link")); err == nil {
			return p.T("apply.server", "N", i+1) + ": " + p.fieldMessage(e)
		}
	}
	if !known {
		return p.fieldMessage(e)
	}
	return strings.TrimSuffix(p.T(key), "?") + ": " + p.fieldMessage(e)
}

// state returns the word of a state: "state.<kind>.<state>", or the state
// itself when the catalogue has none.
func (p Page) state(kind, state string) string {
	return p.Say(Msg{Key: "state." + kind + "." + state, Text: strings.ReplaceAll(state, "_", " ")})
}

// states draws the states of a kind, each of them once: a list repeats a few of them
// hundreds of times.
func (p Page) states(kind string) func(state string) templ.Component {
	drawn := map[string]templ.Component{}
	return func(s string) templ.Component {
		c, ok := drawn[s]
		if !ok {
			c = kept(state(p, kind, s))
			drawn[s] = c
		}
		return c
	}
}

// kept renders c when it is first drawn, and repeats that.
func kept(c templ.Component) templ.Component {
	var html []byte
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if html == nil {
			var b bytes.Buffer
			if err := c.Render(ctx, &b); err != nil {
				return err
			}
			html = b.Bytes()
		}
		_, err := w.Write(html)
		return err
	})
}

// word returns "<prefix>.<value>" of the catalogue, or the value itself.
func (p Page) word(prefix, value string) string {
	if value == "" {
		return ""
	}
	return p.Say(Msg{Key: prefix + "." + value, Text: value})
}

// Ago returns the time since at, coarse: "just now", "5 min", "3 h", "2 d".
func (p Page) Ago(at time.Time) string {
	d := p.Now.Sub(at)
	switch {
	case at.IsZero():
		return ""
	case d < time.Minute:
		return p.T("ago.now")
	case d < time.Hour:
		return p.T("ago.minutes", "N", int64(d/time.Minute))
	case d < 48*time.Hour:
		return p.T("ago.hours", "N", int64(d/time.Hour))
	}
	return p.T("ago.days", "N", int64(d/(24*time.Hour)))
}

// Group writes n with a narrow no-break space (U+202F) between groups of three digits. It
// is the same in every language, as amounts are: golang.org/x/text/number would write the
// comma or the full stop of the language, which some readers take for a decimal point.
func Group(n int64) string {
	return strings.Replace(money.Group(n, "\u202f"), "-", "\u2212", 1)
}

// BTC writes an amount of satoshi in bitcoin with all eight decimals, as
// 0.91 930 000.
func BTC(sat int64) string {
	sign := ""
	if sat < 0 {
		sign, sat = "\u2212", -sat
	}
	whole, frac := sat/1e8, strconv.FormatInt(sat%1e8+1e8, 10)[1:]
	return sign + Group(whole) + "." + frac[:2] + "\u202f" + frac[2:5] + "\u202f" + frac[5:]
}

// Fours is the HTML of an address in groups of four characters, the ends in bold. Every
// second group of the middle stands without an element: the gaps are the margins of its
// neighbours, and a list of hundreds is half as long. A last one of these is <u>, since
// the bold one after it has a margin too. What is no address is not cut.
func Fours(a string) string {
	if strings.ContainsFunc(
		a,
		func(c rune) bool { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') },
	) {
		return templ.EscapeString(a)
	}
	var b strings.Builder
	b.Grow(3 * len(a))
	groups := (len(a) + 3) / 4
	for i := range groups {
		four := a[4*i : min(4*i+4, len(a))]
		switch {
		case i < 2 || i >= groups-2:
			b.WriteString("<b>")
			b.WriteString(four)
			b.WriteString("</b>")
		case i%2 == 1 && i == groups-3:
			b.WriteString("<u>")
			b.WriteString(four)
			b.WriteString("</u>")
		case i%2 == 1:
			b.WriteString("<i>")
			b.WriteString(four)
			b.WriteString("</i>")
		default:
			b.WriteString(four)
		}
	}
	return b.String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// date is the day of t in UTC.
func date(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateOnly)
}

func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func itoa[T int | int32 | int64 | uint32](n T) string { return strconv.FormatInt(int64(n), 10) }

// fieldID turns a field's path into an element id: "endpoints[0].host" is
// "endpoints-0-host".
func fieldID(field string) string {
	return strings.NewReplacer("[", "-", "].", "-", "]", "", ".", "-", "_", "-").Replace(field)
}

func short(s string, head, tail int) string {
	if len(s) <= head+tail+1 {
		return s
	}
	return s[:head] + "…" + s[len(s)-tail:]
}

// live marks a page that a script brings up to date when something has happened.
func live(p Page, on bool) templ.Attributes {
	if !on || p.Pulse == "" {
		return nil
	}
	return templ.Attributes{"data-live": "/staff/events", "data-pulse": p.Pulse, "data-said": p.T("live.said")}
}
