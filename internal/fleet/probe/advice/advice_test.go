package advice_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/advice"
)

const sentence = "probe.advice."

// languages are those of the dashboard, with the script of each.
func languages() map[string]*unicode.RangeTable {
	return map[string]*unicode.RangeTable{"en": unicode.Latin, "ru": unicode.Cyrillic, "fa": unicode.Arabic, "zh": unicode.Han}
}

// words reads a catalogue and refuses a key that stands twice.
func words(t *testing.T, tag string) map[string]string {
	t.Helper()
	b, err := advice.Catalogue(tag)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\": \"")); n != len(out) {
		t.Errorf("%s: %d lines for %d keys", tag, n, len(out))
	}
	return out
}

// combinations calls f with all of the closed sets.
func combinations(f func(probe.Protocol, probe.Stage, probe.Class)) {
	for _, p := range probe.Protocols() {
		for _, s := range probe.Stages() {
			for _, c := range append(probe.Classes(), probe.ClassNone) {
				f(p, s, c)
			}
		}
	}
}

func TestEveryCombinationHasASentence(t *testing.T) {
	t.Parallel()
	keys := advice.Keys()
	combinations(func(p probe.Protocol, s probe.Stage, c probe.Class) {
		key := advice.Key(p, s, c)
		if !slices.Contains(keys, key) || !strings.HasPrefix(key, sentence) || advice.English(key) == "" {
			t.Errorf("%s, %s, %s: %q", p, s, c, key)
		}
	})
}

func TestEverythingHasALabel(t *testing.T) {
	t.Parallel()
	var labels []string
	for _, p := range probe.Protocols() {
		labels = append(labels, advice.ProtocolKey(p))
	}
	for _, s := range probe.Stages() {
		labels = append(labels, advice.StageKey(s))
	}
	for _, c := range append(probe.Classes(), probe.ClassNone) {
		labels = append(labels, advice.ClassKey(c))
	}
	for _, v := range []probe.Verdict{probe.Up, probe.Down, probe.Unknown} {
		labels = append(labels, advice.VerdictKey(v))
	}
	labels = append(labels, advice.ModeKey(probe.Full), advice.ModeKey(probe.Light))
	for _, l := range labels {
		if advice.English(l) == "" || !slices.Contains(advice.Keys(), l) {
			t.Errorf("%q has no words", l)
		}
	}
}

func TestNoKeyIsWithoutUse(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	combinations(func(p probe.Protocol, s probe.Stage, c probe.Class) { used[advice.Key(p, s, c)] = true })
	seen := map[string]bool{}
	for _, key := range advice.Keys() {
		if seen[key] {
			t.Errorf("%q stands twice", key)
		}
		seen[key] = true
		if strings.HasPrefix(key, sentence) && !used[key] {
			t.Errorf("nothing leads to %q", key)
		}
	}
}

func TestWhatThisVersionDoesNotKnowHasASentence(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		p    probe.Protocol
		s    probe.Stage
		c    probe.Class
		want string
	}{
		{"gopher", probe.StageTCP, probe.ClassTimeout, "tcp.timeout"},
		{"gopher", "later", probe.ClassTimeout, "timeout"},
		{probe.SOCKS5, "", probe.ClassRefused, "refused"},
		{probe.SOCKS5, probe.StageAuth, "odd", "local_resources"},
		{"", "", "", "passed"},
	} {
		if got := advice.Key(x.p, x.s, x.c); got != sentence+x.want {
			t.Errorf("%q, %q, %q: %q", x.p, x.s, x.c, got)
		}
	}
	if got := advice.English("probe.advice.no_such"); got != "" {
		t.Errorf("English = %q", got)
	}
	if _, err := advice.Catalogue("../words"); err == nil {
		t.Error("a catalogue that is none")
	}
}

// TestWhatAProtocolReportsLeadsToItsSentence holds what the protocols are known
// to report, in the places where a class alone would mislead.
func TestWhatAProtocolReportsLeadsToItsSentence(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		p    probe.Protocol
		s    probe.Stage
		c    probe.Class
		want string
	}{
		{probe.SOCKS5, probe.StageHandshake, probe.ClassProtocolMismatch, "socks5.mismatch"}, // HTTP on a SOCKS port
		{probe.SOCKS5, probe.StageAuth, probe.ClassAuthRequired, "socks5.auth_required"},
		{probe.SOCKS5, probe.StageAuth, probe.ClassAuthRejected, "socks5.auth_rejected"},
		{probe.SOCKS5, probe.StageRelay, probe.ClassRelayRefused, "socks5.relay_refused"},    // reply 2
		{probe.SOCKS5, probe.StageRelay, probe.ClassTargetUnreachable, "target_unreachable"}, // reply 5
		{probe.SOCKS5, probe.StageRelay, probe.ClassTimeout, "relay.timeout"},
		{probe.SOCKS5, probe.StageTarget, probe.ClassReset, "target.closed"},
		{probe.SOCKS5, probe.StageTarget, probe.ClassTargetInvalid, "target_invalid"}, // a forged data centre
		{probe.SOCKS5, probe.StageTCP, probe.ClassTimeout, "tcp.timeout"},
		{probe.SOCKS5, probe.StageTCP, probe.ClassRefused, "refused"},
		{probe.HTTPConnect, probe.StageAuth, probe.ClassAuthRejected, "http_connect.auth_rejected"}, // 401 or 407
		{probe.HTTPConnect, probe.StageHandshake, probe.ClassTimeout, "http_connect.timeout"},
		{probe.HTTPConnect, probe.StageRelay, probe.ClassTargetUnreachable, "http_connect.target_unreachable"},
		{probe.MTProto, probe.StageAuth, probe.ClassAuthRejected, "mtproto.auth_rejected"}, // ee: secret, clock, website
		{probe.MTProto, probe.StageHandshake, probe.ClassEOF, "mtproto.hello_dropped"},
		{probe.MTProto, probe.StageRelay, probe.ClassEOF, "mtproto.silent"}, // simple, dd: secret
		{probe.MTProto, probe.StageRelay, probe.ClassTargetInvalid, "mtproto.target_invalid"},
		{probe.Shadowsocks, probe.StageRelay, probe.ClassTimeout, "shadowsocks.silent"}, // password
		{probe.Shadowsocks, probe.StageHandshake, probe.ClassProtocolMismatch, "shadowsocks.other_key"},
		{probe.Shadowsocks, probe.StageHandshake, probe.ClassTimeout, "handshake.timeout"},
		{probe.Trojan, probe.StageTarget, probe.ClassTargetInvalid, "trojan.website"}, // password
		{probe.Trojan, probe.StageHandshake, probe.ClassProtocolMismatch, "trojan.certificate"},
		{probe.VLESS, probe.StageRelay, probe.ClassEOF, "vless.silent"}, // user ID
		{probe.WireGuard, probe.StageHandshake, probe.ClassTimeout, "wireguard.silent"},
		{probe.WireGuard, probe.StageHandshake, probe.ClassRefused, "udp.refused"}, // ICMP
		{probe.WireGuard, probe.StageHandshake, probe.ClassCookieReply, "cookie_reply"},
		{probe.WireGuard, probe.StageAuth, probe.ClassAuthRejected, "wireguard.auth_rejected"},
		{probe.WireGuard, probe.StageRelay, probe.ClassTargetUnreachable, "tunnel.no_way_out"},
		{probe.OpenVPN, probe.StageHandshake, probe.ClassTimeout, "openvpn.silent"}, // tls-auth
		{probe.OpenVPN, probe.StageTCP, probe.ClassRefused, "refused"},
		{probe.OpenVPN, probe.StageHandshake, probe.ClassAuthRejected, "openvpn.static_key"},
		{probe.OpenVPN, probe.StageAuth, probe.ClassProtocolMismatch, "openvpn.settings"}, // ciphers
		{probe.OpenVPN, probe.StageAuth, probe.ClassAuthRejected, "openvpn.auth_rejected"},
		{probe.OpenVPN, probe.StageRelay, probe.ClassTimeout, "tunnel.no_way_out"},
		{probe.Trojan, probe.StageDNS, probe.ClassAddressDenied, "dns.address_denied"},
		{probe.Trojan, probe.StageGuard, probe.ClassAddressDenied, "address_denied"},
	} {
		if got := advice.Key(x.p, x.s, x.c); got != sentence+x.want {
			t.Errorf("%s, %s, %s: %q, want %q", x.p, x.s, x.c, got, x.want)
		}
	}
}

// TestWhatSaysNothingIsNotHeldAgainstTheOperator is about every verdict Unknown,
// and about no other.
func TestWhatSaysNothingIsNotHeldAgainstTheOperator(t *testing.T) {
	t.Parallel()
	for tag, phrase := range map[string]string{
		"en": "This does not count against you, and there is nothing to do",
		"ru": "Против вас это не засчитывается, и делать ничего не нужно",
		"fa": "این به ضرر شما حساب نمی\u200cشود و لازم نیست کاری بکنید",
		"zh": "这不会对您不利，您无需处理",
	} {
		text := words(t, tag)
		combinations(func(p probe.Protocol, s probe.Stage, c probe.Class) {
			key := advice.Key(p, s, c)
			unknown := c.Verdict(probe.Full) == probe.Unknown
			if strings.Contains(text[key], phrase) != unknown {
				t.Errorf("%s: %s, %s, %s: %q", tag, p, s, c, text[key])
			}
			if unknown && key != sentence+string(c) {
				t.Errorf("%s at %s of %s has a sentence of its own: %q", c, s, p, key)
			}
		})
	}
}

func TestEveryLanguageHasEveryKeyAndNoOther(t *testing.T) {
	t.Parallel()
	want := advice.Keys()
	slices.Sort(want)
	for tag := range languages() {
		var got []string
		for key := range words(t, tag) {
			got = append(got, key)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tag, diff)
		}
	}
}

// outside is what could be of an endpoint, or be filled in: placeholders, verbs
// of fmt, addresses, links, markup, control characters, other digits than 0-9.
var outside = regexp.MustCompile(`\{\{|\}\}|%|://|<|>|@|[0-9]+\.[0-9]|[0-9a-fA-F:]{16,}|[\x00-\x1f\x{2066}-\x{2069}\x{660}-\x{669}\x{6f0}-\x{6f9}]`)

func TestWordsAreFixedShortAndTranslated(t *testing.T) {
	t.Parallel()
	english := words(t, "en")
	for tag, script := range languages() {
		for key, text := range words(t, tag) {
			if found := outside.FindString(text); found != "" {
				t.Errorf("%s: %s holds %q", tag, key, found)
			}
			if text != strings.TrimSpace(text) || strings.Contains(text, "  ") {
				t.Errorf("%s: %s has spaces too many", tag, key)
			}
			least, most := 2, 32
			if strings.HasPrefix(key, sentence) {
				least, most = 10, 280
				if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "。") {
					t.Errorf("%s: %s does not end", tag, key)
				}
			}
			if n := utf8.RuneCountInString(text); n < least || n > most {
				t.Errorf("%s: %s has %d characters, not %d to %d", tag, key, n, least, most)
			}
			if strings.HasPrefix(key, "probe.protocol.") {
				if text != english[key] {
					t.Errorf("%s: the name of a protocol stays: %s", tag, key)
				}
				continue
			}
			if !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) }) {
				t.Errorf("%s: %s is not in this language: %q", tag, key, text)
			}
		}
	}
}

func TestEnglishIsTheCatalogue(t *testing.T) {
	t.Parallel()
	for key, text := range words(t, "en") {
		if got := advice.English(key); got != text {
			t.Errorf("%s: %q, want %q", key, got, text)
		}
	}
}
