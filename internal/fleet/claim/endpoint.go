package claim

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/prose"
)

// Limits on what an operator may write of a server, in characters.
const (
	MaxEndpoints = 20 // of one application
	maxHost      = 253
	maxSecret    = 256 // bytes
	maxNote      = 500
)

// Protocols lists what an endpoint may speak.
func Protocols() []string {
	return []string{"socks5", "mtproto", "http-connect", "wireguard", "openvpn", "shadowsocks", "trojan", "vless"}
}

// Endpoint is a proxy or VPN server that the operator runs. Link is a link or a
// configuration file as people have it; protocol, host and port are read from it
// where it is given.
type Endpoint struct {
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Username string `json:"username,omitempty"`
	Secret   string `json:"secret,omitempty"`
	Note     string `json:"note,omitempty"`
	Link     string `json:"link,omitempty"`
}

// WithoutSecrets is the endpoint as colleagues may see it.
func (e Endpoint) WithoutSecrets() Endpoint {
	e.Username, e.Secret, e.Link = "", "", ""
	return e
}

// Normalise returns a copy of list without what people leave at the ends.
func Normalise(list []Endpoint) []Endpoint {
	list = slices.Clone(list)
	for i := range list {
		e := &list[i]
		e.Host = strings.ToLower(strings.TrimSpace(e.Host))
		e.Note = prose.Tidy(e.Note)
		e.Link = strings.TrimSpace(e.Link)
	}
	return list
}

// DistinctProtocols returns the distinct protocols of list, sorted.
func DistinctProtocols(list []Endpoint) []string {
	var distinct []string
	for _, e := range list {
		distinct = append(distinct, e.Protocol)
	}
	slices.Sort(distinct)
	return slices.Compact(distinct)
}

var hostForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// refused returns every rule that the endpoint's own fields break; what is wrong with a
// link is known from reading it.
func (e Endpoint) refused(prefix string) []errs.Field {
	var bad []errs.Field
	add := func(field string, code errs.Code, message string) {
		bad = append(bad, errs.Field{Field: prefix + field, Code: code, Message: message})
	}
	if e.Link == "" {
		e.checkForm(add)
	}
	e.checkWords(add)
	if f := prose.Check(prefix+"note", e.Note, prose.Rule{Max: maxNote, Lines: true}); f != nil {
		bad = append(bad, *f)
	}
	return bad
}

func (e Endpoint) checkForm(add func(field string, code errs.Code, message string)) {
	if !slices.Contains(Protocols(), e.Protocol) {
		add("protocol", errs.CodeUnknownProtocol, "Choose one of: "+strings.Join(Protocols(), ", ")+".")
	}
	_, notIP := netip.ParseAddr(e.Host)
	_, notHost := probe.ParseHost(e.Host)
	switch {
	case e.Host == "":
		add("host", errs.CodeRequired, "Give the server's name or address.")
	case len(e.Host) > maxHost || notHost != nil || (notIP != nil && !hostForm.MatchString(e.Host)):
		add(
			"host",
			CodeNotAHost,
			"This is not a host name or an IP address. Write it without a scheme and without a port.",
		)
	}
	if e.Port < 1 || e.Port > 65535 {
		add("port", CodeNotAPort, "A port is a number from 1 to 65535.")
	}
}

// checkWords holds the length and the encoding of user name and secret: they are bytes
// that nobody reads.
func (e Endpoint) checkWords(add func(field string, code errs.Code, message string)) {
	for _, f := range []struct{ name, value string }{{"username", e.Username}, {"secret", e.Secret}} {
		switch {
		case !utf8.ValidString(f.value):
			add(f.name, errs.CodeNotText, "This is not readable text.")
		case len(f.value) > maxSecret:
			add(f.name, errs.CodeTooLong, "Please make this shorter: "+strconv.Itoa(maxSecret)+" bytes at most.")
		}
	}
}
