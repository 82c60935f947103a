package web

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
)

// otherRegion stands for a country that is not listed.
const otherRegion = "other"

// regions are the countries on offer: those whose people are known to need a way
// round. "other" takes the rest.
var regions = strings.Fields(
	"AE AZ BD BH BY CD CN CU DJ EG ER ET GA GN ID IN IQ IR JO KG KH KW KZ LA LK LY MA MM MY NG NI OM PK PS QA RU RW SA SD SN SO SS SY TD TH TJ TM TR TZ UA UG UZ VE VN YE ZM ZW",
)

// languages are those that reviewers can be expected to read or have translated.
var languages = strings.Fields(
	"am ar az be bn en es fa fr hi id kk km ku ky lo ms my ps pt ru so sw tg th tk tr uk ur uz vi zh",
)

var protocolNames = map[string]string{
	"socks5":       "SOCKS5",
	"mtproto":      "MTProto",
	"http-connect": "HTTP CONNECT",
	"wireguard":    "WireGuard",
	"openvpn":      "OpenVPN",
	"shadowsocks":  "Shadowsocks",
	"trojan":       "Trojan",
	"vless":        "VLESS",
}

func protocolName(p string) string {
	if name := protocolNames[p]; name != "" {
		return name
	}
	return p
}

func protocolOptions() []views.Option {
	var list []views.Option
	for _, p := range claim.Protocols() {
		list = append(list, views.Option{Value: p, Label: protocolName(p)})
	}
	return list
}

// regionName returns a country's name in the language of the page.
func regionName(p views.Page, code string) string {
	if code == otherRegion {
		return p.T("region.other")
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	if name := display.Regions(language.Make(p.Text.Locale.Tag)).Name(region); name != "" {
		return name
	}
	return code
}

func regionOptions(p views.Page) []views.Option {
	var list []views.Option
	for _, code := range regions {
		list = append(list, views.Option{Value: code, Label: regionName(p, code)})
	}
	slices.SortFunc(list, func(a, b views.Option) int { return strings.Compare(a.Label, b.Label) })
	return append(list, views.Option{Value: otherRegion, Label: regionName(p, otherRegion)})
}

// languageName returns a language's name in its own words.
func languageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return code
	}
	if name := display.Self.Name(tag); name != "" {
		return name
	}
	return code
}

func languageOptions() []views.Option {
	var list []views.Option
	for _, code := range languages {
		list = append(list, views.Option{Value: code, Label: languageName(code)})
	}
	return list
}
