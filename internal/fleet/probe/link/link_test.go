package link_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

const (
	key16 = "0123456789abcdef0123456789abcdef"
	id    = "b831381d-6324-4d53-ad4f-8cda48b30811"
)

// hexName is "masked.example" in hexadecimal, as a secret ends.
const hexName = "6d61736b65642e6578616d706c65"

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// shown writes fields as name=value, separated by spaces.
func shown(fields []link.Field) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name+"="+f.Value)
	}
	return strings.Join(out, " ")
}

func TestLinksAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	mt := func(kind, more string) string {
		return "server=a.example:443 kind=" + kind + " secret=" + key16 + more
	}
	for in, want := range map[string]string{
		"tg://proxy?server=a.example&port=443&secret=" + key16:                                   mt("simple", ""),
		"tg://proxy/?server=a.example&port=443&secret=dd" + key16:                                mt("dd", ""),
		"TG://proxy?server=A.example.&port=443&secret=EE" + strings.ToUpper(key16) + hexName:     mt("ee", " sni=masked.example"),
		"https://t.me/proxy?server=a.example&port=443&secret=ee" + key16 + hexName:               mt("ee", " sni=masked.example"),
		"t.me/proxy?server=a.example&port=443&secret=" + key16 + "&bot=@x":                       mt("simple", ""),
		"http://www.telegram.me/proxy?server=a.example&port=443&secret=ASNFZ4mrze8BI0VniavN7w==": mt("simple", ""),
		"tg://proxy?server=a.example&port=443&secret=ASNFZ4mrze8BI0VniavN7w":                     mt("simple", ""),
		"tg://proxy?server=a.example&port=443&secret=7gEjRWeJq83vASNFZ4mrze9tYXNrZWQuZXhhbXBsZQ": mt("ee", " sni=masked.example"),
		"tg://socks?server=1.2.3.4&port=1080":                                                    "server=1.2.3.4:1080",
		"https://t.me/socks?server=1.2.3.4&port=1080&user=u&pass=p%26q":                          "server=1.2.3.4:1080 user=u password=p&q",
		"socks5://a.example:1080":                                                      "server=a.example:1080",
		"  socks5h://u:p%40ss@[2001:db8::1]:1080/  ":                                   "server=[2001:db8::1]:1080 user=u password=p@ss",
		"http://u:p@a.example:3128":                                                    "server=a.example:3128 user=u password=p",
		"ss://" + b64("aes-256-gcm:pa:ss") + "@a.example:8388#home":                    "server=a.example:8388 method=aes-256-gcm password=pa:ss",
		"ss://aes-128-gcm:p%40ss@a.example:8388/":                                      "server=a.example:8388 method=aes-128-gcm password=p@ss",
		"ss://" + b64("chacha20-ietf-poly1305:p@ss@1.2.3.4:8388") + "#old":             "server=1.2.3.4:8388 method=chacha20-ietf-poly1305 password=p@ss",
		"trojan://p%23w@a.example:443?sni=b.example&type=tcp&security=tls&fp=chrome#t": "server=a.example:443 sni=b.example password=p#w",
		"trojan://pw@a.example:443":                                                    "server=a.example:443 sni=a.example password=pw",
		"trojan://pw@1.2.3.4:443?sni=1.2.3.4":                                          "server=1.2.3.4:443 password=pw",
		"vless://" + id + "@a.example:8080?encryption=none":                            "server=a.example:8080 id=" + id + " security=none",
		"vless://" + id + "@1.2.3.4:443?security=tls&sni=b.example&type=tcp":           "server=1.2.3.4:443 id=" + id + " security=tls sni=b.example",
	} {
		s, err := link.Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := shown(s.Fields()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
		if s.Server().String() == "" || !s.Protocol().Valid() {
			t.Errorf("%s: %q %q", in, s.Server(), s.Protocol())
		}
	}
}

// refusal returns "field code" of each refusal.
func refusal(t *testing.T, err error) []string {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != errs.Invalid || e.Code != "endpoint_refused" {
		t.Fatalf("not a refusal: %v", err)
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Field+" "+string(f.Code))
	}
	return out
}

func TestWhatIsRefusedSaysWhere(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                       "endpoint missing",
		"hello":                  "endpoint unknown_form",
		"gopher://a.example:70":  "endpoint unsupported",
		"https://a.example:443":  "endpoint unsupported",
		"socks5://a.example\x00": "endpoint not_text",
		"socks5://a.example:1\nsocks5://b.example:1":                                    "endpoint several",
		"tg://" + strings.Repeat("a", 5000):                                             "endpoint too_long",
		"tg://resolve?domain=x":                                                         "endpoint unknown_form",
		"tg://proxy?server=a.example&port=443":                                          "secret bad_secret",
		"tg://proxy?server=a.example&port=443&secret=" + key16[:30]:                     "secret bad_secret",
		"tg://proxy?server=a.example&port=443&secret=cc" + key16:                        "secret bad_secret",
		"tg://proxy?server=a.example&port=443&secret=ee" + key16:                        "secret bad_secret",
		"tg://proxy?server=a.example&port=443&secret=ee" + key16 + "0d0a51554954":       "secret bad_host",
		"tg://proxy?server=a.example&port=443&secret=ee" + key16 + "3132372e302e302e31": "secret bad_host",
		"tg://proxy?server=127.1&port=0&secret=" + key16:                                "server invalid, port invalid",
		"tg://proxy?server=a.example&port=443&secret=" + key16 + "&port=444":            "port twice",
		"tg://proxy?server=a.example&port=443&secret=" + key16 + "&x=1&y=1":             "x unknown_parameter, y unknown_parameter",
		"tg://proxy?server=a%zz&port=443&secret=" + key16:                               "server bad_escape, server invalid",
		"tg://socks?server=1.2.3.4&port=1080&pass=x":                                    "user missing",
		"socks5://a.example":                                               "server invalid",
		"socks5://a.example:1080/path":                                     "path unknown_part",
		"socks5://:pw@a.example:1080":                                      "user missing",
		"socks5://u:p@ss@a.example:1080":                                   "user bad_escape",
		"socks5://u:p%0d%0a@a.example:1080":                                "password bad_escape",
		"socks5://" + strings.Repeat("u", 256) + "@a.example:1080":         "user too_long",
		"http://u%3Av:p@a.example:3128":                                    "user colon",
		"http://a.example:3128?x=1":                                        "x unknown_parameter",
		"ss://" + b64("aes-256-gcm:pw") + "@a.example:1?plugin=obfs-local": "plugin unsupported",
		"ss://" + b64("rc4-md5:pw") + "@a.example:1":                       "method unsupported",
		"ss://" + b64("2022-blake3-aes-128-gcm:pw") + "@a.example:1":       "method unsupported",
		"ss://nothing":                                                 "endpoint unknown_form",
		"ss://aes-256-gcm:@a.example:1":                                "password missing",
		"trojan://@a.example:443":                                      "password missing",
		"trojan://p@a.example:443?type=ws":                             "type unsupported",
		"trojan://p@a.example:443?allowInsecure=1":                     "allowInsecure unsafe",
		"trojan://p@a.example:443?sni=b.example&peer=c.example":        "peer contradiction",
		"trojan://p@a.example:443?sni=a%0d%0ab":                        "sni bad_escape, sni invalid",
		"vless://x@a.example:443":                                      "id bad_id",
		"vless://{" + id + "}@a.example:443":                           "id bad_id",
		"vless://" + id + "@a.example:443?security=reality":            "security unsupported",
		"vless://" + id + "@a.example:443?security=tls&flow=xtls":      "flow unsupported",
		"vless://" + id + "@a.example:443?sni=b.example":               "sni without_tls",
		"vless://" + id + "@a.example:443?encryption=aes&headerType=x": "headerType unsupported, encryption unsupported",
	} {
		_, err := link.Parse(in)
		if err == nil {
			t.Errorf("%q is accepted", in)
			continue
		}
		if got := strings.Join(refusal(t, err), ", "); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestRefusalsAreNotWithoutEnd(t *testing.T) {
	t.Parallel()
	_, err := link.Parse("[Interface]\n" + strings.Repeat("x\n", 1000))
	if err == nil || len(refusal(t, err)) != 20 {
		t.Errorf("%v", err)
	}
}

func TestRefusalsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter22hunter22"
	for _, in := range []string{
		"socks5://u:" + secret + "@127.1:1080", "socks5://" + secret + ":" + secret + "@a.example:99999/" + secret,
		"tg://proxy?server=a.example&port=443&secret=" + secret, "ss://aes-0:" + secret + "@a.example:1?x=" + secret,
		"trojan://" + secret + "@a.example:0?sni=" + secret + "&type=" + secret, "vless://" + secret + "@a.example:1?flow=" + secret,
		"[Interface]\nPrivateKey = " + secret + "\nPostUp = " + secret, "client\nremote a.example\n<key>\n" + secret + "\n</key>\nsecret " + secret,
		secret, "[Peer]\nPublicKey = " + secret + "\nEndpoint = " + secret,
	} {
		_, err := link.Parse(in)
		if err == nil {
			t.Errorf("%q is accepted", in)
		} else if strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestPublicFieldsHideSecrets(t *testing.T) {
	t.Parallel()
	s, err := link.Parse("socks5://alice:hunter22@a.example:1080")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(link.Public(s)), "server=a.example:1080 user=alice password=set"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"hunter22"}, link.Secrets(s)); diff != "" {
		t.Error(diff)
	}
}

func TestDigestsTellEndpointsApart(t *testing.T) {
	t.Parallel()
	same := []string{
		"tg://proxy?server=a.example&port=443&secret=" + key16, "https://t.me/proxy?port=443&secret=" + b64("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef") + "&server=A.EXAMPLE.",
	}
	others := []string{
		"tg://proxy?server=a.example&port=444&secret=" + key16, "tg://proxy?server=a.example&port=443&secret=dd" + key16,
		"socks5://u:p@a.example:443", "http://u:p@a.example:443", "socks5://up@a.example:443",
	}
	digest := func(key, in string) [32]byte {
		s, err := link.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		return link.Digest([]byte(key), s)
	}
	if digest("k", same[0]) != digest("k", same[1]) {
		t.Error("one endpoint in two spellings has two digests")
	}
	seen := map[[32]byte]string{digest("k", same[0]): same[0], digest("other key", same[0]): "other key"}
	for _, in := range others {
		d := digest("k", in)
		if seen[d] != "" {
			t.Errorf("%s and %s have one digest", in, seen[d])
		}
		seen[d] = in
	}
	if len(seen) != len(others)+2 {
		t.Errorf("%d digests", len(seen))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"tg://proxy?server=a.example&port=443&secret=ee" + key16 + hexName, "socks5://u:p%40@[::1]:1", "http://a.example:80",
		"ss://" + b64("aes-256-gcm:pw@a.example:1"), "ss://YTpi@a.example:1", "trojan://p@a.example:443?sni=b.example",
		"vless://" + id + "@a.example:443?security=tls", wireguardFile, openvpnFile(f), "client\n<ca>\n</ca>\n", "[Peer]\n=\n", "t.me/proxy",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := link.Parse(in)
		if err != nil {
			if n := len(refusal(t, err)); n == 0 || n > 20 {
				t.Errorf("%d refusals", n)
			}
			return
		}
		a := s.Server()
		if again, err := probe.ParseAddress(a.String()); err != nil || again != a {
			t.Errorf("server %q: %v", a, err)
		}
		for _, field := range s.Fields() {
			if strings.ContainsAny(field.Value, "\x00\r") {
				t.Errorf("%s holds control characters", field.Name)
			}
			if field.Name == "sni" {
				if name, err := probe.ParseName(field.Value); err != nil || name != field.Value {
					t.Errorf("sni %q: %v", field.Value, err)
				}
			}
		}
	})
}
