package link_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Keys of no use anywhere: bytes 1, 2 and 3, 32 times each.
const wireguardFile = `# from the operator
[Interface]
PrivateKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
Address = 10.66.0.2/32, fd00:66::2/128 # two
DNS = 10.66.0.1, lan.example
MTU = 1380
ListenPort = 51820

[Peer]
PublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
PresharedKey = AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25
`

func TestWireGuardFile(t *testing.T) {
	t.Parallel()
	s, err := link.Parse(strings.ReplaceAll(wireguardFile, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "server=vpn.example.org:51820 peer_key=" + strings.Repeat("02", 32) + " private_key=" + strings.Repeat("01", 32) +
		" preshared_key=" + strings.Repeat("03", 32) + " addresses=10.66.0.2/32, fd00:66::2/128 dns=10.66.0.1 allowed_ips=0.0.0.0/0, ::/0 mtu=1380"
	if got := shown(s.Fields()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestWireGuardRefusals(t *testing.T) {
	t.Parallel()
	_, peer, _ := strings.Cut(wireguardFile, "[Peer]")
	for name, tc := range map[string]struct{ old, new, want string }{
		"a program":          {"MTU = 1380", "PostUp = iptables -F", "line 6 refused"},
		"two programs":       {"MTU = 1380\nListenPort = 51820", "PreDown = x\nTable = off", "line 6 refused, line 7 refused"},
		"AmneziaWG":          {"MTU = 1380", "Jc = 4", "line 6 refused"},
		"an unknown setting": {"MTU = 1380", "Color = blue", "line 6 refused"},
		"a bad MTU":          {"MTU = 1380", "MTU = 20", "line 6 refused"},
		"no setting":         {"MTU = 1380", "MTU", "line 6 not_a_setting"},
		"twice":              {"MTU = 1380", "MTU = 1380\nmtu = 1400", "line 7 twice"},
		"a bad key":          {"AgICAgIC", "AgICAgI", "line 10 refused"},
		"nobody's key":       {"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", strings.Repeat("A", 43) + "=", "line 10 refused"},
		"an own server":      {"vpn.example.org:51820", "127.1:51820", "line 13 refused"},
		"no port":            {"vpn.example.org:51820", "vpn.example.org", "line 13 refused"},
		"a bad address":      {"10.66.0.2/32", "10.66.0.2/99", "line 4 refused"},
		"two peers":          {"[Interface]", "[Peer]\n[Interface]", "line 10 several"},
		"no peer":            {"[Peer]" + peer, "", "peer missing"},
		"no address":         {"Address", "AllowedIPs", "line 4 refused, addresses missing"},
		"no endpoint":        {"Endpoint = vpn.example.org:51820", "", "server missing"},
		"another section":    {"[Peer]", "[Peers]", "line 9 unknown_section, line 10 refused, line 11 refused, line 12 refused, line 13 refused, line 14 refused, peer missing"},
		"a setting outside":  {"[Interface]", "MTU = 1400\n[Interface]", "endpoint several"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(wireguardFile, tc.old, tc.new, 1)
			_, err := link.Parse(text)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.Join(refusal(t, err), ", "); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// certificate returns a self-signed certificate and its key in PEM.
func certificate(tb testing.TB) (cert, key string) {
	tb.Helper()
	// Ed25519, so that lines stay as many as they are.
	public, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(4_000_000_000, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, k)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

// openvpnFile is a client's configuration as servers' scripts write it.
func openvpnFile(tb testing.TB) string {
	tb.Helper()
	cert, key := certificate(tb)
	static := strings.Repeat(strings.Repeat("ab", 16)+"\n", 16)
	return "client\ndev tun\nproto udp\nremote vpn.example.org 1195\nnobind\npersist-key\nremote-cert-tls server\n" +
		"auth SHA256\ncipher AES-256-GCM # new\ndata-ciphers AES-256-GCM:AES-128-GCM\nkey-direction 1\nverb 3\nverify-x509-name server name\n" +
		"<ca>\n" + cert + "</ca>\n<cert>\nCertificate:\n    Data:\n" + cert + "</cert>\n<key>\n" + key + "</key>\n" +
		"<tls-auth>\n#\n# 2048 bit OpenVPN static key\n#\n-----BEGIN OpenVPN Static key V1-----\n" + static + "-----END OpenVPN Static key V1-----\n</tls-auth>\n"
}

func TestOpenVPNFile(t *testing.T) {
	t.Parallel()
	text := openvpnFile(t)
	s, err := link.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := s.(link.OpenVPN)
	if !ok || v.Addr.String() != "vpn.example.org:1195" || v.TCP || v.KeyDirection != 1 || v.Auth != "SHA256" ||
		strings.Join(v.Ciphers, ":") != "AES-256-GCM:AES-128-GCM" || v.VerifyName != "server" || !v.ServerUsage ||
		hex.EncodeToString(v.TLSAuth) != strings.Repeat("ab", 256) || v.CA != v.Cert || !strings.HasPrefix(v.Cert, "-----BEGIN CERT") {
		t.Errorf("%+v", v)
	}
	if got := shown(link.Public(s)); strings.Contains(got, "PRIVATE") || strings.Contains(got, "abab") {
		t.Errorf("public fields: %s", got)
	}

	tcp, err := link.Parse(strings.Replace(text, "remote vpn.example.org 1195", "remote 1.2.3.4 443 tcp", 1))
	if v, ok := tcp.(link.OpenVPN); err != nil || !ok || !v.TCP || v.Addr.String() != "1.2.3.4:443" {
		t.Errorf("%+v, %v", tcp, err)
	}
	_, key := certificate(t)
	start, end := strings.Index(text, "<key>\n")+6, strings.Index(text, "</key>")
	if _, err := link.Parse(text[:start] + key + text[end:]); err == nil || strings.Join(refusal(t, err), ", ") != "key contradiction" {
		t.Errorf("another key: %v", err)
	}
}

func TestOpenVPNRefusals(t *testing.T) {
	t.Parallel()
	text := openvpnFile(t)
	_, static, _ := strings.Cut(text, "<tls-auth>\n")
	static, _, _ = strings.Cut(static, "</tls-auth>")
	_, key, _ := strings.Cut(text, "<key>\n")
	key, _, _ = strings.Cut(key, "</key>")
	for name, tc := range map[string]struct{ old, new, want string }{
		"a script":           {"verb 3", "up /bin/sh", "line 12 refused"},
		"a plugin":           {"verb 3", "plugin x.so", "line 12 refused"},
		"script security":    {"verb 3", "script-security 2", "line 12 refused"},
		"environment":        {"verb 3", "setenv LD_PRELOAD x", "line 12 refused"},
		"another proxy":      {"verb 3", "http-proxy 127.0.0.1 80", "line 12 refused"},
		"a log file":         {"verb 3", "log-append /etc/passwd", "line 12 refused"},
		"with dashes":        {"verb 3", "--up /bin/sh", "line 12 refused"},
		"in quotes":          {"verb 3", `"up" "/bin/sh"`, "line 12 refused"},
		"management":         {"verb 3", "management 127.0.0.1 1", "line 12 refused"},
		"unknown":            {"verb 3", "frobnicate", "line 12 refused"},
		"a file":             {"verb 3", "ca /etc/ssl/ca.pem", "line 12 refused"},
		"a password file":    {"verb 3", "auth-user-pass /etc/passwd", "line 12 refused"},
		"compression":        {"verb 3", "comp-lzo", "line 12 refused"},
		"two servers":        {"verb 3", "remote b.example 1", "line 12 refused"},
		"tap":                {"dev tun", "dev tap", "line 2 refused"},
		"tls-crypt-v2":       {"verb 3", "tls-crypt-v2 x", "line 12 refused"},
		"a strange cipher":   {"cipher AES-256-GCM", "cipher ../x", "line 9 refused"},
		"an own address":     {"vpn.example.org 1195", "0x7f.1 1195", "server invalid"},
		"no port":            {"vpn.example.org 1195", "vpn.example.org 0", "port invalid"},
		"another transport":  {"proto udp", "proto sctp", "proto unsupported"},
		"no server":          {"remote vpn.example.org 1195", "", "server missing"},
		"an unclosed block":  {"</tls-auth>", "", "line 39 unclosed"},
		"an unknown block":   {"<tls-auth>", "<connection>\n</connection>\n<tls-auth>", "line 39 refused"},
		"a broken key":       {"-----BEGIN OpenVPN Static", "-----BEGIN OpenVPN", "line 39 refused"},
		"a locked key":       {key, strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "line 34 refused, cert missing"},
		"no server's use":    {"remote-cert-tls server", "remote-cert-tls client", "line 7 refused"},
		"a block twice":      {"<tls-auth>", "<auth-user-pass>\nu\np\n</auth-user-pass>\n<auth-user-pass>\nu\np\n</auth-user-pass>\n<tls-auth>", "line 43 twice"},
		"two static keys":    {"verb 3\n", "<tls-crypt>\n" + static + "</tls-crypt>\n", "tls-auth contradiction"},
		"a short key":        {strings.Repeat("ab", 16) + "\n", "", "line 39 refused"},
		"a broken authority": {"<ca>\n-----BEGIN CERTIFICATE-----\n", "<ca>\n", "line 14 refused, ca missing"},
		"a key as authority": {"<ca>\n-----BEGIN CERTIFICATE-----", "<ca>\n-----BEGIN PRIVATE KEY-----", "line 14 refused, ca missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(text, tc.old, tc.new, 1)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			_, err := link.Parse(changed)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.Join(refusal(t, err), ", "); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
