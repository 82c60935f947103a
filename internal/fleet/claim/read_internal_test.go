package claim

import (
	"encoding/base64"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// TestWhatAFormSaysIsWhatItsLinkSays writes secrets of any letters into a link and reads
// them back: nothing in one separates parts of the link, is lost or becomes another.
func TestWhatAFormSaysIsWhatItsLinkSays(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[ -~é世🔑]{1,40}`)
	rapid.Check(t, func(t *rapid.T) {
		e := Endpoint{
			Protocol: rapid.SampledFrom([]string{"socks5", "http-connect", "trojan", "mtproto"}).Draw(t, "protocol"),
			Host:     rapid.SampledFrom([]string{"proxy.example.net", "8.8.8.8", "2001:4860::1"}).Draw(t, "host"),
			Port:     rapid.IntRange(1, 65535).Draw(t, "port"), Username: word.Draw(t, "username"), Secret: word.Draw(t, "secret"),
		}
		var key [16]byte
		if e.Protocol == "mtproto" {
			copy(key[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
			e.Secret = base64.StdEncoding.EncodeToString(key[:]) // with +, / and =
		}
		if e.Protocol == "http-connect" {
			e.Username = strings.ReplaceAll(e.Username, ":", ";") // RFC 7617 has no colon in a user's name
		}
		spec, err := link.Parse(e.text())
		if err != nil {
			t.Fatalf("%q: %v", e.text(), err)
		}
		if at := spec.Server(); int(at.Port) != e.Port || at.Host.String() != e.Host {
			t.Fatalf("%q is of %v", e.text(), at)
		}
		switch s := spec.(type) {
		case link.SOCKS5:
			if s.User != e.Username || s.Password != e.Secret {
				t.Fatalf("%q says %q and %q, want %q and %q", e.text(), s.User, s.Password, e.Username, e.Secret)
			}
		case link.HTTP:
			if s.User != e.Username || s.Password != e.Secret {
				t.Fatalf("%q says %q and %q, want %q and %q", e.text(), s.User, s.Password, e.Username, e.Secret)
			}
		case link.Trojan:
			if s.Password != e.Secret {
				t.Fatalf("%q says %q, want %q", e.text(), s.Password, e.Secret)
			}
		case link.MTProto:
			if s.Key != key {
				t.Fatalf("%q says %x, want %x", e.text(), s.Key, key)
			}
		default:
			t.Fatalf("%q is a %T", e.text(), s)
		}
	})
}
