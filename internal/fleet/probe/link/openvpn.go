package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// defaultPort is OpenVPN's, registered with IANA.
const defaultPort = "1194"

// without are settings of openvpn(8) that mean nothing to a check: how a client
// keeps a long connection, what it logs, and what it would do to the routes and
// resolvers of a machine, none of which a check has.
func without() []string {
	return []string{
		"client",
		"tls-client",
		"pull",
		"nobind",
		"persist-key",
		"persist-tun",
		"persist-local-ip",
		"resolv-retry",
		"verb",
		"mute",
		"mute-replay-warnings",
		"float",
		"keepalive",
		"ping",
		"ping-restart",
		"ping-exit",
		"ping-timer-rem",
		"reneg-sec",
		"reneg-bytes",
		"reneg-pkts",
		"tun-mtu",
		"mssfix",
		"explicit-exit-notify",
		"connect-retry",
		"connect-retry-max",
		"connect-timeout",
		"server-poll-timeout",
		"block-outside-dns",
		"redirect-gateway",
		"route",
		"route-delay",
		"route-method",
		"route-nopull",
		"route-ipv6",
		"route-metric",
		"dhcp-option",
		"auth-nocache",
		"auth-retry",
		"tls-version-min",
		"tls-cipher",
		"tls-ciphersuites",
		"sndbuf",
		"rcvbuf",
		"fast-io",
		"remote-random",
		"pull-filter",
		"tun-ipv6",
		"ignore-unknown-option",
		"allow-compression",
		"hand-window",
		"tran-window",
		"topology",
		"socket-flags",
		"txqueuelen",
	}
}

// dangerous are settings that run a program, load code, read a file, or lead the
// connection elsewhere.
func dangerous() []string {
	return []string{
		"up",
		"down",
		"route-up",
		"route-pre-down",
		"ipchange",
		"tls-verify",
		"auth-user-pass-verify",
		"client-connect",
		"client-disconnect",
		"learn-address",
		"plugin",
		"script-security",
		"up-restart",
		"up-delay",
		"down-pre",
		"setenv",
		"setenv-safe",
		"http-proxy",
		"http-proxy-option",
		"socks-proxy",
		"config",
		"cd",
		"chroot",
		"user",
		"group",
		"daemon",
		"log",
		"log-append",
		"status",
		"writepid",
		"management",
		"iproute",
		"engine",
		"pkcs11-providers",
		"pkcs12",
		"cryptoapicert",
		"tls-export-cert",
		"crl-verify",
		"askpass",
		"local",
		"lport",
		"bind",
		"mark",
		"socket",
		"service",
		"secret",
	}
}

// inline are the blocks that are read.
func inline() []string {
	return []string{"ca", "cert", "key", "tls-auth", "tls-crypt", "auth-user-pass"}
}

// parseOpenVPN reads a client's configuration, by openvpn(8).
func parseOpenVPN(lines []string) (Spec, error) {
	v := ovpnReader{out: OpenVPN{KeyDirection: -1}, seen: map[string]bool{}}
	for i := 0; i < len(lines); i++ {
		l := strings.TrimSpace(lines[i])
		switch {
		case l == "" || l[0] == '#' || l[0] == ';':
		case strings.HasPrefix(l, "<"):
			i = v.block(lines, i)
		default:
			v.setting(i+1, words(l))
		}
	}
	v.finish()
	if err := v.r.err(); err != nil {
		return nil, err
	}
	return v.out, nil
}

// words splits a line at white space, takes double quotes off, and drops a
// comment that begins a word.
func words(l string) []string {
	var out []string
	for _, w := range strings.Fields(l) {
		if w[0] == '#' || w[0] == ';' {
			break
		}
		out = append(out, strings.Trim(w, `"`))
	}
	return out
}

// ovpnReader reads a file line by line.
type ovpnReader struct {
	out    OpenVPN
	remote []string // its words
	proto  string
	port   string
	seen   map[string]bool
	r      refusals
}

// block reads the inline block that begins at lines[i] and returns the index of
// its last line.
func (v *ovpnReader) block(lines []string, i int) int {
	name := strings.Trim(strings.TrimSpace(lines[i]), "<>")
	known := slices.Contains(inline(), name) && strings.TrimSpace(lines[i]) == "<"+name+">"
	end := slices.IndexFunc(lines[i:], func(l string) bool { return strings.TrimSpace(l) == "</"+name+">" })
	switch {
	case end < 0:
		v.r.line(i+1, CodeUnclosed, "The block that begins here has no end.")
		return len(lines) - 1
	case !known:
		v.r.line(
			i+1,
			CodeRefused,
			"The block "+quote(name)+" is not among those that are read: "+strings.Join(inline(), ", ")+".",
		)
	case v.seen["<"+name]:
		v.r.line(i+1, errs.CodeTwice, "The block "+quote(name)+" stands twice.")
	default:
		v.seen["<"+name] = true
		v.inline(i+1, name, lines[i+1:i+end])
	}
	return i + end
}

// inline takes a block in.
func (v *ovpnReader) inline(n int, name string, body []string) {
	text := strings.Join(body, "\n")
	var why string
	switch name {
	case "ca":
		v.out.CA, why = certificates(text)
	case "cert":
		v.out.Cert, why = certificates(text)
	case "key":
		v.out.Key, why = privateKey(text)
	case "tls-auth":
		v.out.TLSAuth, why = staticKey(body)
	case "tls-crypt":
		v.out.TLSCrypt, why = staticKey(body)
	case "auth-user-pass":
		if len(body) != 2 || body[0] == "" {
			why = "it holds two lines, the user name and the password"
			break
		}
		v.out.User, v.out.Password = body[0], body[1]
	}
	if why != "" {
		v.r.line(n, CodeRefused, quote(name)+": "+why+".")
	}
}

// setting takes one line in.
func (v *ovpnReader) setting(n int, w []string) {
	if len(w) == 0 {
		return
	}
	name, args := strings.TrimPrefix(w[0], "--"), w[1:]
	refuse := func(why string) { v.r.line(n, CodeRefused, quote(name)+": "+why+".") }
	arg := ""
	if len(args) > 0 {
		arg = args[0]
	}
	if slices.Contains(without(), name) {
		return
	}
	if v.seen[name] {
		if name == "remote" {
			refuse("an endpoint has one server; list each as an endpoint of its own")
			return
		}
		refuse("it stands twice")
		return
	}
	v.seen[name] = true
	switch name {
	case "remote":
		v.remote = args
	case "port", "rport":
		v.port = arg
	case "proto":
		v.proto = arg
	case "dev", "dev-type":
		if !strings.HasPrefix(arg, "tun") {
			refuse("only tun devices are checked")
		}
	case "auth", "cipher", "data-ciphers", "data-ciphers-fallback", "ncp-ciphers":
		if !v.algorithms(name, arg) {
			refuse("this is not the name of an algorithm")
		}
	case "key-direction":
		if arg != "0" && arg != "1" {
			refuse("it is 0 or 1")
			return
		}
		v.out.KeyDirection = int(arg[0] - '0')
	case "remote-cert-tls":
		if arg != "server" {
			refuse("it is server")
		}
		v.out.ServerUsage = true
	case "verify-x509-name":
		if len(args) != 2 || args[1] != "name" || len(arg) > maxSNI {
			refuse("only a whole common name is compared: verify-x509-name NAME name")
			return
		}
		v.out.VerifyName = arg
	case "comp-lzo", "compress":
		v.compression(name, arg, refuse)
	case "auth-user-pass":
		if arg != "" {
			refuse("put user name and password into a block of this name, in two lines")
		}
	case "ca", "cert", "key", "tls-auth", "tls-crypt":
		if arg != "[inline]" {
			refuse("files are not read; put the content into a block, between <" + name + "> and </" + name + ">")
		}
	default:
		v.refuseOther(name, refuse)
	}
}

// compression takes settings in that compress nothing. All but stub-v2 change
// the form of packets.
func (v *ovpnReader) compression(name, arg string, refuse func(string)) {
	switch name + " " + arg {
	case "comp-lzo no", "compress ", "compress stub":
		if v.out.Stub != "" && v.out.Stub != name {
			refuse("it contradicts the other setting of compression")
			return
		}
		v.out.Stub = name
	case "compress no", "compress stub-v2", "compress migrate":
	default:
		refuse("compression is not spoken, because it gives away what is encrypted")
	}
}

func (v *ovpnReader) refuseOther(name string, refuse func(string)) {
	switch {
	case slices.Contains(dangerous(), name):
		refuse("settings that run programs, read files or lead elsewhere are not read; take the line out")
	case name == "tls-crypt-v2":
		refuse("tls-crypt-v2 is not checked yet")
	default:
		refuse("this setting is not among those that are read; take the line out")
	}
}

// algorithms takes names of ciphers or digests in.
func (v *ovpnReader) algorithms(setting, arg string) bool {
	names := strings.Split(strings.ToUpper(arg), ":")
	if setting != "data-ciphers" && setting != "ncp-ciphers" && len(names) > 1 || len(names) > 16 {
		return false
	}
	for _, a := range names {
		if a == "" || len(a) > 32 || strings.Trim(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	if setting == "auth" {
		v.out.Auth = names[0]
		return true
	}
	for _, a := range names {
		if !slices.Contains(v.out.Ciphers, a) {
			v.out.Ciphers = append(v.out.Ciphers, a)
		}
	}
	return true
}

// finish looks at what only the whole file tells.
func (v *ovpnReader) finish() {
	proto, port := v.proto, v.port
	if len(v.remote) > 1 {
		port = v.remote[1]
	}
	if len(v.remote) > 2 {
		proto = v.remote[2]
	}
	if port == "" {
		port = defaultPort
	}
	if len(v.remote) == 0 {
		v.r.add("server", CodeMissing, "The line \"remote HOST PORT\" is missing.")
		return
	}
	host, err := probe.ParseHost(v.remote[0])
	v.r.check("server", err)
	number, err := probe.ParsePort(port)
	v.r.check("port", err)
	v.out.Addr = probe.Address{Host: host, Port: number}
	switch proto {
	case "", "udp", "udp4", "udp6":
	case "tcp", "tcp4", "tcp6", "tcp-client", "tcp4-client", "tcp6-client":
		v.out.TCP = true
	default:
		v.r.add("proto", CodeUnsupported, fmt.Sprintf("The protocol is udp or tcp, not %s.", quote(proto)))
	}
	switch {
	case v.out.CA == "":
		v.r.add("ca", CodeMissing, "The certificate authority is missing: a block <ca>.")
	case (v.out.Cert == "") != (v.out.Key == ""):
		v.r.add("cert", CodeMissing, "A client's certificate goes with its key: the blocks <cert> and <key>.")
	case v.out.Cert != "" && !matches(v.out.Cert, v.out.Key):
		v.r.add("key", CodeContradiction, "The client's certificate is not one of this key.")
	case v.out.Cert == "" && v.out.User == "":
		v.r.add("key", CodeMissing, "The client has nothing to show: give <cert> and <key>, or <auth-user-pass>.")
	case v.out.TLSAuth != nil && v.out.TLSCrypt != nil:
		v.r.add("tls-auth", CodeContradiction, "tls-auth and tls-crypt exclude each other.")
	}
}
