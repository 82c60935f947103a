package link

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// parseShadowsocks reads SIP002, ss://base64(method:password)@host:port or with
// both in plain text, and the older ss://base64(method:password@host:port).
func parseShadowsocks(rest string) (Spec, error) {
	var r refusals
	p := split(rest, &r)
	p.path = strings.TrimSuffix(p.path, "/")
	if _, plugin := p.query["plugin"]; plugin {
		r.add("plugin", CodeUnsupported, "Servers behind a plugin are not checked.")
	}
	p.only(&r, "plugin", "tag", "group")
	var method, password string
	var found bool
	if !p.hasUser {
		// Base64 may hold a slash, where split has cut.
		whole := p.host
		if p.path != "" {
			whole, p.path = whole+"/"+p.path, ""
		}
		plain, ok := decodeAny(whole)
		i := strings.LastIndex(plain, "@")
		if !ok || i < 0 {
			r.add(
				"endpoint",
				CodeUnknownForm,
				"Shadowsocks links are ss://, method and password in base64, @, host:port.",
			)
			return nil, r.err()
		}
		p.host = plain[i+1:]
		method, password, found = strings.Cut(plain[:i], ":")
	} else if method, password, found = strings.Cut(p.user, ":"); found {
		method, password = unescape(method, "method", &r), unescape(password, "password", &r)
	} else if plain, ok := decodeAny(unescape(p.user, "password", &r)); ok {
		method, password, found = strings.Cut(plain, ":")
	}
	out := Shadowsocks{Addr: p.server(&r), Method: strings.ToLower(method), Password: password}
	switch {
	case !found || password == "":
		r.add("password", CodeMissing, "The method and the password are missing.")
	case strings.HasPrefix(out.Method, "2022-"):
		r.add("method", CodeUnsupported, "Shadowsocks 2022 is not checked yet.")
	case !slices.Contains(Methods(), out.Method):
		r.add(
			"method",
			CodeUnsupported,
			"The method is one of "+strings.Join(Methods(), ", ")+". Others are not safe enough to be used.",
		)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// decodeAny decodes any base64 into text.
func decodeAny(s string) (string, bool) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) || strings.ContainsFunc(string(b), controlOrNewline) {
		return "", false
	}
	return string(b), true
}

// Parameters that say how a client should look or be listed, not how to reach
// the server.
func cosmetic() []string { return []string{"fp", "alpn", "remark", "remarks", "name"} }

// parseTrojan reads trojan://password@host:port?sni=….
func parseTrojan(rest string) (Spec, error) {
	var r refusals
	p := split(rest, &r)
	p.only(&r, append(cosmetic(), "sni", "peer", "security", "type", "headerType", "allowInsecure", "encryption")...)
	out := Trojan{Addr: p.server(&r), Password: unescape(p.user, "password", &r)}
	if out.Password == "" {
		r.add("password", CodeMissing, "The password is missing.")
	}
	p.overTCP(&r)
	if s := p.query["security"]; s != "" && s != "tls" {
		r.add("security", CodeUnsupported, "Trojan is checked over TLS only.")
	}
	out.SNI = p.sni(&r, out.Addr)
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// parseVLESS reads vless://uuid@host:port?security=…&sni=….
func parseVLESS(rest string) (Spec, error) {
	var r refusals
	p := split(rest, &r)
	p.only(
		&r,
		append(cosmetic(), "sni", "peer", "security", "type", "headerType", "allowInsecure", "encryption", "flow")...)
	out := VLESS{Addr: p.server(&r)}
	id, err := uuid.Parse(p.user)
	if err != nil || len(p.user) != 36 {
		r.add("id", CodeBadID, "The id is a UUID.")
	}
	out.ID = id
	p.overTCP(&r)
	if e := p.query["encryption"]; e != "" && e != "none" {
		r.add("encryption", CodeUnsupported, "VLESS is checked with encryption=none only.")
	}
	if f := p.query["flow"]; f != "" {
		r.add("flow", CodeUnsupported, "VLESS with a flow is not checked yet.")
	}
	switch s := p.query["security"]; s {
	case "", "none":
		if p.query["sni"] != "" {
			r.add("sni", CodeWithoutTLS, "A server name goes with security=tls.")
		}
	case "tls":
		out.TLS = true
		out.SNI = p.sni(&r, out.Addr)
	default:
		r.add("security", CodeUnsupported, "VLESS is checked with security=none or tls only.")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// overTCP refuses other transports, and certificates that nobody checks.
func (p parts) overTCP(r *refusals) {
	if t := p.query["type"]; t != "" && t != "tcp" && t != "raw" {
		r.add("type", CodeUnsupported, "The transport is tcp. Others are not checked yet.")
	}
	if h := p.query["headerType"]; h != "" && h != "none" {
		r.add("headerType", CodeUnsupported, "A header is not checked.")
	}
	if i := p.query["allowInsecure"]; i != "" && i != "0" && i != "false" {
		r.add("allowInsecure", CodeUnsafe, "A certificate that nobody checks proves nothing. Use a valid one.")
	}
}

// sni returns the server name: sni, the older peer, or the host's own name.
func (p parts) sni(r *refusals, a probe.Address) string {
	sni, peer := p.query["sni"], p.query["peer"]
	if sni != "" && peer != "" && sni != peer {
		r.add("peer", CodeContradiction, fmt.Sprintf("%s and %s name two servers.", "sni", "peer"))
	}
	if sni == "" {
		sni = peer
	}
	if sni == "" {
		return a.Host.Name()
	}
	if ip, err := probe.ParseHost(sni); err == nil && ip == a.Host && ip.Name() == "" {
		return ""
	}
	name, err := probe.ParseName(sni)
	r.check("sni", err)
	return name
}
