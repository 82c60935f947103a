package link

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxText is the longest text that is read; an .ovpn with certificates has
// about 10,000 bytes.
const maxText = 64 << 10

// maxLink is the longest link.
const maxLink = 4096

// Parse reads one endpoint. Errors are Invalid with code endpoint_refused; each
// field names the line ("line 3") or the parameter ("secret") that was refused.
func Parse(text string) (Spec, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "\ufeff")
	text = strings.TrimSpace(text)
	var r refusals
	switch {
	case text == "":
		r.add("endpoint", CodeMissing, "Paste a link or the content of a configuration file.")
		return nil, r.err()
	case len(text) > maxText:
		r.add("endpoint", errs.CodeTooLong, fmt.Sprintf("A configuration has at most %d bytes.", maxText))
		return nil, r.err()
	case !utf8.ValidString(text) || strings.ContainsFunc(text, control):
		r.add("endpoint", errs.CodeNotText, "This is not a text file.")
		return nil, r.err()
	case strings.Contains(text, "\n") || strings.HasPrefix(text, "["):
		return parseFile(text)
	}
	return parseLink(text)
}

// control reports characters that no link and no configuration holds.
func control(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }

// parseFile tells the two kinds of files apart by their first line that says
// something.
func parseFile(text string) (Spec, error) {
	lines := strings.Split(text, "\n")
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' || l[0] == ';' {
			continue
		}
		if strings.HasPrefix(l, "[") {
			return parseWireGuard(lines)
		}
		break
	}
	for _, l := range lines {
		if word, _, _ := strings.Cut(
			strings.TrimSpace(l),
			" ",
		); word == "client" || word == "remote" ||
			word == "tls-client" {
			return parseOpenVPN(lines)
		}
	}
	var r refusals
	r.add(
		"endpoint",
		CodeSeveral,
		"This is neither a WireGuard nor an OpenVPN configuration. Links go in one at a time.",
	)
	return nil, r.err()
}

func parseLink(text string) (Spec, error) {
	var r refusals
	if len(text) > maxLink {
		r.add("endpoint", errs.CodeTooLong, fmt.Sprintf("A link has at most %d bytes.", maxLink))
		return nil, r.err()
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		if host, _, _ := strings.Cut(text, "/"); isTelegramHost(host) {
			return parseTelegramWeb(text)
		}
		r.add("endpoint", CodeUnknownForm, "A link begins with a scheme such as tg:// or socks5://.")
		return nil, r.err()
	}
	switch strings.ToLower(scheme) {
	case "tg":
		return parseTelegram(rest)
	case "https", "http":
		if host, _, _ := strings.Cut(rest, "/"); isTelegramHost(host) {
			return parseTelegramWeb(rest)
		}
		if strings.EqualFold(scheme, "https") {
			r.add(
				"endpoint",
				CodeUnsupported,
				"HTTP proxies that speak TLS themselves are not checked yet. Use http:// for a plain one.",
			)
			return nil, r.err()
		}
		return parseProxy(rest, probe.HTTPConnect)
	case "socks5", "socks5h", "socks":
		return parseProxy(rest, probe.SOCKS5)
	case "ss":
		return parseShadowsocks(rest)
	case "trojan":
		return parseTrojan(rest)
	case "vless":
		return parseVLESS(rest)
	}
	r.add("endpoint", CodeUnsupported, fmt.Sprintf("Links that begin with %s are not checked.", quote(scheme)))
	return nil, r.err()
}

// maxRefusals is how many refusals a person is shown at once.
const maxRefusals = 20

// refusals collects what was refused and why.
type refusals struct{ fields []errs.Field }

func (r *refusals) put(f errs.Field) {
	if len(r.fields) < maxRefusals {
		r.fields = append(r.fields, f)
	}
}

// add names a parameter.
func (r *refusals) add(name string, code errs.Code, message string) {
	r.put(errs.Field{Field: name, Code: code, Message: message})
}

// line names a line, counted from 1.
func (r *refusals) line(n int, code errs.Code, message string) {
	line := strconv.Itoa(n)
	r.put(errs.Field{Field: "line " + line, Code: code, Message: message, Params: map[string]string{"line": line}})
}

// check adds err, the error of one of probe's parsers, if it is one.
func (r *refusals) check(name string, err error) {
	if err != nil {
		r.add(name, CodeInvalid, sentence(err))
	}
}

func (r *refusals) err() error {
	if len(r.fields) == 0 {
		return nil
	}
	return &errs.Error{
		Kind: errs.Invalid, Code: CodeEndpointRefused, Fields: r.fields,
		Message: "The endpoint cannot be used as it is written. Nothing was saved and nothing was sent to it.",
	}
}

// sentence makes a sentence of an error's words.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// quote shows a name that a stranger wrote: short, and escaped.
func quote(s string) string {
	if len(s) > 32 {
		s = strings.ToValidUTF8(s[:32], "") + "…"
	}
	return strconv.Quote(s)
}

// parts are a link behind its scheme.
type parts struct {
	user     string // still escaped; "" for none
	hasUser  bool
	host     string // host:port, or a longer form of the scheme's own
	path     string
	query    map[string]string
	fragment string
}

// split takes a link apart. net/url is not used for it: its errors repeat the
// link, and links hold secrets.
func split(rest string, r *refusals) parts {
	var p parts
	rest, p.fragment, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	p.query = queryOf(query, r)
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		p.user, p.hasUser, rest = rest[:i], true, rest[i+1:]
	}
	p.host, p.path, _ = strings.Cut(rest, "/")
	return p
}

// queryOf reads parameters. A plus sign stays one: base64 has it.
func queryOf(query string, r *refusals) map[string]string {
	out := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		switch _, twice := out[name]; {
		case err != nil || !utf8.ValidString(value) || strings.ContainsFunc(value, controlOrNewline):
			r.add(shown(name), CodeBadEscape, "A % is followed by two hexadecimal digits.")
		case twice:
			r.add(shown(name), errs.CodeTwice, "This parameter stands twice.")
		}
		out[name] = value
	}
	return out
}

// shown is a parameter's name as the name of a refusal.
func shown(name string) string {
	return strings.Trim(quote(name), `"`)
}

func controlOrNewline(c rune) bool { return c < ' ' || c == 0x7f }

// only refuses parameters that are neither read nor known to be harmless.
func (p parts) only(r *refusals, names ...string) {
	var unknown []string
	for name := range p.query {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		r.add(
			shown(name),
			CodeUnknownParameter,
			"This parameter is not among those that are read. Take it out of the link.",
		)
	}
}

// server reads host and port.
func (p parts) server(r *refusals) probe.Address {
	a, err := probe.ParseAddress(p.host)
	r.check("server", err)
	if p.path != "" {
		r.add("path", CodeUnknownPart, "Nothing may stand between the port and the parameters.")
	}
	return a
}

// unescape decodes a part of the user information.
func unescape(s, name string, r *refusals) string {
	out, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(out) || strings.ContainsFunc(out, controlOrNewline) {
		r.add(name, CodeBadEscape, "A % is followed by two hexadecimal digits.")
		return ""
	}
	return out
}
