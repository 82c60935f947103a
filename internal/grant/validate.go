package grant

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/money"
	"github.com/causeway-fund/causeway/internal/probe"
	"github.com/causeway-fund/causeway/internal/prose"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// Limits on what an operator may write, in characters.
const (
	MaxTitle     = 120
	MaxNarrative = 6000
	MinNarrative = 20
	MaxContact   = 200
	MaxMessage   = 4000
	MaxEndpoints = 20
	maxHost      = 253
	maxSecret    = 256
	maxNote      = 500
)

// Protocols lists what an endpoint may speak.
func Protocols() []string {
	return []string{"socks5", "mtproto", "http-connect", "wireguard", "openvpn", "shadowsocks", "trojan", "vless"}
}

// Proposal is what an operator sends.
type Proposal struct {
	Title         string     `json:"title"`
	Narrative     string     `json:"narrative"`
	Contact       string     `json:"contact"`
	Endpoints     []Endpoint `json:"endpoints"`
	Region        string     `json:"region"`
	Language      string     `json:"language"`
	AmountSat     int64      `json:"amount_sat"`
	PayoutAddress string     `json:"payout_address"`
}

var hostForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// normalise trims what people leave at the ends.
func (p Proposal) normalise() Proposal {
	for _, s := range []*string{&p.Title, &p.Narrative, &p.Contact} {
		*s = prose.Tidy(*s)
	}
	for _, s := range []*string{&p.PayoutAddress, &p.Region, &p.Language} {
		*s = strings.TrimSpace(*s)
	}
	p.Endpoints = slices.Clone(p.Endpoints)
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		e.Host = strings.ToLower(strings.TrimSpace(e.Host))
		e.Note = prose.Tidy(e.Note)
		e.Link = strings.TrimSpace(e.Link)
	}
	return p
}

// protocols returns the distinct protocols of the endpoints, sorted.
func (p Proposal) protocols() []string {
	var list []string
	for _, e := range p.Endpoints {
		list = append(list, e.Protocol)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// validate returns every field that breaks a rule of the fund, those of the claims
// included, and the payee when the address holds.
func (p Proposal) validate(f Fund, c claims, isTreasury func([]byte) bool) (wallet.Payee, []errs.Field) {
	var bad []errs.Field
	add := func(field, code, message string) {
		bad = append(bad, errs.Field{Field: field, Code: code, Message: message})
	}
	text := func(field, value string, r prose.Rule) {
		if f := prose.Check(field, value, r); f != nil {
			bad = append(bad, *f)
		}
	}
	text("title", p.Title, prose.Rule{Min: 3, Max: MaxTitle})
	text("narrative", p.Narrative, prose.Rule{Min: MinNarrative, Max: MaxNarrative, Lines: true})
	text("contact", p.Contact, prose.Rule{Max: MaxContact})
	if !isRegion(p.Region) {
		add("region", "unknown_region", "Choose the country that your users are in, or \"other\".")
	}
	if !isLanguage(p.Language) {
		add("language", "unknown_language", "Choose the language of your application, for example \"en\".")
	}
	switch {
	case len(p.Endpoints) == 0:
		add("endpoints", "required", "Name at least one server.")
	case len(p.Endpoints) > MaxEndpoints:
		add("endpoints", "too_many", "Name at most "+itoa(MaxEndpoints)+" servers.")
	}
	for i, e := range p.Endpoints {
		prefix := "endpoints[" + itoa(i) + "]."
		if e.Link == "" { // else what is wrong with it stands in c.bad
			e.validate(prefix, add)
		}
		e.words(prefix, add)
		text(prefix+"note", e.Note, prose.Rule{Max: maxNote, Lines: true})
	}
	bad = append(bad, c.bad...)

	params, err := f.Params()
	if err != nil {
		add("payout_address", "no_network", "The fund's network is not known to this program.")
		return wallet.Payee{}, bad
	}
	payee, field := wallet.PayeeRules{AllowFutureWitness: f.FutureWitness}.Parse(p.PayoutAddress, params, isTreasury)
	if field != nil {
		bad = append(bad, *field)
	}
	bad = append(bad, validateAmount(btcutil.Amount(p.AmountSat), f, payee.Script)...)
	return payee, bad
}

func validateAmount(amt btcutil.Amount, f Fund, script []byte) []errs.Field {
	one := func(code, message string, limit btcutil.Amount) []errs.Field {
		return []errs.Field{{Field: "amount_sat", Code: code, Message: message, Params: map[string]string{"limit_sat": itoa(int(limit))}}}
	}
	switch dust := wallet.DustLimit(script); {
	case amt <= 0:
		return one("not_positive", "The amount must be more than zero.", 0)
	case len(script) > 0 && amt < dust:
		return one("dust", "The amount is dust: nodes do not relay less than "+money.Group(dust, " ")+" sat to this kind of address.", dust)
	case amt < f.MinAmount:
		return one("below_minimum", "The fund pays "+money.Group(f.MinAmount, " ")+" sat or more.", f.MinAmount)
	case amt > f.MaxAmount:
		return one("above_limit", "The fund pays at most "+money.Group(f.MaxAmount, " ")+" sat for one application.", f.MaxAmount)
	}
	return nil
}

func (e Endpoint) validate(prefix string, add func(field, code, message string)) {
	if !slices.Contains(Protocols(), e.Protocol) {
		add(prefix+"protocol", "unknown_protocol", "Choose one of: "+strings.Join(Protocols(), ", ")+".")
	}
	_, notIP := netip.ParseAddr(e.Host)
	_, notHost := probe.ParseHost(e.Host)
	switch {
	case e.Host == "":
		add(prefix+"host", "required", "Give the server's name or address.")
	case len(e.Host) > maxHost || notHost != nil || (notIP != nil && !hostForm.MatchString(e.Host)):
		add(prefix+"host", "not_a_host", "This is not a host name or an IP address. Write it without a scheme and without a port.")
	}
	if e.Port < 1 || e.Port > 65535 {
		add(prefix+"port", "not_a_port", "A port is a number from 1 to 65535.")
	}
}

// words checks what stands beside a server. User name and secret are bytes that
// nobody reads, so only their length and encoding count.
func (e Endpoint) words(prefix string, add func(field, code, message string)) {
	for _, f := range []struct{ name, value string }{{"username", e.Username}, {"secret", e.Secret}} {
		switch {
		case !utf8.ValidString(f.value):
			add(prefix+f.name, "not_text", "This is not readable text.")
		case len(f.value) > maxSecret:
			add(prefix+f.name, "too_long", "Please make this shorter: "+itoa(maxSecret)+" bytes at most.")
		}
	}
}
