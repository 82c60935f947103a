package link

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxSNI is the longest server name that fits into the ClientHello of Telegram's
// clients.
const maxSNI = 182

// isTelegramHost reports hosts whose links open in Telegram.
func isTelegramHost(host string) bool {
	return slices.Contains(
		[]string{"t.me", "telegram.me", "telegram.dog"},
		strings.TrimPrefix(strings.ToLower(host), "www."),
	)
}

// parseTelegramWeb reads t.me/proxy?… and t.me/socks?….
func parseTelegramWeb(rest string) (Spec, error) {
	_, rest, _ = strings.Cut(rest, "/")
	return parseTelegram(rest)
}

// parseTelegram reads proxy?server=…&port=…&secret=… and
// socks?server=…&port=…&user=…&pass=…, of core.telegram.org/api/links.
func parseTelegram(rest string) (Spec, error) {
	var r refusals
	p := split(rest, &r)
	p.host = strings.TrimSuffix(p.host, "/")
	if p.hasUser || p.path != "" || p.host != "proxy" && p.host != "socks" {
		r.add("endpoint", CodeUnknownForm, "Telegram's links for proxies are proxy?server=… and socks?server=….")
		return nil, r.err()
	}
	host, err := probe.ParseHost(p.query["server"])
	r.check("server", err)
	port, err := probe.ParsePort(orZero(p.query["port"]))
	r.check("port", err)
	a := probe.Address{Host: host, Port: port}
	if p.host == "socks" {
		p.only(&r, "server", "port", "user", "pass")
		return proxy(&r, probe.SOCKS5, a, p.query["user"], p.query["pass"], false)
	}
	p.only(&r, "server", "port", "secret", "bot", "channel")
	out := parseSecret(p.query["secret"], &r)
	out.Addr = a
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// orZero gives ParsePort something to refuse where there is no port.
func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// parseSecret reads a secret in hexadecimal or in any base64.
func parseSecret(s string, r *refusals) MTProto {
	var out MTProto
	b, err := hex.DecodeString(s)
	if err != nil {
		s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
		if b, err = base64.RawStdEncoding.DecodeString(s); err != nil {
			b = nil
		}
	}
	switch {
	case len(b) == 16:
		out.Kind = SecretSimple
	case len(b) == 17 && b[0] == 0xdd:
		out.Kind, b = SecretPadded, b[1:]
	case len(b) > 17 && b[0] == 0xee:
		out.Kind, b = SecretTLS, b[1:]
		name, err := probe.ParseName(string(b[16:]))
		if err != nil || len(name) > maxSNI {
			r.add("secret", CodeBadHost, "The host name inside the secret is not one.")
		}
		// Both sides compute over the ClientHello, so that case does not matter.
		out.SNI = name
	default:
		r.add(
			"secret",
			CodeBadSecret,
			"A secret is 32 hexadecimal digits, dd and 32 digits, or ee, 32 digits and a host name; or the same in base64.",
		)
		return out
	}
	copy(out.Key[:], b)
	return out
}
